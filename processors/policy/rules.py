"""A policy as compiled code sees it: numbers and small open-addressed tables."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.row.layout import JUDGEMENT_ROOM, TRAITS

MBG: Final = 0
BG: Final = 1

# What a kind of touchpoint means, as bits.
CUSTOMER: Final = 1  # the customer's own initiative
FIRM: Final = 2  # the firm's initiative
PURCHASE: Final = 4
INVESTMENT: Final = 8
CONTRIBUTION: Final = 16
CUSTOMER_EXIT: Final = 32
FIRM_EXIT: Final = 64
REFUSED: Final = 128  # the policy rejects this kind
UNMAPPED: Final = 256  # the policy does not name this kind
REFUND: Final = 1 << 9
RETURN: Final = 1 << 10
CANCELLATION: Final = 1 << 11
DISCOUNT: Final = 1 << 12  # makes the purchase of the same order a discounted one
TWO_WAY: Final = 1 << 13
INDIVIDUAL: Final = 1 << 14  # the firm made it for this one customer
COMPLAINT: Final = 1 << 15
QUESTION: Final = 1 << 16
ANSWER: Final = 1 << 17
RESOLUTION: Final = 1 << 18  # of complaints
FAILURE: Final = 1 << 19  # a failure of the core service, by itself
RIVAL: Final = 1 << 20  # the customer looks elsewhere, or has a reason to
OUTGROWN: Final = 1 << 21
GIFT: Final = 1 << 22
LOYALTY: Final = 1 << 23  # goes on record together with a purchase
ON_RECORD: Final = 1 << 24
TIE_OPENED: Final = 1 << 25
TIE_CLOSED: Final = 1 << 26  # ends the relationship when no tie is left
MANAGER: Final = 1 << 27  # a personal manager was assigned
REFERRAL: Final = 1 << 28
GIVING: Final = 1 << 29  # without return
DISCLOSURE: Final = 1 << 30  # of personal data
SATISFIED: Final = 1 << 31  # a bond only where the stated satisfaction is high, or none is stated
FAILURE_BY_REASON: Final = 1 << 32  # a failure where properties.reason is one of the policy's
ACQUISITION: Final = 1 << 33  # its cost is a cost of acquiring
# Policies of version 2 alone say these.
RENEWAL: Final = 1 << 34  # extends what binds
MARKETING: Final = 1 << 35  # its cost acquires or keeps, and serves nobody
CONSENT: Final = 1 << 36  # to be written to
REFUSAL: Final = 1 << 37  # that consent withdrawn: a message was wrong
VOIDING: Final = 1 << 38  # makes its order one that was never bought
# Read from the touchpoint itself; no kind has them.
DISCOUNTED: Final = 1 << 40
FINITE: Final = 1 << 41  # of a category that ends by itself
ONE_OFF: Final = 1 << 42  # of a category that is bought for an occasion
OUTSIDE: Final = 1 << 43  # says that the customer is out of target
INSIDE: Final = 1 << 44

# A row holds the index of a category and of a trust factor: their order is part of its layout.
CATEGORIES: Final = (
    "none",
    "personal_assistance",
    "dedicated_personal_assistance",
    "self_service",
    "automated_service",
    "community",
    "co_creation",
)
TRUST_FACTORS: Final = (
    "brand",
    "third_party_rating",
    "security_and_privacy",
    "technology",
    "fulfilment",
    "support_and_service",
    "knowledge",
)
BONDS: Final = ("none", "intellectual", "emotional")

# Signs of trust.
POSITIVE: Final = 1
NEGATIVE: Final = -1
BY_SATISFACTION: Final = 2  # as the customer states: high is positive, low is negative, anything else says nothing

CALIBRATIONS: Final = 12  # four numbers of each of three bands

# Room for the rules of [triggers], see processors.triggers.packed.
TRIGGER_RULES: Final = 24
RULE_CELLS: Final = 20
TRIGGER_CODE: Final = 4096
TRIGGER_NUMBERS: Final = 4096
ZONE_ROOM: Final = 1024
CONSENT_WORDS: Final = 64  # categories of consent managers that the policy names

MEANING: Final = np.dtype(
    [
        ("flags", "i8"),  # read it as record["flags"]: outside compiled code .flags is NumPy's own attribute
        ("weight", "f8"),  # of engagement
        ("cost_minor", "i8"),  # to serve, where the touchpoint states none
        ("bond_weight", "f8"),
        ("category", "i1"),  # index in CATEGORIES
        ("bond", "i1"),  # index in BONDS
        ("trust", "i1"),  # index in TRUST_FACTORS; -1: none
        ("trust_sign", "i1"),
        ("term_ms", "i8"),  # binds for so long, where the touchpoint says nothing else; 0: doesn't
        ("fires", "i4"),  # bits of the rules of [triggers] that it makes fire,
        ("arms", "i4"),  # after which they wait for silence,
        ("ends", "i4"),  # and which it ends
    ],
    align=True,
)


# All numbers of one policy. Durations in days or ms as named, money in minor units of the policy's currency. A record,
# because compiled code hands it from function to function: an address is cheaper than seventy numbers.
RULES: Final = np.dtype(
    [
        ("version", "i8"),
        ("model", "i8"),
        ("r", "f8"),
        ("alpha", "f8"),
        ("a", "f8"),
        ("b", "f8"),
        ("unit_ms", "i8"),
        ("threshold", "f8"),  # version 1: P(alive) at which silence ends a relationship
        ("horizon_ms", "i8"),
        ("hiatus_ms", "i8"),
        # Silence, version 2.
        ("return_horizon_ms", "i8"),
        ("return_below", "f8"),
        ("life_ms", "i8"),  # after any sign of life
        ("rhythm", "f8"),  # times the longest gap of who has shown two
        (
            "intervals",
            "f8",
        ),  # times the mean interval, and half a year: silence ends who has bought thrice; 0: no limit
        ("bound_grace_ms", "i8"),  # after the end of what binds
        ("calibration", "f8", (CALIBRATIONS,)),  # see processors.models.returning
        ("commitment_weeks", "i8"),
        ("consistency_weeks", "i8"),
        ("minimum_minor", "i8"),
        ("interaction_half_life", "f8"),
        ("engagement_half_life", "f8"),
        ("memory_half_life", "f8"),  # of every slow sum
        ("unmapped", "i8"),  # flags of kinds that are not named
        ("hash", "u8"),
        # Value: Gamma-Gamma in minor units, and what lies ahead.
        ("margin_share", "f8"),
        ("gg_p", "f8"),
        ("gg_q", "f8"),
        ("gg_gamma", "f8"),
        ("clv_horizon_ms", "i8"),
        ("annual_rate", "f8"),
        ("referral_minor", "i8"),
        ("tier_middle_minor", "i8"),
        ("tier_high_minor", "i8"),
        ("hysteresis", "f8"),
        ("satisfaction_low", "f8"),  # at most this is negative …
        ("satisfaction_high", "f8"),  # … and at least this is positive
        ("risk_band", "f8"),
        # Dissolution.
        ("lookback_ms", "i8"),
        ("grace_ms", "i8"),
        ("patience_ms", "i8"),
        ("both_ms", "i8"),
        ("contact_gap", "f8"),  # times the customer's own interval between purchases
        ("default_interval_ms", "i8"),
        # Customers to let go.
        ("deal_purchases", "i8"),
        ("deal_share", "f8"),
        ("norm_orders", "i8"),
        ("norm_share", "f8"),
        ("maintenance_contacts", "i8"),
        # Bond, type, involvement, trust, category, commitment.
        ("bond_weak", "f8"),
        ("bond_strong", "f8"),
        ("bond_side", "f8"),
        ("communal_share", "f8"),
        ("enduring_months", "i8"),
        ("trust_prior", "f8"),
        ("trust_positive", "f8"),
        ("trust_negative", "f8"),
        ("two_way_rate", "f8"),  # exchanges a quarter
        ("thin_margin", "f8"),
        ("record_ms", "i8"),
        ("contribution_scale", "f8"),
        ("investment_scale", "f8"),
        ("has_target", "i8"),  # 1: the policy says who is in target
        # Rates of rare events are drawn to those of the base, which weigh as so many days; version 2.
        ("prior_days", "f8"),
        ("service_minor", "f8"),  # a year
        ("referrals", "f8"),  # a year
        # Rules of [triggers], and how much of them a customer can take.
        ("trigger_count", "i8"),
        ("trigger_subjects", "i8"),  # bits of what rules fire at the changes of: the stage, and each judgement
        ("subject_rules", "i8", (JUDGEMENT_ROOM + 1,)),  # bits of the rules that fire at changes of each
        # How soon after what changes with every touchpoint a timer of theirs is due at the earliest, ms, and bits of
        # the rules that have timers, by what moves them: see processors.triggers.settled.
        ("timer_touch_ms", "i8"),
        ("timer_initiative_ms", "i8"),
        ("timer_due_ms", "i8"),
        ("timers", "i8"),  # all of them
        ("timers_quiet", "i8"),
        ("timers_bought", "i8"),
        ("timers_asked", "i8"),
        ("timers_bound", "i8"),
        ("timers_written", "i8"),
        ("timers_staged", "i8"),
        ("timers_due", "i8"),  # that count from the end by silence
        ("timers_born", "i8"),
        ("fresh_ms", "i8"),
        ("pressure_most", "i8"),
        ("pressure_minutes", "i8"),
        ("hold_out", "i8"),  # of customers from everything, ten thousandths
        ("zone_name", "u8"),  # XXH64 of the properties that tell the time zone …
        ("birthday_name", "u8"),  # … and the birthday
        # Of the properties of a touchpoint: bit n: a name of a length of n bytes, modulo 64, is listened to.
        ("name_lengths", "u8"),
        ("trait_count", "i8"),  # the customer's own properties that the policy names
        ("trait_keys", "i8", (TRAITS,)),  # 32 bits of the hashes of their names
        ("trait_types", "i8", (TRAITS,)),  # see processors.triggers.traits
        ("trait_hashes", "u8", (2 * TRAITS,)),  # XXH64 of NAME, then those of traits.NAME
        ("consent_count", "i8"),  # categories of consent managers that speak of a channel
        ("consent_words", "u8", (CONSENT_WORDS,)),  # hash of each, see processors.triggers.traits
        ("consent_channels", "i8", (CONSENT_WORDS,)),  # 0: of all
        ("triggers", "i8", (TRIGGER_RULES, RULE_CELLS)),
        ("trigger_code", "i4", (TRIGGER_CODE,)),
        ("trigger_numbers", "f8", (TRIGGER_NUMBERS,)),
        ("zone_hashes", "u8", (ZONE_ROOM,)),  # see processors.triggers.zones; zeros where there are no rules
        ("zone_numbers", "i8", (ZONE_ROOM,)),
        # Identity.
        ("known_to_known", "i8"),  # 1: an alias may make two known customers one
        ("shared_to_nobody", "i8"),  # 1: what several people claim is nobody's from the second claim on
        ("most_identities", "i8"),  # of one customer
        ("forget_ms", "i8"),  # after so long visitors without an initiative are forgotten; 0: never
    ]
)
Rules = Any  # a record of RULES: np.record in Python, a Numba record when compiled


def rules_of(numbers: Mapping[str, Any]) -> Rules:
    """A record of RULES; every field must be given."""
    record = np.zeros(1, RULES).view(np.recarray)[0]
    for name in RULES.names or ():
        record[name] = numbers[name]
    return record


class Vocabulary(NamedTuple):
    """The words of one policy. Texts are known by their XXH64 (seed 0); arrays of words are sorted."""

    kind_hashes: npt.NDArray[np.uint64]  # shape (capacity,), 0: free; the capacity is a power of two
    meanings: Any  # np.recarray of MEANING, shape (capacity,): what the kind in the same slot means
    currency_codes: npt.NDArray[np.int64]  # three ASCII bytes in one integer; the policy's own comes first
    currency_rates: npt.NDArray[np.float64]  # minor units of the policy's currency for one minor unit
    currency_scales: npt.NDArray[np.float64]  # the same for one whole unit
    failure_reasons: npt.NDArray[np.uint64]
    finite_categories: npt.NDArray[np.uint64]
    one_off_categories: npt.NDArray[np.uint64]
    target_name: np.uint64  # of the property that tells who is in target; 0: no rule
    target_values: npt.NDArray[np.uint64]
    target_inverse: int  # 1: the values are those in target; 0: those out of target


@compiled_leaf
def find_kind(words: Vocabulary, kind: np.uint64) -> int:
    """Slot of a kind (XXH64 of its name) in the policy's table; -1: the policy does not name it."""
    mask = len(words.kind_hashes) - 1
    slot = np.int64(kind & np.uint64(mask))
    while words.kind_hashes[slot] != np.uint64(0):
        if words.kind_hashes[slot] == kind:
            return int(slot)
        slot = (slot + 1) & mask
    return -1


@compiled_leaf
def currency_code(buffer: npt.NDArray[np.uint8], start: int, length: int) -> int:
    """An ISO 4217 code as one integer, whatever its case; -1 where it is not three letters."""
    if length != 3:
        return -1
    code = 0
    for i in range(3):
        letter = int(buffer[start + i]) & 0xDF
        if letter < 65 or letter > 90:
            return -1
        code = code << 8 | letter
    return code


@compiled_leaf
def rate_of(words: Vocabulary, code: int) -> int:
    """The place of a currency among the policy's; -1: the policy has no rate for it."""
    for i in range(len(words.currency_codes)):
        if words.currency_codes[i] == code:
            return i
    return -1


@compiled_leaf
def converted(rate: float, amount_minor: int) -> int:
    """An amount at a rate, rounded half to even."""
    if rate == 1.0:
        return amount_minor
    # Beyond int64 the cast has no meaning; so far out the amount is refused anyway.
    return int(np.rint(min(max(amount_minor * rate, -4.0e18), 4.0e18)))

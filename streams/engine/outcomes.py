"""What can become of a record: counters of the compiled loop, and the reasons of rejects beyond the decoder's."""

from typing import Final

from schemas import reasons
from schemas.limits import LONG_DETAILS, LONG_REASONS

# Slots of the counters.
OUTCOME_ACCEPTED: Final = 0
OUTCOME_DUPLICATE: Final = 1
OUTCOME_CONTAINED: Final = 2  # the row already contains this offset: a replay
OUTCOME_LATE: Final = 3  # of the accepted: older than what its customer was judged at, or than the partition's time
OUTCOME_UNMAPPED: Final = 4  # of the accepted: a kind that the policy does not name
OUTCOME_REJECTED: Final = 5
OUTCOME_TICKS: Final = 6
OUTCOME_TICKS_IGNORED: Final = 7  # behind the partition's time, ahead of the broker's clock, or beyond the year 2299
OUTCOME_POLICIES: Final = 8
OUTCOME_TRANSITIONS: Final = 9
OUTCOME_JUDGEMENTS: Final = 10
OUTCOME_LEFT_OUT: Final = 11  # of an import that counts nothing in this edition
OUTCOME_ROBOTS: Final = 12  # of a robot: it stays in the log and in `touchpoints`, and makes no profile
OUTCOME_MERGED: Final = 13  # ids that became forwarding addresses
OUTCOME_LINK_REFUSED: Final = 14  # two ids that may not be one customer
OUTCOME_LINK_IGNORED: Final = 15  # explicit links that say what is known, or nothing
OUTCOME_FORWARDED: Final = 16  # touchpoints of ids that belong, or lead, to another partition
OUTCOME_REPEATED: Final = 17  # what another partition sent again, and of other editions
OUTCOME_FORGOTTEN: Final = 18  # visitors of whom nothing is known any more, see the policy's [identity]
OUTCOMES: Final = (
    "accepted",
    "duplicate",
    "contained",
    "late",
    "unmapped",
    "rejected",
    "ticks",
    "ticks_ignored",
    "policies",
    "transitions",
    "judgements",
    "left_out",
    "robots",
    "merged",
    "link_refused",
    "link_ignored",
    "forwarded",
    "repeated",
    "forgotten",
)

# Reasons of rejects, beside those of the decoder.
UNSUPPORTED_RECORD: Final = 35
NO_CUSTOMER: Final = 36
NO_EVENT_ID: Final = 38
NO_KIND: Final = 39
IMPOSSIBLE_TIME: Final = 40
REFUSED_KIND: Final = 41
UNKNOWN_CURRENCY: Final = 42
IMPOSSIBLE_AMOUNT: Final = 43
BAD_POLICY: Final = 44
IMPOSSIBLE_SATISFACTION: Final = 45

REJECT_NAMES: Final[dict[int, str]] = {
    **reasons.REASONS,
    **LONG_REASONS,
    UNSUPPORTED_RECORD: "unsupported_record",
    NO_CUSTOMER: "no_customer",
    NO_EVENT_ID: "no_event_id",
    NO_KIND: "no_kind",
    IMPOSSIBLE_TIME: "impossible_time",
    REFUSED_KIND: "refused_kind",
    UNKNOWN_CURRENCY: "unknown_currency",
    IMPOSSIBLE_AMOUNT: "impossible_amount",
    BAD_POLICY: "bad_policy",
    IMPOSSIBLE_SATISFACTION: "impossible_satisfaction",
}
REJECT_DETAILS: Final[dict[int, str]] = {
    **reasons.DETAILS,
    **LONG_DETAILS,
    UNSUPPORTED_RECORD: "a record of this type is not processed",
    NO_CUSTOMER: "neither customer_id nor anonymous_id is given",
    NO_EVENT_ID: "event_id is empty",
    NO_KIND: "kind is empty",
    IMPOSSIBLE_TIME: "occurred_at lies before 1970, beyond 2299, or more than a day after received_at",
    REFUSED_KIND: "the policy does not name this kind and rejects such",
    UNKNOWN_CURRENCY: "the policy has no rate for this currency",
    IMPOSSIBLE_AMOUNT: "an amount of more than 10^15 minor units, its own or the policy's",
    BAD_POLICY: "the policy can't be used",
    IMPOSSIBLE_SATISFACTION: "satisfaction is infinite, or not a number",
}

"""What a policy can say of a kind of touchpoint, and how compiled code reads it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from processors.policy import rules
from processors.policy.keys import DAYS, TRUTH, Key, Path, Problem, choice, number, problem

VERSION_OF_TERMS: Final = 2
"""The version of policies since which cost is told apart, cancelled orders are none, and ties have terms."""
_DAY_MS: Final = 86_400_000

INITIATIVES: Final = {
    "customer": rules.CUSTOMER,
    "firm": rules.FIRM,
    "both": rules.CUSTOMER | rules.FIRM,
    "none": 0,
}
_EXITS: Final = {"customer": rules.CUSTOMER_EXIT, "firm": rules.FIRM_EXIT}
_TIES: Final = {"opened": rules.TIE_OPENED, "closed": rules.TIE_CLOSED}
_CONSENTS: Final = {"given": rules.CONSENT, "withdrawn": rules.REFUSAL}
_SIGNS: Final = {"positive": rules.POSITIVE, "negative": rules.NEGATIVE, "satisfaction": rules.BY_SATISFACTION}

# Meanings that a kind has or has not.
SWITCHES: Final = {
    "purchase": rules.PURCHASE,
    "investment": rules.INVESTMENT,
    "contribution": rules.CONTRIBUTION,
    "refund": rules.REFUND,
    "return": rules.RETURN,
    "cancellation": rules.CANCELLATION,
    "discount": rules.DISCOUNT,
    "two_way": rules.TWO_WAY,
    "individual": rules.INDIVIDUAL,
    "complaint": rules.COMPLAINT,
    "question": rules.QUESTION,
    "answer": rules.ANSWER,
    "resolution": rules.RESOLUTION,
    "failure": rules.FAILURE,
    "failure_by_reason": rules.FAILURE_BY_REASON,
    "rival": rules.RIVAL,
    "outgrown": rules.OUTGROWN,
    "gift": rules.GIFT,
    "loyalty": rules.LOYALTY,
    "on_record": rules.ON_RECORD,
    "manager": rules.MANAGER,
    "referral": rules.REFERRAL,
    "giving": rules.GIVING,
    "disclosure": rules.DISCLOSURE,
    "acquisition": rules.ACQUISITION,
    "marketing": rules.MARKETING,
    "renewal": rules.RENEWAL,
}
# Each key with what holds where it is left out; None: nothing of the sort.
MEANINGS: Final[dict[str, tuple[Key, Any]]] = {
    "initiative": (choice(*INITIATIVES), "none"),
    "engagement": (number(0, 1_000_000, closed="low"), 0.0),
    **dict.fromkeys(SWITCHES, (TRUTH, False)),
    "exit": (choice(*_EXITS), None),
    "tie": (choice(*_TIES), None),
    "category": (choice(*rules.CATEGORIES[1:]), None),
    "trust": (choice(*rules.TRUST_FACTORS), None),
    "trust_sign": (choice(*_SIGNS), "positive"),
    "bond": (choice(*rules.BONDS[1:]), None),
    "bond_weight": (number(0, 1_000_000), 1.0),
    "bond_if": (choice("satisfied"), None),
    "cost": (number(0, 1e9, closed="low"), 0.0),
    "term_days": (DAYS, None),
    "consent": (choice(*_CONSENTS), None),
}
# What texts of version 1 can't say.
_LATER: Final = ("marketing", "renewal", "term_days", "consent")
# Of each pair a kind can be one thing only.
_EXCLUSIVE: Final = (
    ("purchase", "exit"),
    ("purchase", "refund"),
    ("purchase", "return"),
    ("purchase", "cancellation"),
    ("question", "answer"),
    ("complaint", "resolution"),
    ("failure", "failure_by_reason"),
)
# Of each pair the first says something about the second.
_DEPENDENT: Final = (("trust_sign", "trust"), ("bond_weight", "bond"), ("bond_if", "bond"))
_KIND: Final = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


def check_kind(text: str, kind: str, meaning: Any, version: int) -> list[Problem]:
    """What is wrong with the meaning of one kind, in a text of that version."""
    path: Path = ("kinds", kind)
    if not isinstance(meaning, dict):
        return [problem(text, path, 'must be a table such as { initiative = "customer" }')]
    problems, usable = [], {}
    if not _KIND.fullmatch(kind):
        problems.append(problem(text, path, "is not a kind: expected snake_case, such as order_completed"))
    for key, value in meaning.items():
        if key not in MEANINGS:
            problems.append(problem(text, (*path, key), f"is not known: expected one of {', '.join(MEANINGS)}"))
        elif key in _LATER and version < VERSION_OF_TERMS:
            problems.append(
                problem(text, (*path, key), f"needs version = {VERSION_OF_TERMS} at the head of the policy")
            )
        elif not MEANINGS[key][0].accepts(value):
            problems.append(problem(text, (*path, key), f"= {value!r}: expected {MEANINGS[key][0].expected}"))
        else:
            usable[key] = value
    return problems + _contradictions(text, path, meaning, usable)


def _contradictions(text: str, path: Path, given: Mapping[str, Any], usable: Mapping[str, Any]) -> list[Problem]:
    problems = [
        problem(text, path, f"can't be both {one} and {other}")
        for one, other in _EXCLUSIVE
        if usable.get(one) and usable.get(other)
    ]
    problems += [
        problem(text, (*path, one), f"says nothing without {other}")
        for one, other in _DEPENDENT
        if one in given and other not in given
    ]
    if given.get("term_days") and not (given.get("tie") == "opened" or given.get("renewal")):
        problems.append(problem(text, (*path, "term_days"), 'says nothing without tie = "opened" or renewal = true'))
    tie = usable.get("tie")
    if tie and usable.get("exit"):
        why = "what closes a tie is an exit only once no tie is left" if tie == "closed" else "an exit opens no tie"
        problems.append(problem(text, path, f"can't be both a tie {tie} and an exit: {why}"))
    if usable.get("individual") and given.get("initiative", "none") in ("customer", "none"):
        problems.append(
            problem(text, path, 'is individual contact by the firm: expected initiative = "firm" or "both"')
        )
    return problems


def complete(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The meaning of a kind with every key: its own, else the default; None where there is nothing of the sort."""
    return {key: meaning.get(key, default) for key, (_, default) in MEANINGS.items()}


def packed(
    meaning: Mapping[str, Any], decimals: int, version: int, rules_of_it: tuple[int, int, int] = (0, 0, 0)
) -> tuple[int | float, ...]:
    """A record of MEANING; ``decimals`` are those of the policy's currency, ``version`` is the policy's.

    ``rules_of_it``: bits of the rules that it makes fire, arms, and ends.
    """
    full = complete(meaning)
    trust = full["trust"]
    return (
        _flags(full) | (_later(full) if version >= VERSION_OF_TERMS else 0),
        float(full["engagement"]),
        minor(full["cost"], decimals),
        float(full["bond_weight"]) if full["bond"] else 0.0,
        rules.CATEGORIES.index(full["category"] or "none"),
        rules.BONDS.index(full["bond"] or "none"),
        rules.TRUST_FACTORS.index(trust) if trust else -1,
        _SIGNS[full["trust_sign"]] if trust else 0,
        round((full["term_days"] or 0) * _DAY_MS),
        *rules_of_it,
    )


def _flags(full: Mapping[str, Any]) -> int:
    flags = INITIATIVES[full["initiative"]]
    if full["exit"]:
        # An exit is a sign of life, but it begins nothing: it never counts as initiative.
        flags = flags & ~rules.CUSTOMER | _EXITS[full["exit"]]
    for key, flag in SWITCHES.items():
        flags |= flag if full[key] else 0
    flags |= _TIES[full["tie"]] if full["tie"] else 0
    return flags | (rules.SATISFIED if full["bond_if"] else 0)


def _later(full: Mapping[str, Any]) -> int:
    """What meanings that were there before say since version 2, and what only that says."""
    flags = rules.MARKETING if full["acquisition"] else 0
    flags |= rules.VOIDING if full["cancellation"] else 0
    return flags | (_CONSENTS[full["consent"]] if full["consent"] else 0)


def minor(amount: float, decimals: int) -> int:
    """An amount as it is written, in minor units, rounded half to even."""
    return int(Decimal(str(amount)).scaleb(decimals).to_integral_value())

"""The keys of a policy outside its table of kinds: what each may hold, and what holds where it is left out."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from processors.policy.keys import (
    CURRENCY,
    DAYS,
    INFINITY,
    SHARE,
    SOME_TEXTS,
    TEXT,
    TEXTS,
    Key,
    Path,
    Problem,
    choice,
    count,
    number,
    problem,
)
from processors.row.layout import TRIGGERS_SENT
from processors.triggers.zones import ZONES

REQUIRED: Final[dict[Path, Key]] = {
    ("name",): Key("a name", TEXT.accepts),
    ("currency",): CURRENCY,
    ("churn", "model"): choice("mbgnbd", "bgnbd"),
    ("churn", "r"): number(0, INFINITY),
    ("churn", "alpha"): number(0, INFINITY),
    ("churn", "a"): number(0, INFINITY),
    ("churn", "b"): number(0, INFINITY),
    ("churn", "unit"): choice("day", "week"),
    ("churn", "horizon_days"): DAYS,
    ("stages", "hiatus_days"): DAYS,
    ("stages", "commitment_weeks"): count(1, 100),
    ("stages", "consistency_weeks"): count(1, 100),
    ("purchase", "minimum_amount"): number(0, 1e12, closed="low"),
    ("decay", "interaction_half_life_days"): DAYS,
    ("decay", "engagement_half_life_days"): DAYS,
    ("unmapped", "action"): choice("keep", "reject"),
}
# Of silence, by the version of the policy.
REQUIRED_BY_VERSION: Final[dict[int, dict[Path, Key]]] = {
    1: {("churn", "threshold"): number(0, 1)},
    2: {
        ("silence", "horizon_days"): DAYS,
        ("silence", "return_below"): number(0, 1),
        ("silence", "life_days"): DAYS,
    },
}
NEWEST_VERSION: Final = max(REQUIRED_BY_VERSION)
_HOUR: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
_MONEY: Final = number(0, 1e12)
_ANY: Final = number(-1e6, 1e6)
_LEVEL: Final = number(1, 5, closed="both")
_SHARE_ABOVE_NONE: Final = number(0, 1, closed="high")
_RATE: Final = number(0, INFINITY)

_NUMBERS: Final = Key(
    "a list of four numbers, such as [0.0, 1.0, 1.0, 0.0]: level, two slopes from 0, weight of the gap up to 0",
    lambda value: (
        isinstance(value, list)
        and len(value) == 4
        and all(_ANY.accepts(number) for number in value)
        and min(value[1:3]) >= 0 >= value[3]
    ),
)
QUIET: Final = Key(
    'local hours such as "21:00-08:00", or an empty text',
    lambda value: isinstance(value, str) and re.fullmatch(rf"({_HOUR}-{_HOUR})?", value) is not None,
)
ZONE: Final = Key('a time zone such as "Europe/Berlin"', lambda value: isinstance(value, str) and value in ZONES[1:])
_AS_MODELLED: Final = [0.0, 1.0, 1.0, 0.0]
# Policies that were written before a key existed stand in logs for good, so later keys have defaults.
OPTIONAL: Final[dict[Path, tuple[Key, Any]]] = {
    ("decay", "memory_half_life_days"): (DAYS, 365),
    ("value", "p"): (number(0, INFINITY), 6.25),
    ("value", "q"): (number(1, INFINITY), 3.74),  # the mean spend, p gamma / (q - 1), is finite only above 1
    ("value", "gamma"): (number(0, INFINITY), 15.44),
    ("value", "horizon_days"): (DAYS, 1095),
    ("value", "annual_rate"): (number(0, 10, closed="low"), 0.10),
    ("value", "margin_share"): (SHARE, 0.30),
    ("value", "referral_value"): (number(0, 1e12, closed="low"), 10.0),
    ("value", "middle"): (_MONEY, 200.0),
    ("value", "high"): (_MONEY, 2000.0),
    ("value", "hysteresis"): (number(0, 1, closed="low"), 0.10),
    ("satisfaction", "low"): (_LEVEL, 2.0),
    ("satisfaction", "high"): (_LEVEL, 4.0),
    ("risk", "band"): (number(0, 1), 0.7),
    ("dissolution", "lookback_days"): (DAYS, 60),
    ("dissolution", "grace_days"): (number(0, 36_525, closed="low"), 14),
    ("dissolution", "patience_days"): (DAYS, 7),
    ("dissolution", "both_days"): (number(0, 36_525, closed="low"), 30),
    ("dissolution", "contact_gap"): (number(0, 1000), 2.0),
    ("dissolution", "default_interval_days"): (DAYS, 30),
    ("dissolution", "failure_reasons"): (
        TEXTS,
        ["defective", "damaged", "late", "wrong_item", "ethical", "breach"],
    ),
    ("dissolution", "finite_categories"): (TEXTS, []),
    ("let_go", "deal_purchases"): (count(1, 1000), 4),
    ("let_go", "deal_share"): (_SHARE_ABOVE_NONE, 0.8),
    ("let_go", "norm_orders"): (count(1, 1000), 4),
    ("let_go", "norm_share"): (_SHARE_ABOVE_NONE, 0.5),
    ("let_go", "maintenance_contacts"): (count(1, 1000), 3),
    ("bond", "weak"): (number(0, 1e6), 2.0),
    ("bond", "strong"): (number(0, 1e6), 5.0),
    ("bond", "side"): (number(0.5, 1, closed="high"), 2 / 3),  # from a half down both sides could hold it
    ("bond", "communal"): (number(0, 1), 0.5),
    ("involvement", "enduring_months"): (count(1, 60), 6),
    ("involvement", "one_off_categories"): (TEXTS, []),
    ("trust", "prior"): (number(0, 1e6), 2.0),
    ("trust", "positive"): (number(0, 1), 0.2),
    ("trust", "negative"): (number(-1, 0), -0.2),
    ("category", "two_way_per_quarter"): (number(0, 1e6), 1.0),
    ("category", "thin_margin"): (SHARE, 0.05),
    ("commitment", "on_record_hours"): (number(0, 8766, closed="low"), 24),
    ("commitment", "contribution_scale"): (number(0, 1e6), 2.0),
    ("commitment", "investment_scale"): (number(0, 1e6), 2.0),
    ("identity", "known_to_known"): (choice("allow", "refuse"), "allow"),
    ("identity", "shared"): (choice("first", "none"), "first"),
    ("identity", "most"): (count(1, 1_000_000), 1000),
    ("identity", "forget_visitors_days"): (number(0, 36_525, closed="low"), 0.0),
    ("estimated", "purchases"): (TEXT, ""),
    ("estimated", "spend"): (TEXT, ""),
    # Of texts of version 2 alone.
    ("pressure", "most"): (count(1, TRIGGERS_SENT), 2),
    ("pressure", "days"): (DAYS, 7),
    ("pressure", "quiet_hours"): (QUIET, "21:00-08:00"),
    ("pressure", "zone"): (ZONE, "UTC"),
    ("pressure", "zone_property"): (TEXT, "timezone"),
    ("pressure", "birthday_property"): (TEXT, "birthday"),
    ("pressure", "fresh_hours"): (number(0, 8766), 24),
    ("pressure", "hold_out"): (SHARE, 0.02),
    ("silence", "grace_days"): (number(0, 36_525, closed="low"), 14),
    ("silence", "rhythm"): (number(0, 100, closed="low"), 0.0),
    ("silence", "intervals"): (number(0, 1000, closed="low"), 0.0),
    ("silence", "once"): (_NUMBERS, _AS_MODELLED),
    ("silence", "new"): (_NUMBERS, _AS_MODELLED),
    ("silence", "known"): (_NUMBERS, _AS_MODELLED),
    ("value", "prior_days"): (number(0, 36_525, closed="low"), 365),
    ("value", "service_per_year"): (number(0, 1e12, closed="low"), 0.0),
    ("value", "referrals_per_year"): (number(0, 1e6, closed="low"), 0.0),
}
OF_VERSION_2: Final = frozenset(REQUIRED_BY_VERSION[2]) | {
    *(("silence", name) for name in ("grace_days", "rhythm", "intervals", "once", "new", "known")),
    *(key for key in OPTIONAL if key[0] == "pressure"),
    *(("value", name) for name in ("prior_days", "service_per_year", "referrals_per_year")),
}
_TARGET: Final = Key(
    'a table such as { property = "country", values = ["AT", "CH"] }', lambda value: isinstance(value, dict)
)
# Rules of the target group: who is out of it, or who is in it. Without one, nobody is out of target.
TARGETS: Final[dict[Path, Key]] = {("let_go", "out_of_target"): _TARGET, ("let_go", "in_target"): _TARGET}
TARGET_KEYS: Final = {"property": TEXT, "values": SOME_TEXTS}
KEYS: Final[dict[Path, Key]] = (
    REQUIRED
    | REQUIRED_BY_VERSION[1]
    | REQUIRED_BY_VERSION[2]
    | {("version",): count(1, NEWEST_VERSION)}
    | {path: key for path, (key, _) in OPTIONAL.items()}
    | TARGETS
)
TABLES: Final = frozenset(path[0] for path in KEYS if len(path) > 1)


def version_of(document: Mapping[str, Any]) -> int:
    """The version of a policy's text: 1 where it says none, or one that can't be."""
    version = document.get("version", 1)
    return version if KEYS["version",].accepts(version) else 1


def setting(document: Mapping[str, Any], table: str, name: str) -> Any:
    """What a checked policy says, or the default."""
    return document.get(table, {}).get(name, OPTIONAL[table, name][1])


def leaves(document: Mapping[str, Any], below: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every key of the tables of a policy, with its path; the tables of kinds and rates are one key each."""
    for key, value in document.items():
        path = (*below, key)
        if len(path) == 1 and key in TABLES and isinstance(value, dict):
            yield from leaves(value, path)
        else:
            yield path, value


def check_settings(text: str, document: dict[str, Any]) -> list[Problem]:
    """Missing keys, unknown keys and unusable values outside the table of kinds."""
    given = dict(leaves(document))
    version = version_of(document)
    problems = [
        problem(text, path, f"is missing: expected {key.expected}")
        for path, key in (REQUIRED | REQUIRED_BY_VERSION[version]).items()
        if path not in given
    ]
    for path, value in given.items():
        if path in OF_VERSION_2 and version < NEWEST_VERSION:
            problems.append(problem(text, path, "needs version = 2 at the head of the policy"))
        elif path in REQUIRED_BY_VERSION[1] and version > 1:
            problems.append(problem(text, path, _no_threshold()))
        elif path in KEYS:
            if not KEYS[path].accepts(value):
                problems.append(problem(text, path, f"= {value!r}: expected {KEYS[path].expected}"))
        elif path in (("triggers",), ("properties",), ("consent",)):
            continue  # see processors.triggers
        elif path[0] in {"kinds", "rates"} | TABLES and len(path) == 1:
            if not isinstance(value, dict):
                problems.append(problem(text, path, "must be a table"))
        else:
            problems.append(problem(text, path, _unknown(path)))
    if "kinds" not in document:
        problems.append(problem(text, ("kinds",), "is missing: the table that says what each kind means"))
    return problems + _check_rates(text, document.get("rates")) + _check_targets(text, given)


def _no_threshold() -> str:
    return "is of version 1: since then silence.return_below says when silence ends a relationship"


def _unknown(path: Path) -> str:
    known = [key[1] for key in KEYS if len(key) > 1 and key[0] == path[0]]
    return "is not a key of a policy" + (f": [{path[0]}] has {', '.join(known)}" if known else "")


def _check_rates(text: str, rates: Any) -> list[Problem]:
    problems = []
    for currency, rate in rates.items() if isinstance(rates, dict) else ():
        if not CURRENCY.accepts(currency):
            problems.append(problem(text, ("rates", currency), f"is not a currency: expected {CURRENCY.expected}"))
        if not _RATE.accepts(rate):
            problems.append(problem(text, ("rates", currency), f"= {rate!r}: expected {_RATE.expected}"))
    return problems


def _check_targets(text: str, given: Mapping[Path, Any]) -> list[Problem]:
    problems = []
    for path in TARGETS:
        target = given.get(path)
        if not isinstance(target, dict):
            continue
        for name, key in TARGET_KEYS.items():
            if name not in target:
                problems.append(problem(text, (*path, name), f"is missing: expected {key.expected}"))
            elif not key.accepts(target[name]):
                problems.append(problem(text, (*path, name), f"= {target[name]!r}: expected {key.expected}"))
        problems += [
            problem(text, (*path, name), f"is not known: expected {' and '.join(TARGET_KEYS)}")
            for name in target.keys() - TARGET_KEYS.keys()
        ]
    return problems

"""Customers of a policy that comes with Relasi: touchpoints by kind and day, as the engine reads them."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS
from processors.policy.policy import Policy, exponent, hash_of, read_policy
from processors.policy.rules import (
    CUSTOMER,
    DISCOUNTED,
    FAILURE,
    FAILURE_BY_REASON,
    FINITE,
    ONE_OFF,
    PURCHASE,
    RENEWAL,
    TIE_CLOSED,
    TIE_OPENED,
    UNMAPPED,
    Rules,
    find_kind,
)
from processors.row.contact import Contact
from processors.row.layout import NONE, ROW
from processors.row.months import after_months
from processors.row.terms import ASSUMED, lasting
from streams.policies import preset
from support.relationship import Relationship, at_day

_REASONS: Final = ("defective", "damaged", "late", "wrong_item", "ethical", "breach")


_FORMER: Final = Path(__file__).parents[1] / "data" / "policies_1"


@cache
def policy_of(name: str = "commerce", version: int = 1) -> Policy:
    """A preset as it was in version 1, whose texts stand in logs for good, or as it is now."""
    return preset(name) if version > 1 else read_policy((_FORMER / f"{name}.toml").read_text("utf-8"))


def changed(name: str = "commerce", version: int = 1, **keys: str) -> Policy:
    """A preset with some of its keys changed; each value is a TOML literal."""
    lines = []
    for line in policy_of(name, version).text.splitlines():
        key = line.partition(" = ")[0]
        lines.append(f"{key} = {keys.pop(key)}" if key in keys else line)
    assert not keys, f"no such keys: {keys}"
    return read_policy("\n".join(lines))


class Happening(NamedTuple):
    """A touchpoint of a kind on a day since the start of the tests' histories; money in whole units."""

    day: float
    kind: str
    amount: float = 0.0
    order: str = ""
    cost: float | None = None
    margin: float | None = None
    discount: float = 0.0
    satisfaction: float | None = None
    reason: str = ""
    more: int = 0  # further flags: FINITE, ONE_OFF, OUTSIDE, INSIDE
    until: float | None = None  # the day until which it binds
    months: int = 0  # or how long it does
    number: int = 0  # tells events apart that are the same otherwise
    categories: tuple[str, ...] = ()  # of what is bought


def varieties_of(categories: tuple[str, ...]) -> np.uint64:
    """A bit for each category, by its hash."""
    bits = {int(hash_of(name)) % 64 for name in categories}
    return np.uint64(sum(1 << bit for bit in bits))


def contact_of(policy: Policy, one: Happening) -> Contact:
    """What the model is told of it."""
    rules, words, unit = policy.rules, policy.vocabulary, 10 ** exponent(policy.currency)
    place = find_kind(words, hash_of(one.kind))
    meaning = words.meanings[place] if place >= 0 else None
    flags = (int(meaning["flags"]) if meaning is not None else UNMAPPED) | one.more
    amount = round(one.amount * unit)
    if flags & PURCHASE:
        flags = flags | CUSTOMER if amount >= rules.minimum_minor else flags & ~PURCHASE
    if not flags & PURCHASE:
        flags &= ~(FINITE | ONE_OFF)
    if flags & TIE_CLOSED:
        flags &= ~CUSTOMER
    if flags & FAILURE_BY_REASON and one.reason in _REASONS:
        flags |= FAILURE
    if flags & PURCHASE and one.discount > 0:
        flags |= DISCOUNTED
    term = NONE
    if one.until is not None and flags & (TIE_OPENED | RENEWAL):
        term = at_day(one.until) & ~ASSUMED
    elif one.months and flags & (TIE_OPENED | RENEWAL):
        term = lasting(after_months(at_day(one.day), one.months), one.months)
    elif meaning is not None and int(meaning.term_ms) > 0:
        term = (at_day(one.day) + int(meaning.term_ms)) | ASSUMED
    cost = (int(meaning.cost_minor) if meaning is not None else 0) if one.cost is None else round(one.cost * unit)
    margin = round(amount * float(rules.margin_share)) if one.margin is None else round(one.margin * unit)
    return Contact(
        at_day(one.day),
        flags,
        float(meaning.weight) if meaning is not None else 0.0,
        amount,
        hash_of(repr(one)),
        int(meaning.category) if meaning is not None else 0,
        int(meaning.bond) if meaning is not None else 0,
        float(meaning.bond_weight) if meaning is not None else 0.0,
        int(meaning.trust) if meaning is not None else -1,
        int(meaning.trust_sign) if meaning is not None else 0,
        cost,
        margin,
        round(one.discount * unit) if flags & PURCHASE else 0,
        hash_of(one.order) if one.order else np.uint64(0),
        np.nan if one.satisfaction is None else float(one.satisfaction),
        term,
        varieties_of(one.categories) if flags & PURCHASE else np.uint64(0),
    )


class Customer(Relationship):
    """A customer by the kinds of a policy."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or policy_of()
        super().__init__(self.policy.rules)

    def does(self, day: float, kind: str, **more: Any) -> "Customer":
        """One touchpoint more; the arguments are those of ``Happening``."""
        self.take(contact_of(self.policy, Happening(day, kind, **more)))
        return self

    def all(self, *happenings: tuple[Any, ...]) -> "Customer":
        """Touchpoints more, each (day, kind) or (day, kind, amount), or with a dict of what else there is to say."""
        for day, kind, *rest in happenings:
            more = rest.pop() if rest and isinstance(rest[-1], Mapping) else {}
            self.does(day, kind, **({"amount": rest[0]} if rest else {}), **more)
        return self

    def until(self, day: float) -> "Customer":
        """Let time pass."""
        self.tick(at_day(day))
        return self

    def word(self, judgement: str) -> str:
        """The published value of a judgement, as a word."""
        which = JUDGEMENT_NAMES.index(judgement)
        return JUDGEMENT_WORDS[which][int(self.row.judged[which])]

    def news(self, judgement: str) -> list[str]:
        """What was published of a judgement, in order, as words."""
        which = JUDGEMENT_NAMES.index(judgement)
        return [JUDGEMENT_WORDS[which][fact.after] for fact in self.judged if fact.judgement == which]


def as_record(row: Any) -> Any:
    """A copy of a row, so that what is asked of it leaves the customer alone."""
    copy = np.zeros(1, ROW).view(np.recarray)
    copy[0] = row
    return copy[0]


def with_rules(rules: Rules, **numbers: Any) -> Rules:
    """A policy's numbers with some changed."""
    copy = np.zeros(1, rules.dtype).view(np.recarray)
    copy[0] = rules
    for name, number in numbers.items():
        copy[0][name] = number
    return copy[0]


def in_any_order(make: Callable[[], Customer], happenings: Iterable[tuple[Any, ...]]) -> tuple[Customer, Customer]:
    """The same touchpoints in the given order and in the reverse one."""
    told = list(happenings)
    return make().all(*told), make().all(*reversed(told))

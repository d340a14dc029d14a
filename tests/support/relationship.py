"""One customer in front of the model: touchpoints in, facts out, through the compiled step itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from processors.hashing import avalanche
from processors.lifecycle.facts import (
    CAUSE_MERGE,
    CAUSE_TOUCHPOINT,
    OUT_JUDGED_WRITTEN,
    OUT_PENDING,
    OUT_WRITTEN,
    SUPERSEDED,
    Cause,
    Out,
    new_out,
)
from processors.lifecycle.merging import unite
from processors.lifecycle.step import meet, pass_time, rejudge
from processors.policy.policy import Policy, read_policy
from processors.policy.rules import (
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM,
    FIRM_EXIT,
    INVESTMENT,
    PURCHASE,
    Rules,
)
from processors.row.blank import clear_memory, clear_profile
from processors.row.contact import Contact
from processors.row.layout import NONE, ROW

DAY: Final = 86_400_000
HOUR: Final = 3_600_000
START: Final = 19_723 * DAY  # 2024-01-01, a Monday
CUSTOMER_HASH: Final = 0x9D5C_11E2_7A3B_4F60

PASSING: Final = 0
CONTACTED: Final = FIRM
VISIT: Final = CUSTOMER
ORDER: Final = CUSTOMER | PURCHASE
SIGN_UP: Final = CUSTOMER | INVESTMENT
REVIEW: Final = CUSTOMER | CONTRIBUTION
LEAVE: Final = CUSTOMER_EXIT
BLOCK: Final = FIRM_EXIT
KINDS: Final = (PASSING, CONTACTED, VISIT, ORDER, SIGN_UP, REVIEW, LEAVE, BLOCK)

POLICY: Final = """
name = "test"
currency = "EUR"
[churn]
model = "mbgnbd"
r = 0.525
alpha = 6.183
a = 0.891
b = 1.614
unit = "week"
threshold = 0.5
horizon_days = 91
[stages]
hiatus_days = 180
commitment_weeks = 3
consistency_weeks = 6
[purchase]
minimum_amount = 0.01
[decay]
interaction_half_life_days = 90
engagement_half_life_days = 30
[unmapped]
action = "keep"
[kinds]
order_completed = { initiative = "customer", purchase = true }
"""


@dataclass(frozen=True)
class Touch:
    """A touchpoint: its instant in ms, the meaning of its kind, and the identity of the event."""

    at: int
    flags: int
    event: int
    weight: float = 1.0
    amount: int = 500


@dataclass(frozen=True)
class Published:
    """A transition as it was published."""

    id: int
    episode: int
    from_stage: int
    to_stage: int
    at: int
    known_at: int
    cause: int
    weeks: int
    supersedes: tuple[int, ...]


@dataclass(frozen=True)
class Judged:
    """A judgement as it was published."""

    id: int
    judgement: int
    before: int
    after: int
    at: int
    known_at: int
    evidence_event: int
    evidence_at: int
    evidence_count: int
    evidence_value: float


_NUMBERS: Final = ("id", "episode", "from_stage", "to_stage", "at", "known_at", "cause", "weeks")
_JUDGED: Final = tuple(field.name for field in fields(Judged))[:-1]


def policy(**changes: object) -> Policy:
    """The policy of the tests, with some of its keys changed."""
    lines = []
    for line in POLICY.splitlines():
        key = line.partition(" = ")[0]
        lines.append(f"{key} = {changes.pop(key)!r}".replace("'", '"') if key in changes else line)
    assert not changes, f"no such keys: {changes}"
    return read_policy("\n".join(lines))


def blank() -> Any:
    """The row of a customer of whom nothing is known."""
    row = np.zeros(1, ROW).view(np.recarray)[0]
    clear_profile(row)
    clear_memory(row)
    row.hash = CUSTOMER_HASH
    return row


def at_day(day: float) -> int:
    """The instant so many days after the start of the tests' histories."""
    return START + round(day * DAY)


def touch(day: float, flags: int, number: int = 0) -> Touch:
    """A touchpoint so many days after the start; its identity follows from all of it."""
    at = at_day(day)
    return Touch(at, flags, int(avalanche(np.uint64(at * 4096 + flags * 8 + number + 1))))


class Relationship:
    """A customer's row, the facts that were published about it, and the partition's time."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.row = blank()
        self.time = NONE
        self.offset = 0
        self._met: set[np.uint64] = set()
        self._out: Out = new_out(64)
        self.facts: list[Published] = []
        self.judged: list[Judged] = []

    def meet(self, touch: Touch) -> None:
        """Deliver a touchpoint, as the engine does."""
        self.take(Contact(touch.at, touch.flags, touch.weight, touch.amount, np.uint64(touch.event)))

    def take(self, contact: Contact) -> None:
        """Deliver a touchpoint as the model sees it."""
        self.offset += 1
        if contact.event in self._met:
            return
        self._met.add(contact.event)
        cause = Cause(0, self.offset, max(self.time, contact.at), CAUSE_TOUCHPOINT, contact.event, 0, 0)
        meet(self.row, self.rules, self._out, cause, contact, self.time)
        self._drain()

    def tick(self, until: int) -> None:
        """Let time pass up to ``until``."""
        self.offset += 1
        self.time = max(self.time, until)
        pass_time(self.row, self.rules, self._out, self._cause(until), until)
        self._drain()

    def judge_by(self, rules: Rules) -> None:
        """Put another policy in force."""
        self.offset += 1
        self.rules = rules
        rejudge(self.row, rules, self._out, self._cause(self.time), self.time)
        self._drain()

    def unite(self, other: "Relationship") -> None:
        """Take in another one's row, as the engine does when both turn out to be one customer."""
        self.offset += 1
        unite(self.row, other.row, self.rules, self._out, self._cause(self.time), self.time)
        self._drain()

    def _cause(self, known_at: int) -> Cause:
        return Cause(0, self.offset, known_at, CAUSE_MERGE, np.uint64(0), -1, -1)

    def _drain(self) -> None:
        for fact in self._out.facts[: self._out.counts[OUT_WRITTEN]]:
            ids = tuple(int(identity) for identity in fact.supersedes[: fact.superseded])
            assert all(int(identity) == 0 for identity in fact.supersedes[fact.superseded : SUPERSEDED])
            numbers = {name: int(fact[name]) for name in _NUMBERS}
            self.facts.append(Published(**numbers, supersedes=ids))
        assert self._out.counts[OUT_PENDING] == 0, "something was withdrawn, and nothing published that says so"
        self._out.counts[OUT_WRITTEN] = 0
        for fact in self._out.judged[: self._out.counts[OUT_JUDGED_WRITTEN]]:
            whole = {name: int(fact[name]) for name in _JUDGED}
            self.judged.append(Judged(**whole, evidence_value=float(fact.evidence_value)))
        self._out.counts[OUT_JUDGED_WRITTEN] = 0

    @property
    def standing(self) -> list[Published]:
        """The facts that no other one supersedes, as the relationship went."""
        gone = {identity for fact in self.facts for identity in fact.supersedes}
        return sorted((f for f in self.facts if f.id not in gone), key=lambda f: (f.at, f.episode, f.to_stage))

    @property
    def path(self) -> list[tuple[int, int, int]]:
        """(episode, stage, instant) of the facts that stand."""
        return [(fact.episode, fact.to_stage, fact.at) for fact in self.standing]

    @property
    def days(self) -> list[tuple[int, int, float]]:
        """The same with days since the start of the tests' histories."""
        return [(episode, stage, (at - START) / DAY) for episode, stage, at in self.path]


def lived(
    touches: Iterable[Touch], rules: Rules, *, until: int | None = None, ticks: Sequence[int] = ()
) -> Relationship:
    """A customer after these touchpoints, in this order of arrival; each tick comes before the first that is later."""
    relationship = Relationship(rules)
    waiting = sorted(ticks)
    for one in touches:
        while waiting and waiting[0] < one.at:
            relationship.tick(waiting.pop(0))
        relationship.meet(one)
    if until is not None:
        relationship.tick(until)
    return relationship

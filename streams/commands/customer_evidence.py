"""What the judgements of a customer rest on: hashes that become touchpoints again, and questions with their answers."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from processors.policy.rules import Rules
from processors.row.layout import NEVER, NONE, Row
from processors.row.questions import IS_COMPLAINT, IS_QUESTION
from streams.clock import iso_instant
from streams.reports.format import objects
from streams.reports.sink import Sink

# One statement for all evidence of a customer. A judgement names it by hash, a transition by id, an exit by instant.
_TOUCHPOINTS: Final = (
    "SELECT event_hash, event_id, kind, occurred_at AS at, toUnixTimestamp64Milli(occurred_at) AS ms FROM touchpoints "
    "WHERE customer_id = {customer:String} AND namespace = {namespace:String} "
    "AND (event_hash IN {hashes:Array(String)} OR event_id IN {ids:Array(String)} "
    "OR ms IN {instants:Array(Int64)}) ORDER BY at, event_id"
)

Evidence = dict[str, Any]


class Touchpoints:
    """The touchpoints of one customer that are evidence of something."""

    def __init__(
        self, sink: Sink, profile: Evidence, hashes: Iterable[str], ids: Iterable[str], instants: Iterable[int]
    ) -> None:
        who = {"customer": profile["customer_id"], "namespace": profile["namespace"]}
        wanted = {
            "hashes": sorted({*hashes} - {""}),
            "ids": sorted({*ids} - {""}),
            "instants": sorted({*instants}),
        }
        self._found = objects(sink.query(_TOUCHPOINTS, {**who, **wanted})) if any(wanted.values()) else []
        self._by_hash = {found["event_hash"]: found for found in self._found}
        self._by_id = {found["event_id"]: found for found in self._found}

    def named(self, event_hash: str, at: str | None = None) -> Evidence | None:
        """The touchpoint that a hash names, or the instant alone where there is no hash; None without either.

        ``event_id`` is None where the history does not hold it.
        """
        if not event_hash and at is None:
            return None
        found = self._by_hash.get(event_hash, {})
        return {
            "event_hash": event_hash or None,
            "event_id": found.get("event_id"),
            "kind": found.get("kind"),
            "at": found.get("at", at),
        }

    def kind_of(self, event_id: str) -> str | None:
        """The kind of a touchpoint; None where the history does not hold it."""
        found: str | None = self._by_id.get(event_id, {}).get("kind")
        return found

    def at(self, instant: int) -> list[Evidence]:
        """The touchpoints at an instant (ms)."""
        return [
            {name: value for name, value in found.items() if name != "ms"}
            for found in self._found
            if found["ms"] == instant
        ]


class Question(NamedTuple):
    """A question or complaint, or both, that the row keeps; instants in ms."""

    asked_ms: int
    event_hash: str  # 16 hexadecimal digits
    what: int  # bits of processors.row.questions
    answered_ms: int  # NEVER: not yet
    resolved_ms: int

    @property
    def asked_at(self) -> str:
        """When it was asked, as the document tells it."""
        return iso_instant(self.asked_ms)

    @property
    def is_unanswered(self) -> bool:
        """Whether it waits for an answer."""
        return bool(self.what & IS_QUESTION) and self.answered_ms == NEVER

    @property
    def is_unresolved(self) -> bool:
        """Whether it is a complaint that was not resolved."""
        return bool(self.what & IS_COMPLAINT) and self.resolved_ms == NEVER

    @property
    def is_open(self) -> bool:
        """Whether the firm has something left to do about it."""
        return self.is_unanswered or self.is_unresolved

    def is_late(self, rules: Rules, at: int) -> bool:
        """Whether it was left for longer than the policy's patience by ``at`` (ms), answered since or not."""
        late = self.asked_ms + rules.patience_ms
        return bool(self.what & IS_QUESTION and late <= at and self.answered_ms > late)


def questions_of(row: Row) -> list[Question]:
    """The newest questions and complaints of a customer, in order of time."""
    columns = zip(
        row["question_at"].tolist(),
        (f"{event:016x}" for event in row["question_event"].tolist()),
        row["question_complaint"].tolist(),
        row["question_answered_at"].tolist(),
        row["question_resolved_at"].tolist(),
        strict=True,
    )
    return sorted(question for question in map(Question._make, columns) if question.asked_ms != NONE)

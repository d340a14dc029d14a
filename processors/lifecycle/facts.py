"""Transitions as compiled code writes them: integers only, so that the same history gives the same ids anywhere.

Where they go, changed judgements go too (processors.lifecycle.publishing).
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix
from processors.lifecycle.stages import LAST_DAY, basis_of, first_counted_day, last_sign
from processors.policy.rules import Rules
from processors.row.calendar import count_weeks, day_of
from processors.row.layout import JUDGEMENT_ROOM, Row
from processors.triggers.room import Room, new_room, note_happening

CAUSE_TOUCHPOINT: Final = 0
CAUSE_SILENCE: Final = 1
CAUSE_LATE: Final = 2
CAUSE_MERGE: Final = 3
CAUSE_POLICY: Final = 4
CAUSES: Final = ("touchpoint", "silence", "late", "merge", "policy")

SUPERSEDED: Final = 8  # a fact names at most all of two episodes
FACT: Final = np.dtype(
    [
        ("row", "i8"),
        ("customer", "u8"),
        ("id", "u8"),
        ("at", "i8"),
        ("known_at", "i8"),
        ("offset", "i8"),
        ("event_start", "i8"),  # the causing touchpoint's event id in the fetched buffer
        ("event_length", "i4"),  # -1: no touchpoint caused it
        ("episode", "i4"),
        ("from_stage", "i1"),
        ("to_stage", "i1"),
        ("cause", "i1"),
        ("superseded", "i1"),  # how many of supersedes are filled
        ("supersedes", "u8", (SUPERSEDED,)),
        ("purchases", "i4"),
        ("weeks", "i4"),  # distinct purchase weeks of the episode
        ("first_purchase_at", "i8"),
        ("last_purchase_at", "i8"),
        ("last_sign_at", "i8"),
    ],
    align=True,
)
JUDGED: Final = np.dtype(
    [
        ("row", "i8"),
        ("customer", "u8"),
        ("id", "u8"),
        ("at", "i8"),
        ("known_at", "i8"),
        ("offset", "i8"),
        ("evidence_event", "u8"),  # hash of an event id; 0: no single touchpoint is the evidence
        ("evidence_at", "i8"),  # NONE: no instant is
        ("evidence_count", "i8"),
        ("evidence_value", "f8"),
        ("judgement", "i1"),
        ("before", "u1"),
        ("after", "u1"),
    ],
    align=True,
)
FACTS_PER_EVENT: Final = 32  # more than one touchpoint that links two ids, or a timer, can ever cause
# While nothing happens every judgement moves one way, by a few steps at most; then a touchpoint may move all of them.
JUDGED_PER_EVENT: Final = 320

OUT_COUNT: Final = 0  # slots of Out.counts: facts so far, written or not
OUT_WRITTEN: Final = 1
OUT_PENDING: Final = 2
OUT_JUDGED_COUNT: Final = 3
OUT_JUDGED_WRITTEN: Final = 4
OUT_EPISODES: Final = 5  # from here on: scratch of merging, see processors.lifecycle.episodes
OUT_CELLS: Final = OUT_EPISODES + 72


class Out(NamedTuple):
    """Where facts go: ``facts`` may be empty, then they are counted and not written."""

    facts: Any  # recarray of FACT
    judged: Any  # recarray of JUDGED; may be empty likewise
    counts: npt.NDArray[np.int64]  # shape (OUT_CELLS,)
    pending: npt.NDArray[np.uint64]  # shape (SUPERSEDED,): ids that the next fact supersedes
    path: npt.NDArray[np.int64]  # shape (4,): the path as the profile tells it
    path_before: npt.NDArray[np.int64]  # shape (4,): … before a late touchpoint was absorbed
    previous_before: npt.NDArray[np.int64]  # shape (4,): the same of the episode before
    values: npt.NDArray[np.uint8]  # shape (JUDGEMENTS,): scratch of the judgements
    room: Room  # where rules of the policy work


class Cause(NamedTuple):
    """What made us look: a log position, its instants, and the touchpoint where there is one."""

    row: int  # its number in the table
    offset: int
    known_at: int
    kind: int
    event: np.uint64  # hash of the event id; 0: no touchpoint
    event_start: int
    event_length: int


def new_out(capacity: int) -> Out:
    """Room for ``capacity`` facts, and for judgements in proportion; 0: count only."""
    judged = 2 * capacity + JUDGED_PER_EVENT if capacity else 0
    return Out(
        np.zeros(capacity, FACT).view(np.recarray),
        np.zeros(judged, JUDGED).view(np.recarray),
        np.zeros(OUT_CELLS, np.int64),
        np.zeros(SUPERSEDED, np.uint64),
        np.zeros(4, np.int64),
        np.zeros(4, np.int64),
        np.zeros(4, np.int64),
        np.zeros(JUDGEMENT_ROOM, np.uint8),
        new_room(capacity > 0),
    )


@compiled_leaf
def supersede(out: Out, fact_id: np.uint64) -> None:
    """Let the next fact supersede this one."""
    if fact_id != np.uint64(0) and out.counts[OUT_PENDING] < SUPERSEDED:
        out.pending[out.counts[OUT_PENDING]] = fact_id
        out.counts[OUT_PENDING] += 1


@compiled_inline
def _id_of(row: Row, rules: Rules, out: Out, cause: Cause, from_stage: int, to_stage: int) -> np.uint64:
    h = mix(np.uint64(row.hash), np.int64(row.last_id))
    # A row's stage is one byte: outside compiled code it would overflow before it is widened.
    h = mix(h, np.int64(int(from_stage) * 64 + int(to_stage) * 8 + cause.kind))
    h = mix(h, np.int64(cause.event))
    h = mix(h, np.int64(row.episode))
    h = mix(h, np.int64(row.touchpoints))
    h = mix(h, np.int64(row.last_purchase_at))
    h = mix(h, np.int64(rules.hash))
    for i in range(out.counts[OUT_PENDING]):
        h = mix(h, np.int64(out.pending[i]))
    h = avalanche(h)
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_leaf
def _weeks_of(row: Row, episode: int) -> int:
    """Distinct purchase weeks of the current episode, or of the one before."""
    if episode == row.episode:
        basis = basis_of(row)
        first = first_counted_day(basis, row.shared_week != 0 and basis == row.episode_at)
        return count_weeks(row, first, LAST_DAY)
    first = first_counted_day(row.before_at, row.before_shared_week != 0)
    return count_weeks(row, first, day_of(row.before_purchase_at))


@compiled_leaf
def _write(
    row: Row, out: Out, cause: Cause, fact_id: np.uint64, from_stage: int, to_stage: int, episode: int, at: int
) -> None:
    fact = out.facts[out.counts[OUT_WRITTEN]]
    fact.row = cause.row
    fact.customer = row.hash
    fact.id = fact_id
    fact.at = at
    fact.known_at = cause.known_at
    fact.offset = cause.offset
    fact.event_start = cause.event_start
    fact.event_length = cause.event_length
    fact.episode = episode
    fact.from_stage = from_stage
    fact.to_stage = to_stage
    fact.cause = cause.kind
    fact.superseded = out.counts[OUT_PENDING]
    for i in range(SUPERSEDED):
        fact.supersedes[i] = out.pending[i] if i < out.counts[OUT_PENDING] else np.uint64(0)
    fact.purchases = row.purchases
    fact.weeks = _weeks_of(row, episode)
    fact.first_purchase_at = row.first_purchase_at
    fact.last_purchase_at = row.last_purchase_at
    fact.last_sign_at = last_sign(row)
    out.counts[OUT_WRITTEN] += 1


@compiled_inline
def emit(
    row: Row, rules: Rules, out: Out, cause: Cause, from_stage: int, to_stage: int, episode: int, at: int
) -> np.uint64:
    """Publish one transition, with all pending supersessions; returns its id, which the next one's id builds on."""
    fact_id = _id_of(row, rules, out, cause, from_stage, to_stage)
    if len(out.facts) > 0:
        _write(row, out, cause, fact_id, from_stage, to_stage, episode, at)
    if rules.trigger_subjects & 1:
        note_happening(out.room, 0, int(from_stage), int(to_stage), at, cause.kind, fact_id)
    out.counts[OUT_COUNT] += 1
    out.counts[OUT_PENDING] = 0
    row.last_id = fact_id
    return fact_id

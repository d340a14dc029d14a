"""One partition: a log's records in, facts out. Pure and clock-free; it does not know which shell drives it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.lifecycle.facts import FACT, JUDGED, OUT_JUDGED_WRITTEN, OUT_WRITTEN, Out, new_out
from processors.policy.policy import Policy, read_policy
from processors.row.layout import NONE
from schemas.known import Known, unknown
from streams.engine import cursor as cursors
from streams.engine import loop
from streams.engine.checkpoint import CHUNK_BYTES
from streams.engine.growth import copied, grow, memory_bytes
from streams.engine.memory import Memory, Standing
from streams.engine.outcomes import BAD_POLICY, OUTCOME_POLICIES, OUTCOMES
from streams.engine.passing import rejudge_rows
from streams.engine.results import Applied, Checkpoint, ForeignLog, PoisonedLog, PolicyChange, Refused
from streams.engine.rows import USED_ROWS, Table, new_table
from streams.engine.schemas import Schemas
from streams.engine.translating import written_anew
from streams.log.batches import Fetch
from streams.log.records import HEAD_VALUE, HEAD_VALUE_SIZE

FACTS: Final = 16_384  # room between two visits to Python
_ENDS: Final = frozenset((cursors.STATUS_FINISHED, cursors.STATUS_POISONED, cursors.STATUS_FULL))


class Drained(NamedTuple):
    """Facts that were taken out of the room that compiled code writes into."""

    transitions: list[Any]  # arrays of FACT
    judged: list[Any]  # arrays of JUDGED


def _in_one(parts: list[Any], kind: np.dtype[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, kind), *parts])


def _wanted(fetch: Fetch, cursor: cursors.Cursor) -> int:
    """The schema id of the record that the loop stands at."""
    place = int(cursor.head[HEAD_VALUE]) + 1
    return int.from_bytes(fetch.buffer[place : place + 4].tobytes(), "big")


class Partition:
    """State of the customers of one partition.

    ``schemas``: what is known of schema ids. ``owner`` is unique to this tenure of the partition (group generation and
    nonce). ``asks``: whether it stops at a schema id that it does not know, and says which it wants; else its records
    are rejects. ``ahead_limit``: ms by which a tick may be ahead of the timestamp of its
    record, None: no limit. ``collect``: whether facts and accepted bodies are listed, or only counted.
    ``log``: identity of the log that is read, where it has one; what was made from another one is refused.
    ``chunk_bytes``: rows and ids that one record of a checkpoint holds at most.
    """

    def __init__(
        self,
        number: int,
        policy: Policy,
        schemas: Iterable[Known],
        *,
        owner: str = "0",
        asks: bool = False,
        ahead_limit: int | None = None,
        accept_rejects: bool = False,
        collect: bool = True,
        chunk_bytes: int = CHUNK_BYTES,
        log: str = "",
    ) -> None:
        self.number = number
        self.policy = policy
        self.table: Table = new_table()
        self.counts: npt.NDArray[np.int64] = np.zeros(len(OUTCOMES), np.int64)
        self._schemas = Schemas(schemas)
        self._ahead = cursors.NO_LIMIT if ahead_limit is None else ahead_limit
        self._ends = _ENDS | {cursors.STATUS_SCHEMA_WANTED} if asks else _ENDS
        self._poison_run = 0 if accept_rejects else cursors.POISON_RUN
        self._collect = collect
        self._out: Out = new_out(FACTS if collect else 0)
        self._next = 0
        self._time = NONE
        self._bad_run = 0
        self._memory = Memory(number, owner, chunk_bytes, log)

    @property
    def next_offset(self) -> int:
        """The offset up to which the partition is complete."""
        return self._next

    @property
    def time(self) -> int:
        """Partition time: the newest tick, ms; NONE before the first."""
        return self._time

    @property
    def customers(self) -> int:
        """Number of rows."""
        return int(self.table.used[USED_ROWS])

    def apply(self, fetch: Fetch) -> Applied | Refused:
        """Process a fetch: what is new of it.

        It ends before the fetch does, at ``next_offset``, where there are 50,000 rejects. After 10,000 consecutive ones
        it returns what it has until there, so that they can be stored and looked at; then it raises PoisonedLog, also
        after a restart.
        """
        if fetch.wanted > self._next:
            return Refused(self._next)
        policy = self.policy
        cursor = cursors.new_cursor(fetch, self.counts, self._next, self._time, self._bad_run, collect=self._collect)
        before = self.counts.copy()
        facts = Drained([], [])
        policies: list[PolicyChange] = []
        while (status := self._run(fetch, cursor)) not in self._ends:
            fetch, cursor = self._attend(status, fetch, cursor, facts, policies)
        if status == cursors.STATUS_POISONED and cursor.at[cursors.AT_NEXT] == self._next:
            raise PoisonedLog(
                f"partition {self.number}: {cursors.POISON_RUN} consecutive records were rejected, the last before "
                f"offset {self._next}; look at the rejects, and start with --accept-rejects to go on anyway"
            )
        self._drain(facts)
        self._next = (
            max(self._next, fetch.end) if status == cursors.STATUS_FINISHED else int(cursor.at[cursors.AT_NEXT])
        )
        self._time = int(cursor.at[cursors.AT_TIME])
        self._bad_run = int(cursor.at[cursors.AT_BAD_RUN])
        return Applied(
            partition=self.number,
            buffer=fetch.buffer,
            facts=_in_one(facts.transitions, FACT),
            judged=_in_one(facts.judged, JUDGED),
            taken=cursor.taken[: cursor.at[cursors.AT_TAKEN]],
            rejects=np.asarray(cursor.rejects)[: cursor.at[cursors.AT_REJECTS]],
            policy=policy,
            policies=policies,
            counts={name: int(n) for name, n in zip(OUTCOMES, self.counts - before, strict=True)},
            next_offset=self._next,
            wanted=_wanted(fetch, cursor) if status == cursors.STATUS_SCHEMA_WANTED else None,
            details=self._schemas.details,
            schemas=self._schemas.known,
        )

    def learn(self, known: Known, now: int) -> None:
        """Take in what the registry answered at an instant (ms of the shell's clock) to what was wanted."""
        self._schemas.learn(known, now)

    def forget_unknown(self, before: int) -> None:
        """Want the ids again that the registry, before an instant, did not have: somebody may have registered them."""
        self._schemas.forget_unknown(before)

    def _run(self, fetch: Fetch, cursor: cursors.Cursor) -> int:
        return loop.run(
            fetch.buffer,
            fetch.spans,
            self._schemas.plans,
            self.table,
            self.policy.rules,
            self.policy.vocabulary,
            self._out,
            cursor,
            self._ahead,
            self._poison_run,
        )

    def _attend(
        self, status: int, fetch: Fetch, cursor: cursors.Cursor, facts: Drained, policies: list[PolicyChange]
    ) -> tuple[Fetch, cursors.Cursor]:
        """Do for the loop what it can't do itself; it goes on at the same record."""
        if status == cursors.STATUS_NEED_ROOM:
            self.table = grow(self.table)
        elif status == cursors.STATUS_NEED_FACTS:
            self._drain(facts)
        elif status == cursors.STATUS_POLICY_READ:
            self._change_policy(fetch, cursor, facts, policies)
        elif status == cursors.STATUS_FOREIGN:
            return self._write_anew(fetch, cursor)
        else:
            self.learn(unknown(_wanted(fetch, cursor)), 0)
        return fetch, cursor

    def _write_anew(self, fetch: Fetch, cursor: cursors.Cursor) -> tuple[Fetch, cursors.Cursor]:
        first, most = int(cursor.at[cursors.AT_SPAN]), cursors.most_records(fetch)
        known = self._schemas
        buffer, anew = written_anew(fetch.buffer, fetch.spans, first, most, known.plans, known.known, known.number_of)
        return replace(fetch, buffer=buffer), cursor._replace(anew=anew)

    def _drain(self, facts: Drained) -> None:
        # As plain arrays: every slice of a recarray costs ten microseconds, and most fetches are small.
        counts = self._out.counts
        if counts[OUT_WRITTEN] > 0:
            facts.transitions.append(np.asarray(self._out.facts)[: counts[OUT_WRITTEN]].copy())
            counts[OUT_WRITTEN] = 0
        if counts[OUT_JUDGED_WRITTEN] > 0:
            facts.judged.append(np.asarray(self._out.judged)[: counts[OUT_JUDGED_WRITTEN]].copy())
            counts[OUT_JUDGED_WRITTEN] = 0

    def _change_policy(
        self, fetch: Fetch, cursor: cursors.Cursor, facts: Drained, policies: list[PolicyChange]
    ) -> None:
        start, length = int(cursor.at[cursors.AT_START]), int(cursor.at[cursors.AT_LENGTH])
        offset = int(cursor.at[cursors.AT_OFFSET])
        try:
            policy = read_policy(fetch.buffer[start : start + length].tobytes().decode())
            np.int64(policy.rules.minimum_minor)  # compiled code holds no more than 64 bits
        except (ValueError, ArithmeticError, RecursionError):  # whatever a text can do to its readers
            cursors.reject(cursor, offset, int(cursor.head[HEAD_VALUE]), int(cursor.head[HEAD_VALUE_SIZE]), BAD_POLICY)
            cursor.at[cursors.AT_NEXT] = offset + 1
            return
        self.policy = policy
        row = 0
        while row < self.customers:
            row = rejudge_rows(self.table, policy.rules, self._out, cursor, offset, row)
            self._drain(facts)
            self.table = grow(self.table)
        self.counts[OUTCOME_POLICIES] += 1
        cursor.at[cursors.AT_BAD_RUN] = 0
        cursor.at[cursors.AT_NEXT] = offset + 1
        policies.append(PolicyChange(offset, int(cursor.at[cursors.AT_TIME]), policy))

    def checkpoint(self) -> Checkpoint:
        """The records of a new checkpoint; the state goes on from here, whatever becomes of them."""
        standing = Standing(self._next, self._time, self.policy.text, self._bad_run)
        return self._memory.checkpoint(self.table, standing)

    def restore(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Take in checkpoint records of this partition, in any order; only into a partition that is still empty.

        Where some are torn, rows are newer than ``next_offset``: the replay skips for each what it contains.
        Raises UnreadableCheckpoint, ForeignLog, and ValueError where this owner's name was used before.
        """
        self.table, standing = self._memory.restore(self.table, records)
        if standing is not None:
            self._next, self._time, self._bad_run = standing.offset, standing.time, standing.bad_run
            self.policy = read_policy(standing.policy)

    def copy(self) -> "Partition":
        """A partition of its own that stands where this one does, to ask what would happen."""
        other = Partition(self.number, self.policy, self._schemas.known.values(), collect=self._collect)
        other.table = copied(self.table)
        other.counts = self.counts.copy()
        other._next, other._time, other._bad_run = self._next, self._time, self._bad_run
        return other

    def has_unreported(self) -> bool:
        """Whether a profile changed since it was last taken."""
        return bool(self.table.rows.unreported[: self.customers].any())

    def take_unreported(self, most: int) -> npt.NDArray[np.int64]:
        """Numbers of at most ``most`` rows whose profile changed since it was last taken; they count as reported."""
        numbers = np.flatnonzero(self.table.rows.unreported[: self.customers])[:most]
        self.table.rows.unreported[numbers] = 0
        # The flag is part of the row: what was taken and not stored before a crash is taken again.
        self.table.dirty[numbers] = 1
        return numbers

    def check_log(self, end_offset: int) -> None:
        """Raise ForeignLog where the log's end lies below an offset that a row contains."""
        newest = int(self.table.rows.offset[: self.customers].max(initial=-1))
        if newest >= end_offset or self._next > end_offset:
            raise ForeignLog(
                f"partition {self.number}: its customers contain log offset {max(newest, self._next - 1)}, but the log "
                f"ends at {end_offset}: it is another log than the one that they were made from; start with an empty "
                "state, or bring the old log back"
            )

    def memory_bytes(self) -> int:
        """Bytes in which the customers are held, indexes included."""
        return memory_bytes(self.table)

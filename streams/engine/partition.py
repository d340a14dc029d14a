"""One partition: a log's records in, facts out. Pure and clock-free; it does not know which shell drives it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.lifecycle.facts import FACT, JUDGED, Out, new_out
from processors.policy.policy import Policy, read_policy
from processors.row.layout import NONE, ROW
from processors.triggers.room import FIRED
from schemas.bodies import Bodies
from schemas.known import Known, unknown
from streams.engine import cursor as cursors
from streams.engine import loop
from streams.engine.checkpoint import Checkpoint, Stored, UnreadableCheckpoint
from streams.engine.drained import Drained, cut, drain, in_one
from streams.engine.edition import FIRST, Edition, past_of
from streams.engine.forwarding import root
from streams.engine.growth import copied, grow, memory_bytes
from streams.engine.hot import read_rows
from streams.engine.memory import Memory, Standing
from streams.engine.outcomes import BAD_POLICY, OUTCOME_POLICIES, OUTCOMES
from streams.engine.passing import rejudge_rows
from streams.engine.restoring import note_news_of, take_news
from streams.engine.results import Applied, ForeignLog, OtherVersion, PoisonedLog, PolicyChange, Refused, Sent
from streams.engine.rows import (
    IS_FORWARD,
    USED_CHANGED,
    USED_EDITION,
    USED_FORGET,
    USED_FORGET_BEFORE,
    USED_FORGOTTEN,
    USED_FORWARDS,
    USED_LINKING,
    USED_NOW,
    USED_NUMBER,
    USED_PARTITIONS,
    USED_REPORTED,
    USED_ROWS,
    USED_UNREPORTED,
    Table,
    id_slices,
    namespaces_of,
    new_table,
    rows_as_words,
)
from streams.engine.schemas import Schemas
from streams.engine.sent import sent_of
from streams.engine.translating import written_anew
from streams.engine.window import WINDOW, new_window, window_bytes
from streams.log.batches import Fetch
from streams.log.records import HEAD_VALUE, HEAD_VALUE_SIZE

FACTS: Final = 32_768  # room between two visits to Python
HOT_ROWS: Final = 65_536
FACT_BYTES: Final = 64 * 1024 * 1024
"""About so many bytes of facts are given at once; a tick or a policy that causes more is gone on with later."""
ROWS_AT_ONCE: Final = 131_072
"""So many customers are judged by a new policy at once: whoever is asked for the rest can remember these before."""
_ENDS: Final = frozenset((cursors.STATUS_FINISHED, cursors.STATUS_POISONED, cursors.STATUS_FULL))


def _wanted(fetch: Fetch, cursor: cursors.Cursor) -> int:
    """The schema id of the record that the loop stands at."""
    place = int(cursor.at[cursors.AT_START])
    return int.from_bytes(fetch.buffer[place : place + 4].tobytes(), "big")


def _usable_policy(text: bytes) -> Policy | None:
    """What a text decides; None: it can't be read as a policy."""
    try:
        policy = read_policy(text.decode())
        np.int64(policy.rules.minimum_minor)  # compiled code holds no more than 64 bits
    except (ValueError, ArithmeticError, RecursionError):  # whatever a text can do to its readers
        return None
    return policy


class Partition:
    """State of the customers of one partition.

    ``schemas``: what is known of schema ids. ``asks``: whether it stops at a schema id that it does not know, and says
    which it wants; else its records are rejects. ``ahead_limit``: ms by which a tick may be ahead of the timestamp of
    its record, None: no limit. ``collect``: whether facts and accepted bodies are listed, or only counted.
    ``log``: identity of the log that is read, where it has one; what was made from another one is refused. ``epoch``:
    which log it is, by the order in which logs were made; a checkpoint of this log knows better.
    ``hot_rows``: so many rows stand in full, those touched last; the others are packed. ``window``: so many event
    identities are remembered where there is no checkpoint yet; where there is one, as many as it says; 0: none.
    ``edition``: under which rules the log is read. ``links``: whether ids are linked; where not, a link is a reject.
    ``partitions``: of the log; what concerns ids of the others goes to their owners (``Applied.sends``).
    """

    def __init__(
        self,
        number: int,
        policy: Policy,
        schemas: Iterable[Known],
        *,
        asks: bool = False,
        ahead_limit: int | None = None,
        accept_rejects: bool = False,
        collect: bool = True,
        hot_rows: int = HOT_ROWS,
        window: int = WINDOW,
        log: str = "",
        epoch: int = 0,
        edition: Edition = FIRST,
        links: bool = True,
        partitions: int = 1,
    ) -> None:
        self.number = number
        self.policy = policy
        partitions = partitions if links else 1
        self.table: Table = new_table(
            hot_rows=hot_rows, window=new_window(window), past=past_of(edition), partitions=partitions
        )
        self.table.used[USED_LINKING] = int(links)
        self.table.used[USED_NUMBER], self.table.used[USED_EDITION] = number, edition.number
        self._edition = edition
        self._said_at = -1
        self.counts: npt.NDArray[np.int64] = np.zeros(len(OUTCOMES), np.int64)
        self._schemas = Schemas(schemas)
        self._ahead = cursors.NO_LIMIT if ahead_limit is None else ahead_limit
        self._ends = _ENDS | {cursors.STATUS_SCHEMA_WANTED} if asks else _ENDS
        self._poison_run = 0 if accept_rejects else cursors.POISON_RUN
        self._collect = collect
        self._out: Out = new_out(FACTS if collect else 0)
        self._next = 0
        self._time = NONE
        self._heed_forgetting()
        self._bad_run = 0
        self._memory = Memory(number, log, epoch)
        self._halved = False
        self.fact_bytes = FACT_BYTES
        self.rows_at_once = ROWS_AT_ONCE

    @property
    def next_offset(self) -> int:
        """The offset up to which the partition is complete."""
        return self._next

    @property
    def time(self) -> int:
        """Partition time: the newest tick, ms; NONE before the first."""
        return self._time

    @property
    def epoch(self) -> int:
        """Which log it reads: of two logs the one that was made later has the greater epoch. 0: from before epochs."""
        return self._memory.epoch

    @property
    def customers(self) -> int:
        """How many there are: all that have a number but forwarding addresses, and visitors who are forgotten."""
        return self.numbered - int(self.table.used[USED_FORWARDS]) - int(self.table.used[USED_FORGOTTEN])

    @property
    def numbered(self) -> int:
        """How many ids have a number, those of forwarding addresses included; numbers count from 0."""
        return int(self.table.used[USED_ROWS])

    @property
    def partitions(self) -> int:
        """How many the log has, as far as ids are linked."""
        return int(self.table.used[USED_PARTITIONS])

    def numbers(self) -> npt.NDArray[np.int64]:
        """The numbers of all customers."""
        flags = np.asarray(self.table.customers)["id"][: self.numbered] & IS_FORWARD
        found: npt.NDArray[np.int64] = np.flatnonzero(flags == 0)
        return found

    def _heed_forgetting(self) -> None:
        used = self.table.used
        used[USED_FORGET] = used[USED_FORGET_BEFORE] = int(self.policy.rules.forget_ms)
        used[USED_NOW] = self._time if self._time != NONE else 0

    def holder_of(self, number: int) -> int:
        """The number of the customer that a number stands for; its own where it is no forwarding address."""
        return root(self.table, number, self._next)

    def apply(self, fetch: Fetch) -> Applied | Refused:
        """Process a fetch: what is new of it.

        It ends before the fetch does, at ``next_offset``, where there are 50,000 rejects, where facts take too many
        bytes, or where a policy has judged many: what follows is refused, or asked for again, from there. A tick or a
        policy may be done by half then; it stands at that offset still. After 10,000 consecutive rejects it returns
        what it has until there, so that they can be stored and looked at; then it raises PoisonedLog, also after a
        restart.
        """
        if fetch.wanted > self._next:
            return Refused(self._next)
        policy = self.policy
        cursor = cursors.new_cursor(
            fetch,
            self.counts,
            self._next,
            self._time,
            self._bad_run,
            collect=self._collect,
            others=int(self.table.used[USED_PARTITIONS]) > 1,
        )
        sends: list[Sent] = []
        before = self.counts.copy()
        facts = Drained([], [], [])
        policies: list[PolicyChange] = []
        self._halved = False
        while (status := self._run(fetch, cursor)) not in self._ends:
            if status == cursors.STATUS_NEED_SENDS:
                sends += sent_of(self.table, cursor, fetch.buffer)
                continue
            fetch, cursor = self._attend(status, fetch, cursor, facts, policies)
            if self._halved or facts.nbytes >= self.fact_bytes:
                break
        if status == cursors.STATUS_POISONED and cursor.at[cursors.AT_NEXT] == self._next:
            raise PoisonedLog(
                f"partition {self.number}: {cursors.POISON_RUN} consecutive records were rejected, the last before "
                f"offset {self._next}; look at the rejects, and start with --accept-rejects to go on anyway"
            )
        drain(self._out, facts)
        self._next = (
            max(self._next, fetch.end) if status == cursors.STATUS_FINISHED else int(cursor.at[cursors.AT_NEXT])
        )
        self._time = int(cursor.at[cursors.AT_TIME])
        self._bad_run = int(cursor.at[cursors.AT_BAD_RUN])
        return Applied(
            partition=self.number,
            buffer=fetch.buffer,
            facts=in_one(facts.transitions, FACT),
            judged=in_one(facts.judged, JUDGED),
            fired=in_one(facts.fired, FIRED),
            taken=cursor.taken[: cursor.at[cursors.AT_TAKEN]],
            rejects=cut(np.asarray(cursor.rejects), cursor.at[cursors.AT_REJECTS]),
            links=cut(np.asarray(cursor.links), cursor.at[cursors.AT_LINKS]),
            sends=sends + sent_of(self.table, cursor, fetch.buffer),
            policy=policy,
            policies=policies,
            counts={name: int(n) for name, n in zip(OUTCOMES, self.counts - before, strict=True)},
            next_offset=self._next,
            wanted=_wanted(fetch, cursor) if status in self._ends and status == cursors.STATUS_SCHEMA_WANTED else None,
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
            drain(self._out, facts)
        elif status == cursors.STATUS_POLICY_READ:
            self._change_policy(fetch, cursor, facts, policies)
        elif status == cursors.STATUS_FOREIGN:
            return self._write_anew(fetch, cursor)
        elif status == cursors.STATUS_OTHER_LAYOUT:
            raise OtherVersion(
                f"partition {self.number}: a worker of another version sent the row of a customer at offset "
                f"{int(cursor.at[cursors.AT_OFFSET])}; it waits until every worker runs the same version"
            )
        else:
            self.learn(unknown(_wanted(fetch, cursor)), 0)
        return fetch, cursor

    def _write_anew(self, fetch: Fetch, cursor: cursors.Cursor) -> tuple[Fetch, cursors.Cursor]:
        first, most = int(cursor.at[cursors.AT_SPAN]), cursors.most_records(fetch)
        known = self._schemas
        buffer, anew = written_anew(fetch.buffer, fetch.spans, first, most, known.plans, known.known, known.number_of)
        return replace(fetch, buffer=buffer), cursor._replace(anew=anew)

    def _change_policy(
        self, fetch: Fetch, cursor: cursors.Cursor, facts: Drained, policies: list[PolicyChange]
    ) -> None:
        start, length = int(cursor.at[cursors.AT_START]), int(cursor.at[cursors.AT_LENGTH])
        offset = int(cursor.at[cursors.AT_OFFSET])
        before = bool(self._edition.policy) and offset < self._edition.since
        said = fetch.buffer[start : start + length].tobytes()
        policy = _usable_policy(self._edition.policy.encode() if before else said)
        if policy is None:
            cursors.reject(cursor, offset, int(cursor.head[HEAD_VALUE]), int(cursor.head[HEAD_VALUE_SIZE]), BAD_POLICY)
            cursor.at[cursors.AT_NEXT] = offset + 1
            return
        if before and 0 <= self._said_at < offset and policy.hash == self.policy.hash:
            self.counts[OUTCOME_POLICIES] += 1
            cursor.at[cursors.AT_BAD_RUN] = 0
            cursor.at[cursors.AT_NEXT] = offset + 1
            return
        self._said_at = offset if self._said_at < 0 else self._said_at
        # The change is told with its first facts, which name its hash.
        policies.append(PolicyChange(offset, int(cursor.at[cursors.AT_TIME]), policy))
        self.policy = policy
        self.table.used[USED_FORGET] = int(policy.rules.forget_ms)
        customer, judged = 0, np.array([0, self.rows_at_once])
        while customer < self.numbered:
            customer = rejudge_rows(self.table, policy.rules, self._out, cursor, offset, customer, judged)
            drain(self._out, facts)
            self.table = grow(self.table)
            enough = facts.nbytes >= self.fact_bytes or judged[0] >= self.rows_at_once
            if enough and customer < self.numbered:
                self._halved = True
                return
        self.table.used[USED_FORGET_BEFORE] = self.table.used[USED_FORGET]
        self.counts[OUTCOME_POLICIES] += 1
        cursor.at[cursors.AT_BAD_RUN] = 0
        cursor.at[cursors.AT_NEXT] = offset + 1

    def checkpoint(self) -> Checkpoint:
        """What a store has to hold so that a partition can begin here; rows that are unchanged it holds already.

        If it is not stored while this partition goes on, it must be taken back.
        """
        standing = Standing(self._next, self._time, (self.policy.text, self.policy.hash), self._bad_run)
        return self._memory.checkpoint(self.table, standing)

    def some_rows(self, most: int) -> tuple[Bodies, Bodies]:
        """Keys and values of some rows that changed, for the next checkpoint: they have to stand in it before its own.

        So that whoever shares the partition has it in between. Rows that change again are written again.
        """
        return self._memory.some_rows(self.table, most)

    def take_back(self, checkpoint: Checkpoint) -> None:
        """A checkpoint was not stored, and never will be: the next one is to hold what it held."""
        self._memory.take_back(self.table, checkpoint)

    def restore(self, stored: Iterable[Stored]) -> None:
        """Begin where a checkpoint stood, from all records that are stored; only in a partition that is still empty.

        Of a key that is stored more than once the last record counts. Records of before rows had keys are read too;
        then the next checkpoint holds every row, and deletes them. Raises UnreadableCheckpoint and ForeignLog.
        """
        self.table, standing = self._memory.restore(self.table, stored)
        if standing is not None:
            self._next, self._time, self._bad_run = standing.offset, standing.time, standing.bad_run
            self.policy = read_policy(standing.policy[0])
            self._heed_forgetting()
            if standing.policy[1] not in ("", self.policy.hash):
                raise UnreadableCheckpoint(f"partition {self.number}: its policy is not the one that its header names")

    def copy(self) -> "Partition":
        """A partition of its own that stands where this one does, to ask what would happen."""
        other = Partition(self.number, self.policy, self._schemas.known.values(), collect=self._collect)
        other.table = copied(self.table)
        other.counts = self.counts.copy()
        other._next, other._time, other._bad_run = self._next, self._time, self._bad_run
        return other

    @property
    def changed(self) -> int:
        """How many rows the next checkpoint will hold."""
        return int(self.table.used[USED_CHANGED])

    def expect_reports(self) -> None:
        """From here on profiles are taken for the reports: who is forgotten keeps the row until then."""
        self.table.used[USED_REPORTED] = 1

    @property
    def unreported(self) -> int:
        """How many profiles changed since they were last taken."""
        return int(self.table.used[USED_UNREPORTED])

    def has_unreported(self) -> bool:
        """Whether a profile changed since it was last taken."""
        return self.unreported > 0

    def take_unreported(self, most: int) -> npt.NDArray[np.int64]:
        """At most ``most`` customers whose profiles changed since they were last taken; they count as reported.

        That is remembered with the rows: what was taken and not stored before a crash is taken again.
        """
        while most > 0 and self.unreported > 0:
            numbers = np.empty(min(most, self.unreported), np.int64)
            take_news(self.table, numbers)
            flags = np.asarray(self.table.customers)["id"][numbers] & IS_FORWARD
            found: npt.NDArray[np.int64] = numbers[flags == 0]
            if found.size:
                return found
        return np.empty(0, np.int64)

    def give_back(self, numbers: npt.NDArray[np.int64]) -> None:
        """The profiles of these customers were taken, but did not reach the reports."""
        note_news_of(self.table, numbers)

    def rows(self, numbers: npt.NDArray[np.int64]) -> Any:
        """The rows of customers, copied: a recarray of ROW. Each is 2 KB, so not of all at once."""
        rows = np.empty(len(numbers), ROW).view(np.recarray)
        read_rows(self.table, numbers, rows, rows_as_words(rows))
        return rows

    def ids(self, numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where in ``table.ids`` the ids of customers begin, and their lengths in bytes."""
        return id_slices(self.table, numbers)

    def namespaces(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """In which namespaces the ids of customers are, see ``processors.row.namespaces``."""
        return namespaces_of(self.table, numbers)

    @property
    def lacking(self) -> list[str]:
        """Fields that restored rows did not have, because they were laid out before these were there.

        They stand as in an empty row. Only the log gives them, read again from its beginning as the next edition.
        """
        return sorted(self._memory.lacking)

    def check_log(self, end_offset: int) -> None:
        """Raise ForeignLog where the log's end lies below an offset that a row contains."""
        newest = max(self._memory.newest, self._next - 1)
        if newest >= end_offset:
            raise ForeignLog(
                f"partition {self.number}: its customers contain log offset {newest}, but the log "
                f"ends at {end_offset}: it is another log than the one that they were made from; start with an empty "
                "state, or bring the old log back"
            )

    def memory_bytes(self) -> int:
        """Bytes in which the customers are held, indexes included."""
        return memory_bytes(self.table)

    def window_bytes(self) -> int:
        """Bytes in which the identities of recent events are held, their index included."""
        return window_bytes(self.table.window)

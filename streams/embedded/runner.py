"""The embedded shell: one partition, its log and its rows in files of SQLite, its reports in chDB.

Emit, remember, acknowledge: reports first; then the checkpoint, the offset that it reaches and the messages that came
out, in one transaction of the rows' file. A crash anywhere replays from that offset, and everything that is emitted
again has the same id.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

import pyarrow as pa

from processors.policy.policy import Policy
from schemas.answers import UNKNOWN_MS, Answers
from schemas.bodies import Bodies, bodies_of
from schemas.registry import Registry, RegistryError
from streams.embedded.appending import append_messages
from streams.embedded.beside import Beside
from streams.embedded.database import ENGINE
from streams.embedded.log import REFUSED, Log
from streams.embedded.readers import Batch as Read
from streams.embedded.readers import read_records
from streams.embedded.rows_file import UNREPORTED, RowsFile
from streams.embedded.rows_in_order import in_order
from streams.embedded.told import Told
from streams.engine.checkpoint import Checkpoint
from streams.engine.outcomes import OUTCOMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PoisonedLog, Refused
from streams.log.batches import read_batches
from streams.log.messages import TOUCHPOINTS_TOPIC, message, reject_messages
from streams.log.ticks import tick_messages
from streams.log.writing import record_batch
from streams.outputs.outgoing import Handed, Outgoing
from streams.outputs.output import Batch, Rows
from streams.outputs.rejects import TABLE as REJECTS_TABLE
from streams.outputs.rejects import TOPIC as REJECTS_TOPIC
from streams.outputs.storing import store
from streams.outputs.triggers import TRIGGERS
from streams.reports.sink import Sink

EMIT_RECORDS: Final = 262_144
# Twice as much is in memory: what is being stored, and what comes meanwhile.
EMIT_BYTES: Final = 40 * 1024 * 1024
# What waits for the checkpoint is in memory, and what comes after it is applied again after a crash.
CHECKPOINT_RECORDS: Final = 8 * EMIT_RECORDS
WAITING_BYTES: Final = 128 * 1024 * 1024
# What a replay would have to do again, beside letting time pass.
_EVENTS: Final = tuple(name for name in OUTCOMES if name not in ("ticks", "ticks_ignored"))


class Runner:
    """Drives one partition. Not thread-safe; ``now`` gives the shell's instant in ms.

    ``reported`` is called with the offset up to which the reports hold all, before a checkpoint says so. Without
    ``rows`` nothing can be remembered.

    Reports are written after ``emit_records``, or when ``emit_bytes`` wait for them, and a checkpoint after
    ``checkpoint_records`` records at the latest, or when ``waiting_bytes`` wait to go out: what one tick brings of a
    million customers comes in parts.
    """

    def __init__(
        self,
        log: Log,
        rows: RowsFile | None,
        sink: Sink,
        partition: Partition,
        registry: Registry,
        now: Callable[[], int],
        reported: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.log = log
        self._rows = rows
        self._reported = reported
        self.sink = sink
        self.partition = partition
        self.registry = registry
        self.answers = Answers(registry)
        self.now = now
        self.emit_records, self.emit_bytes = EMIT_RECORDS, EMIT_BYTES
        self.checkpoint_records = CHECKPOINT_RECORDS
        self.waiting_bytes = WAITING_BYTES
        self._outgoing, self._told = Outgoing(partition, registry, TOUCHPOINTS_TOPIC), _told(rows)
        self._beside = Beside()
        self._unemitted = 0
        self._unacknowledged = False
        self._unremembered = 0
        self._eventful = False

    def go_on_with(self, rows: RowsFile, sink: Sink, partition: Partition) -> None:
        """From here on drive another partition of the same log, with rows and reports of its own."""
        self._beside.forget()
        self._rows, self.sink, self.partition = rows, sink, partition
        self._outgoing, self._told = Outgoing(partition, self.registry, TOUCHPOINTS_TOPIC), _told(rows)
        self._unemitted = self._unremembered = 0
        self._unacknowledged = self._eventful = False

    def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages to the log of touchpoints, within a transaction that the caller has opened."""
        append_messages(self.log, TOUCHPOINTS_TOPIC, self.partition.number, keys, bodies, self.now())

    def append_message(self, name: str, value: dict[str, Any]) -> None:
        """Append one message, such as a Tick or a Policy, in a transaction of its own."""
        with self.log.transaction():
            self.append(None, bodies_of([message(self.registry, name, value)]))

    @property
    def says_triggers(self) -> bool:
        """Whether triggers wait for the next checkpoint to be said."""
        self._beside.first_done()
        self._outgoing.digest()
        waits = TRIGGERS.topic is not None and self._told.speaks(TRIGGERS.topic)
        return waits or self._outgoing.speaks(TRIGGERS)

    def tick(self, at: int) -> None:
        """Let the partition's time pass to ``at`` (ms)."""
        self.append_message("Tick", {"at": at})

    def ahead(self, at: int) -> tuple[Partition, Applied]:
        """A copy of the partition at an instant as if a tick stood next in the log, and what would happen by then."""
        copy, base = self.partition.copy(), self.partition.next_offset
        copy.learn(self.answers.ask(self.registry.id_of("Tick")), self.now())
        batch = record_batch(None, tick_messages(self.registry, [at]), base, self.now())
        applied = copy.apply(read_batches(batch, base))
        if isinstance(applied, Refused):
            raise RuntimeError(f"the partition refuses its own next offset {applied.expected}")
        return copy, applied

    def change_policy(self, policy: Policy) -> None:
        """Put another policy in force, for all that the log holds from here on."""
        self.append_message("Policy", {"text": policy.text, "hash": policy.hash})

    def process(self) -> bool:
        """Apply the next fetch of the log; False where the log has no more. Reports what has come together in time."""
        wanted = self.partition.next_offset
        data = self.log.read(TOUCHPOINTS_TOPIC, self.partition.number, wanted)
        if not data:
            return False
        self.partition.forget_unknown(self.now() - UNKNOWN_MS)
        try:
            applied = self.partition.apply(read_batches(data, wanted))
        except PoisonedLog:
            # Whoever reads the message is to find the rejects that it speaks of.
            self.checkpoint()
            raise
        if isinstance(applied, Refused):
            raise RuntimeError(f"the log gave offset {wanted}, the partition expects {applied.expected}")
        self._outgoing.add(applied)
        self._unacknowledged = True
        self._eventful = self._eventful or any(applied.counts[name] for name in _EVENTS)
        if applied.wanted is not None:
            self._learn(applied.wanted)
        records = applied.next_offset - wanted
        self._unemitted += records
        self._unremembered += records
        # A policy judges everybody at one offset: what that changes is remembered in parts.
        parted = records == 0 and self.partition.changed >= self.partition.rows_at_once
        waiting = self._outgoing.waiting
        many = self._unremembered >= self.checkpoint_records or waiting + self._told.nbytes >= self.waiting_bytes
        if many or parted:
            self.checkpoint(profiles=False)
        elif self._unemitted >= self.emit_records or waiting >= self.emit_bytes:
            self._begin_emit()
        return True

    def _learn(self, schema_id: int) -> None:
        """Ask the registry for an id that the log's next record has. Raises RegistryError, with nothing lost."""
        try:
            known = self.answers.ask(schema_id)
        except RegistryError as error:
            raise RegistryError(
                f"{self.log.path}: the record at offset {self.partition.next_offset} of {TOUCHPOINTS_TOPIC} names"
                f" schema id {schema_id}, and the registry could not be asked for it: {error} Nothing is lost; when the"
                " registry answers again, start again: it goes on there."
            ) from error
        self.partition.learn(known, self.now())

    def catch_up(self, after: Callable[[], None] = lambda: None, go_on: Callable[[], bool] = lambda: True) -> None:
        """Apply all that the log holds, for as long as ``go_on`` says so; ``after`` is called after each fetch."""
        while go_on() and self.process():
            after()

    def emit(self) -> None:
        """Store in the reports what has come out so far. Messages wait for the transaction of the checkpoint."""
        self._begin_emit()
        self._stored()

    def _begin_emit(self) -> None:
        self._stored()
        if handed := self._outgoing.hand_over():
            self._beside.begin(self.sink, handed.rows, self._outgoing.origin, partial(self._tell, self._told, handed))
        self._unemitted = 0

    def _tell(self, told: Told, handed: Handed) -> None:
        """Have messages wait for the checkpoint of their partition. In the thread beside."""
        told.add(handed.messages(), self.now())

    def _stored(self) -> None:
        """Wait for what is being stored."""
        self._outgoing.add_rejects(self._beside.finish())

    def report_profiles(self) -> None:
        """Write how the customers stand whose profiles changed since they were last written."""
        self._begin_profiles()
        self._stored()

    def _begin_profiles(self) -> None:
        with closing(self._outgoing.standing()) as standing:
            for rows in standing:
                self._stored()
                self._beside.begin(self.sink, partial(_only, rows), self._outgoing.origin)

    def report(self) -> None:
        """Bring the reports up to what was processed."""
        self.emit()
        self.report_profiles()

    @property
    def eventful(self) -> bool:
        """Whether more than time has passed since the last checkpoint."""
        return self._eventful

    def checkpoint(self, *, profiles: bool = True) -> None:
        """Make all that was processed lasting, where anything was."""
        refused = self._refused()
        if not self._unacknowledged and refused is None and not (profiles and self.partition.has_unreported()):
            return
        self._begin_emit()
        if profiles:
            self._begin_profiles()
        checkpoint = self.partition.checkpoint()
        unsaid: list[pa.Table] = []
        try:
            with self.rows.transaction():
                self._remember(checkpoint, refused)
                # Reports first: nothing of this is lasting before they are.
                unsaid = self._beside.finish()
                self._put_rejects(unsaid)
                self._reported(checkpoint.offset)
        except BaseException:
            # A process that goes on, because somebody else's command failed here, must not forget what changed.
            self._outgoing.add_rejects(unsaid)
            self.partition.take_back(checkpoint)
            raise
        self.forget_unsaid()

    def _remember(self, checkpoint: Checkpoint, refused: Read | None) -> None:
        number = self.partition.number
        self.rows.put_checkpoint(number, in_order(checkpoint))
        # Meanwhile they were made, and compressed.
        self._beside.first_done()
        self._told.put(self.rows, number)
        # What became a reject while reports were stored.
        for topic, messages in self._outgoing.messages():
            self._put(topic.named(), messages.keys, messages.bodies)
        if refused is not None:
            self._put(REJECTS_TOPIC.named(), None, bodies_of([record.value or b"" for record in refused.records]))
            self.rows.put_position(ENGINE, REFUSED, number, refused.next_offset)
        self.rows.put_position(ENGINE, TOUCHPOINTS_TOPIC, number, checkpoint.offset)
        self.rows.put_setting(UNREPORTED, str(int(self.partition.has_unreported())))

    def _put_rejects(self, tables: Sequence[pa.Table]) -> None:
        """Say what the reports never take."""
        for table in tables:
            self._put(REJECTS_TOPIC.named(), None, reject_messages(table, self.registry))

    def _refused(self) -> Read | None:
        """Rejects of files that were not said yet; None: there are none."""
        number = self.partition.number
        return read_records(self.log, REFUSED, number, self.rows.position(ENGINE, REFUSED, number))

    @property
    def rows(self) -> RowsFile:
        """What was made of the log."""
        if self._rows is None:
            raise RuntimeError("nothing of what this runner makes is to be remembered")
        return self._rows

    def forget_unsaid(self) -> None:
        """What came out until now is stored, or is to go nowhere."""
        self._outgoing.forget_messages()
        self._told.clear()
        self._unacknowledged = self._eventful = False
        self._unremembered = 0

    def _put(self, topic: str, keys: Bodies | None, bodies: Bodies) -> None:
        append_messages(self.rows, topic, self.partition.number, keys, bodies, self.now(), compress=True)

    def append_rejects(self, bodies: Bodies) -> None:
        """Append rejects of a file to the log, within a transaction that the caller has opened."""
        append_messages(self.log, REFUSED, self.partition.number, None, bodies, self.now(), compress=True)

    def reject(self, rows: pa.Table) -> None:
        """Store rejects of a file in the reports; columns ``REJECTS``."""
        store(self.sink, [Rows(REJECTS_TABLE, rows)], self._outgoing.origin)

    def settle(self) -> None:
        """Apply all that the log holds, and make it lasting."""
        self.catch_up()
        self.checkpoint()
        # Rejects of files are said some megabytes at a time.
        while self._refused() is not None:
            self.checkpoint()


def _told(rows: RowsFile | None) -> Told:
    return Told(None if rows is None else rows.path.parent)


def _only(rows: Rows) -> Iterable[Batch]:
    return (rows,)

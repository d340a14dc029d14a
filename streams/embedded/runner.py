"""The embedded shell: one partition, its log and its checkpoint in SQLite, its reports in chDB.

Emit, remember, acknowledge: reports first; then the checkpoint, the offset that it reaches and the messages that came
out, in one transaction of SQLite. A crash anywhere replays from that offset, and everything that is emitted again has
the same id.
"""

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from processors.policy.policy import Policy
from schemas.bodies import Bodies, bodies_of
from schemas.registry import Registry
from streams.announcing import transition_messages
from streams.embedded.log import Log
from streams.emission import emission
from streams.engine.batches import Fetch, read_batches
from streams.engine.outcomes import OUTCOMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PoisonedLog, Refused
from streams.messages import (
    REJECTS_TOPIC,
    TOUCHPOINTS_TOPIC,
    TRANSITIONS_TOPIC,
    message,
    record_batches,
    reject_messages,
)
from streams.profiles import profiles_table
from streams.reports.sink import Sink

EMIT_RECORDS: Final = 262_144
# What waits for the checkpoint is in memory, and what comes after it is applied again after a crash.
CHECKPOINT_RECORDS: Final = 8 * EMIT_RECORDS
PROFILES_AT_ONCE: Final = 131_072
# What a replay would have to do again, beside letting time pass.
_EVENTS: Final = tuple(name for name in OUTCOMES if name not in ("ticks", "ticks_ignored"))


class Runner:
    """Drives one partition. Not thread-safe; ``now`` gives the shell's instant in ms.

    Reports are written after ``emit_records``, and a checkpoint after ``checkpoint_records`` records at the latest.
    """

    def __init__(self, log: Log, sink: Sink, partition: Partition, registry: Registry, now: Callable[[], int]) -> None:
        self.log = log
        self.sink = sink
        self.partition = partition
        self.registry = registry
        self.now = now
        self.emit_records = EMIT_RECORDS
        self.checkpoint_records = CHECKPOINT_RECORDS
        self._applied: list[Applied] = []
        self._unemitted = 0
        self._transitions: list[tuple[Bodies, Bodies]] = []
        self._rejects: list[pa.Table] = []
        self._unacknowledged = False
        self._unremembered = 0
        self._eventful = False

    def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages to the log of touchpoints, within a transaction that the caller has opened."""
        base = self.log.end_offset(TOUCHPOINTS_TOPIC, self.partition.number)
        for batch, first, last in record_batches(keys, bodies, base, self.now()):
            self.log.append(TOUCHPOINTS_TOPIC, self.partition.number, batch, first, last)

    def append_message(self, name: str, value: dict[str, Any]) -> None:
        """Append one message, such as a Tick or a Policy, in a transaction of its own."""
        with self.log.transaction():
            self.append(None, bodies_of([message(self.registry, name, value)]))

    def tick(self, at: int) -> None:
        """Let the partition's time pass to ``at`` (ms)."""
        self.append_message("Tick", {"at": at})

    def tick_fetch(self, at: int) -> Fetch:
        """A tick as if it stood next in the log: for asking what would happen."""
        base = self.partition.next_offset
        bodies = bodies_of([message(self.registry, "Tick", {"at": at})])
        ((batch, _, _),) = record_batches(None, bodies, base, self.now())
        return read_batches(batch, base)

    def change_policy(self, policy: Policy) -> None:
        """Put another policy in force, for all that the log holds from here on."""
        self.append_message("Policy", {"text": policy.text, "hash": policy.hash})

    def process(self) -> bool:
        """Apply the next fetch of the log; False where the log has no more. Reports what has come together in time."""
        wanted = self.partition.next_offset
        data = self.log.read(TOUCHPOINTS_TOPIC, self.partition.number, wanted)
        if not data:
            return False
        try:
            applied = self.partition.apply(read_batches(data, wanted))
        except PoisonedLog:
            # Whoever reads the message is to find the rejects that it speaks of.
            self.checkpoint()
            raise
        if isinstance(applied, Refused):
            raise RuntimeError(f"the log gave offset {wanted}, the partition expects {applied.expected}")
        self._applied.append(applied)
        self._unacknowledged = True
        self._eventful = self._eventful or any(applied.counts[name] for name in _EVENTS)
        records = applied.next_offset - wanted
        self._unemitted += records
        self._unremembered += records
        if self._unremembered >= self.checkpoint_records:
            self.checkpoint(profiles=False)
        elif self._unemitted >= self.emit_records:
            self.emit()
        return True

    def catch_up(self, after: Callable[[], None] = lambda: None) -> None:
        """Apply all that the log holds; ``after`` is called after each fetch."""
        while self.process():
            after()

    def emit(self) -> None:
        """Store in the reports what has come out so far. Messages wait for the transaction of the checkpoint."""
        if not self._applied:
            return
        out = emission(self._applied, self.partition, self.registry, TOUCHPOINTS_TOPIC)
        for container in out.containers:
            self.sink.insert_touchpoints(container)
        for name, rows in out.facts():
            self.sink.insert(name, rows)
        if out.rejects is not None:
            self.sink.insert("rejects_raw", out.rejects)
            self._rejects.append(out.rejects)
        if messages := transition_messages(self._applied, self.partition, self.registry):
            self._transitions.append(messages)
        self._applied.clear()
        self._unemitted = 0

    def report_profiles(self) -> None:
        """Write the profiles that changed since they were last written."""
        while len(numbers := self.partition.take_unreported(PROFILES_AT_ONCE)) > 0:
            try:
                self.sink.insert("profiles_raw", profiles_table(self.partition, numbers))
            except BaseException:
                # A process that goes on, because somebody else's command failed here, must not forget them.
                self.partition.give_back(numbers)
                raise

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
        if not self._unacknowledged and not (profiles and self.partition.has_unreported()):
            return
        self.emit()
        if profiles:
            self.report_profiles()
        checkpoint = self.partition.checkpoint()
        try:
            with self.log.transaction():
                self._put_messages()
                self.log.put_checkpoint(self.partition.number, checkpoint.all_records())
                self.log.put_position(self.partition.number, checkpoint.offset)
        except BaseException:
            # A process that goes on, because somebody else's command failed here, must not forget what changed.
            self.partition.take_back(checkpoint)
            raise
        self._transitions.clear()
        self._rejects.clear()
        self._unacknowledged = self._eventful = False
        self._unremembered = 0

    def _put_messages(self) -> None:
        for keys, bodies in self._transitions:
            self.put(TRANSITIONS_TOPIC, keys, bodies)
        if self._rejects:
            self.put(REJECTS_TOPIC, None, reject_messages(pa.concat_tables(self._rejects), self.registry))

    def put(self, topic: str, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages to a topic of what comes out, within a transaction that the caller has opened."""
        base = self.log.end_offset(topic, self.partition.number)
        for batch, first, last in record_batches(keys, bodies, base, self.now()):
            self.log.append(topic, self.partition.number, batch, first, last)

    def reject(self, rows: pa.Table) -> None:
        """Store rejects that never came into the log, such as bad rows of a file; columns ``REJECTS``."""
        self.sink.insert("rejects_raw", rows)

    def settle(self) -> None:
        """Apply all that the log holds, and make it lasting."""
        self.catch_up()
        self.checkpoint()

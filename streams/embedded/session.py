"""A data directory, opened: lock, log, rows, reports, and the partition as its checkpoint left it."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from processors.policy.policy import Policy
from schemas.registry import FileRegistry, Registry, RegistryError, SchemaRegistry, establish
from streams.clock import now_ms
from streams.embedded.belonging import REPORTS as REPORTS
from streams.embedded.belonging import Identity, OtherLog, check_rows, claim_rows, identity_of, refuse_lost, remove_rows
from streams.embedded.database import ENGINE
from streams.embedded.edition_files import build_edition
from streams.embedded.editions import edition_in_force, finish_switch, next_edition, put_in_force
from streams.embedded.failures import ForeignFile, StorageDamaged
from streams.embedded.leftovers import SPOOLED as SPOOLED
from streams.embedded.leftovers import clear
from streams.embedded.lock import BuildLock, DirectoryLock, EditionUnderWay
from streams.embedded.log import REFUSED, Log
from streams.embedded.rebuilding import Progress as Progress
from streams.embedded.rebuilding import opened_reports, outside_of_partitions, rebuild, reported
from streams.embedded.remembering import window_of
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.engine.checkpoint import UnreadableCheckpoint, stored_in_columns
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.engine.window import WINDOW
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.policies import preset as preset
from streams.reports.chdb import ChdbSink

_PARTITION: Final = 0
# Half of what a worker holds of a partition: 98 MB less.
_HOT_ROWS: Final = 32_768
_REGISTRY: Final = "schema_registry"


class Session:
    """Everything in one data directory; a context manager. One process at a time: see ``lock.DirectoryInUse``.

    What a crash left unapplied is applied on opening, and reports that are gone, torn or older than the rows are made
    anew; ``progress(stage, done, total)`` tells of that. ``policy``: put in force if it is not already. ``now`` gives
    the shell's instant in ms. ``window``: so many event identities does a log remember that is made now; what another
    one was made with stays. Raises ``OtherLog`` where the log is not the one that the rows or the reports were made
    from.
    """

    def __init__(
        self,
        directory: Path,
        command: str,
        *,
        policy: Policy | None = None,
        registry_url: str | None = None,
        accept_rejects: bool = False,
        window: int = WINDOW,
        progress: Progress = lambda *_: None,
        now: Callable[[], int] = now_ms,
    ) -> None:
        # Commands of other processes are answered in the working directories of those.
        self.directory = directory = directory.absolute()
        self._accept_rejects = accept_rejects
        with ExitStack() as stack:
            self.lock = stack.enter_context(DirectoryLock(directory, command))
            clear(directory)
            refuse_lost(directory)
            self.log = stack.enter_context(Log(directory))
            finish_switch(directory, self.log)
            self.rows = RowsFile(directory)
            stack.callback(lambda: self.rows.close())
            self.identity = identity_of(self.log, now())
            check_rows(self.log, self.rows, self.identity)
            registry = registry_of(self.log, registry_url)
            partition = self._restore(accept_rejects, window)
            self.sink = opened_reports(
                directory,
                self.log,
                self.rows,
                self.identity,
                lambda: rebuild(directory, self.log, self.identity, registry, now, progress),
            )
            stack.callback(lambda: self.sink.close())
            claim_rows(self.rows, self.identity)
            self.runner = Runner(self.log, self.rows, self.sink, partition, registry, now, self._reported)
            self.finished = False
            """Whether all was made lasting that this session has the time for."""
            # Called between the steps of what takes long; raises what is to end it there.
            self.interrupt: Callable[[], None] = lambda: None
            self._establish(policy, progress)
            if self.runner.partition.lacking:
                self._read_again(command, progress)
            self._stack = stack.pop_all()

    def _restore(self, accept_rejects: bool, window: int) -> Partition:
        partition = Partition(
            _PARTITION,
            preset(),
            [],
            asks=True,
            accept_rejects=accept_rejects,
            hot_rows=_HOT_ROWS,
            window=window_of(self.log, window),
            log=self.identity.log,
            epoch=self.identity.epoch,
            edition=edition_in_force(self.log),
        )
        partition.restore(stored_in_columns(self.rows.checkpoint(_PARTITION)))
        partition.check_log(self.log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION))
        return partition

    def _reported(self, offset: int) -> None:
        reported(self.directory / REPORTS, self.identity, offset)

    def _establish(self, policy: Policy | None, progress: Progress) -> None:
        """Apply what a crash left, and put the policy in force; a new log begins with one."""
        runner = self.runner
        end = self.log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
        runner.catch_up(lambda: progress("applying what the log holds", runner.partition.next_offset, end))
        runner.settle()
        if runner.partition.next_offset == 0:
            runner.change_policy(policy or preset())
        elif policy is not None and policy.hash != runner.partition.policy.hash:
            runner.change_policy(policy)
        runner.settle()

    def go_on_with_edition(self, edition: Edition, *, keep: bool = False) -> None:
        """Have the edition that was built beside this one take its place, and go on with it. Raises NotBuilt.

        Whoever appends goes on meanwhile. What fails in between ends the process; the next start finishes it.
        """
        runner = self.runner
        if keep:
            runner.checkpoint()
        self.sink.close()
        self.rows.close()
        put_in_force(self.directory, self.log, edition, keep=keep)
        self.rows = RowsFile(self.directory)
        partition = self._restore(self._accept_rejects, WINDOW)
        self.sink = ChdbSink(self.directory / REPORTS)
        runner.go_on_with(self.rows, self.sink, partition)
        # What became known meanwhile that no partition sees.
        told = self.rows.position(ENGINE, REFUSED, _PARTITION)
        outside_of_partitions(self.log, self.sink, runner.registry, edition.left_out, told)
        runner.settle()

    def _read_again(self, command: str, progress: Progress) -> None:
        """Rows of an earlier layout lack what only the past can give: make them anew, as the next edition."""
        with suppress(EditionUnderWay), BuildLock(self.directory, command):
            edition = next_edition(self.log, None, ())
            self.sink.close()
            build_edition(self.directory, self.log, self.runner.registry, edition, progress, self.runner.now)
            self.go_on_with_edition(edition)

    def bring_up_to_date(self) -> None:
        """Have the reports say how things stand now."""
        self.runner.report()

    def partition_with(self, _customer: str) -> Partition:
        """The partition, which has the rows by an id among all others."""
        return self.runner.partition

    def close(self) -> None:
        """Let go of the directory; what was not made lasting is done again by the next session."""
        self.finished = True
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and not self.finished:
            self.runner.checkpoint()
        self.close()


def registry_of(log: Log, url: str | None = None) -> Registry:
    """Where the ids in this log come from: told when the log is new, and kept. Another registry means others by them.

    Raises RegistryError where another one is told later.
    """
    kept = log.setting(_REGISTRY)
    if kept is None:
        kept = url or ""
        registry: Registry = SchemaRegistry(kept) if kept else FileRegistry()
        if isinstance(registry, SchemaRegistry):
            establish(registry)
        with log.transaction():
            log.put_setting(_REGISTRY, kept)
        return registry
    if url is not None and url != kept:
        raise RegistryError(
            f"{log.path}: its schema ids come from {kept or 'the packaged schemas'}, not from {url}; choose another "
            "data directory with --data"
        )
    return SchemaRegistry(kept) if kept else FileRegistry()


def remade(directory: Path, command: str, progress: Progress, now: Callable[[], int] = now_ms) -> int:
    """Make the reports anew from the log, and the rows where they are damaged or not this log's; how many records.

    Raises what opening a ``Session`` raises, but for what this mends.
    """
    directory = directory.absolute()
    with DirectoryLock(directory, command):
        refuse_lost(directory)
        with Log(directory) as log:
            finish_switch(directory, log)
            identity = identity_of(log, now())
            if not _rows_belong(directory, log, identity):
                remove_rows(directory)
            rebuild(directory, log, identity, registry_of(log), now, progress)
            end = log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
    with Session(directory, command, progress=progress, now=now, accept_rejects=True):
        return end


def _rows_belong(directory: Path, log: Log, identity: Identity) -> bool:
    """Whether the rows are there, can be read, and were made from this log as far as it reaches now."""
    try:
        with RowsFile(directory) as rows:
            check_rows(log, rows, identity)
            # Each has a checksum, and so has what says something of all of them.
            Partition(_PARTITION, preset(), []).restore(stored_in_columns(rows.checkpoint(_PARTITION)))
    except (StorageDamaged, ForeignFile, OtherLog, UnreadableCheckpoint):
        return False
    return True

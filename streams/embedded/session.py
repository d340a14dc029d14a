"""A data directory, opened: lock, log, reports, and the partition as its checkpoint left it."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from processors.policy.policy import Policy
from schemas.registry import FileRegistry, Registry, RegistryError, SchemaRegistry, establish
from streams.clock import now_ms
from streams.embedded.lock import DirectoryLock
from streams.embedded.log import Log
from streams.embedded.runner import Runner
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.engine.window import WINDOW
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.policies import preset as preset
from streams.reports.chdb import ChdbSink

REPORTS: Final = "reports"
# Folders of imports at work, and standard inputs on their way to a process that runs.
IMPORT_FOLDERS: Final = "import-*"
SPOOLED: Final = "received-"
_PARTITION: Final = 0
_REGISTRY: Final = "schema_registry"
_WINDOW: Final = "window"


def _clear(directory: Path) -> None:
    """Delete what imports that were cut off have left; nobody else uses the directory now."""
    for folder in directory.glob(IMPORT_FOLDERS):
        shutil.rmtree(folder, ignore_errors=True)
    for file in directory.glob(SPOOLED + "*"):
        file.unlink(missing_ok=True)


class Session:
    """Everything in one data directory; a context manager. One process at a time: see ``lock.DirectoryInUse``.

    What a crash left unapplied is applied on opening. ``policy``: put in force if it is not already. ``window``: so
    many event identities does a log remember that is made now; what another one was made with stays.
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
    ) -> None:
        # Commands of other processes are answered in the working directories of those.
        self.directory = directory = directory.absolute()
        with ExitStack() as stack:
            self.lock = stack.enter_context(DirectoryLock(directory, command))
            _clear(directory)
            self.log = stack.enter_context(Log(directory))
            self.sink = ChdbSink(directory / REPORTS)
            stack.callback(self.sink.close)
            self.sink.create()
            registry = _registry(self.log, registry_url)
            self.runner = Runner(self.log, self.sink, self._restore(accept_rejects, window), registry, now_ms)
            self._establish(policy)
            self._stack = stack.pop_all()

    def _restore(self, accept_rejects: bool, window: int) -> Partition:
        partition = Partition(
            _PARTITION,
            preset(),
            [],
            asks=True,
            accept_rejects=accept_rejects,
            window=_window(self.log, window),
        )
        partition.restore(stored_in_columns(self.log.checkpoint(_PARTITION)))
        partition.check_log(self.log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION))
        return partition

    def _establish(self, policy: Policy | None) -> None:
        """Apply what a crash left, and put the policy in force; a new log begins with one."""
        runner = self.runner
        runner.settle()
        if runner.partition.next_offset == 0:
            runner.change_policy(policy or preset())
        elif policy is not None and policy.hash != runner.partition.policy.hash:
            runner.change_policy(policy)
        runner.settle()

    def close(self) -> None:
        """Make everything lasting and let go of the directory."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.runner.checkpoint()
        self.close()


def _window(log: Log, wanted: int) -> int:
    """How many event identities are remembered: told when the log is new, and kept, or a replay would find others."""
    kept = log.setting(_WINDOW)
    if kept is None:
        kept = str(wanted if log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION) == 0 else WINDOW)
        with log.transaction():
            log.put_setting(_WINDOW, kept)
    return int(kept)


def _registry(log: Log, url: str | None) -> Registry:
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

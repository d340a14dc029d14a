"""A data directory, opened: lock, log, reports, and the partition as its checkpoint left it."""

from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from processors.policy import Policy, read_policy
from schemas.plans import Plans, build_plans
from schemas.registry import FileRegistry, Registry, SchemaRegistry
from streams.clock import now_ms
from streams.embedded.lock import DirectoryLock
from streams.embedded.log import Log
from streams.embedded.runner import Runner
from streams.engine.partition import Partition
from streams.messages import TOUCHPOINTS_TOPIC
from streams.reports.chdb import ChdbSink

REPORTS: Final = "reports"
_PARTITION: Final = 0
_TENURE: Final = "tenure"


def preset(name: str = "commerce") -> Policy:
    """A policy that comes with Relasi."""
    return read_policy((files("processors") / "policies" / f"{name}.toml").read_text())


class Session:
    """Everything in one data directory; a context manager. One process at a time: see ``lock.DirectoryInUse``.

    What a crash left unapplied is applied on opening. ``policy``: put in force if it is not already.
    """

    def __init__(
        self,
        directory: Path,
        command: str,
        *,
        policy: Policy | None = None,
        registry_url: str | None = None,
        accept_rejects: bool = False,
    ) -> None:
        self.directory = directory
        with ExitStack() as stack:
            directory.mkdir(parents=True, exist_ok=True)
            self.lock = stack.enter_context(DirectoryLock(directory, command))
            self.log = stack.enter_context(Log(directory))
            self.sink = ChdbSink(directory / REPORTS)
            stack.callback(self.sink.close)
            self.sink.create()
            registry: Registry = FileRegistry() if registry_url is None else SchemaRegistry(registry_url)
            self.runner = Runner(self.log, self.sink, self._restore(registry, accept_rejects), registry, now_ms)
            self._establish(policy)
            self._stack = stack.pop_all()

    def _restore(self, registry: Registry, accept_rejects: bool) -> Partition:
        tenure = int(self.log.setting(_TENURE) or 0) + 1
        with self.log.transaction():
            self.log.put_setting(_TENURE, str(tenure))
        partition = Partition(
            _PARTITION,
            preset(),
            build_plans(registry),
            owner=str(tenure),
            resolve=lambda schema_id: _resolve(registry, schema_id),
            accept_rejects=accept_rejects,
        )
        partition.restore(self.log.checkpoint(_PARTITION))
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


def _resolve(registry: Registry, schema_id: int) -> Plans | None:
    """Plans that know ``schema_id`` too, where the registry does."""
    known = registry.ids()
    return build_plans(registry, {*known, schema_id}) if schema_id in known else None

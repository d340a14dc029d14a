"""``relasi run``: time passes by the clock; the other commands are answered over a local socket."""

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from streams.commands.parsing import WITHOUT_DATA, arguments, module_of
from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.runner import Runner
    from streams.embedded.session import Session

PROFILE_INTERVAL_MS: Final = 30_000
CHECKPOINT_INTERVAL_MS: Final = 5_000
# Where time alone has passed a checkpoint is its header, and a replay of ticks is short.
IDLE_CHECKPOINT_INTERVAL_MS: Final = 60_000
# Whoever ends this process waits 10 s. A checkpoint of so many changed rows takes about one of them, and profiles are
# written for so long; those that are not are written by the next process.
CHECKPOINT_RECORDS: Final = 262_144
LAST_PROFILES_MS: Final = 2_000


class Stopping(Exception):
    """The process was told to end while it did something for another one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--schema-registry", metavar="URL", help="take schema ids from there; only for a new data directory"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="put this policy in force first")
    parser.add_argument("--tick-seconds", type=float, default=10.0, metavar="S", help="between ticks; by default 10")
    parser.add_argument(
        "--accept-rejects", action="store_true", help="go on even where 10,000 consecutive records are rejected"
    )


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Run until SIGINT or SIGTERM; then make everything lasting."""
    from streams.embedded.socket import CommandServer

    stop = _stop_signal()
    runner = session.runner
    runner.checkpoint_records = CHECKPOINT_RECORDS
    session.interrupt = lambda: _end_if(stop)
    with CommandServer(session.directory, lambda *request: answer(session, *request)) as server:
        session.lock.announce(server.address)
        terminal.note(f"relasi: running on {session.directory} (pid {os.getpid()}); stop with Ctrl-C")
        loop = Loop(runner, round(args.tick_seconds * 1000), stop)
        while not stop():
            server.serve_once(loop.turn())
        session.lock.announce(None)
    loop.finish()
    session.finished = True
    return 0


def _end_if(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopping("the process that was asked is ending; what it has done of this is kept. Ask again")


def _stop_signal() -> Callable[[], bool]:
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)


class Loop:
    """What is due when, by the runner's clock. Instants in ms."""

    def __init__(self, runner: "Runner", tick_ms: int, stop: Callable[[], bool] = lambda: False) -> None:
        self._runner = runner
        self._stop = stop
        self._tick_ms = tick_ms
        self._next_tick = self._next_profiles = self._next_checkpoint = self._runner.now()
        self._next_idle_checkpoint = self._next_checkpoint + IDLE_CHECKPOINT_INTERVAL_MS

    def turn(self) -> float:
        """Do what is due, until told to stop; returns the seconds until the next thing is."""
        runner, now = self._runner, self._runner.now()
        if now >= self._next_tick:
            runner.tick(now)
            self._next_tick = now + self._tick_ms
        runner.catch_up(go_on=self._goes_on)
        if self._stop():
            return 0.0
        if now >= (self._next_checkpoint if runner.eventful else self._next_idle_checkpoint):
            runner.checkpoint(profiles=False)
            self._next_checkpoint = now + CHECKPOINT_INTERVAL_MS
            self._next_idle_checkpoint = now + IDLE_CHECKPOINT_INTERVAL_MS
        if now >= self._next_profiles:
            runner.report()
            self._next_profiles = now + PROFILE_INTERVAL_MS
        return min(1.0, max(0.0, (self._next_tick - runner.now()) / 1000))

    def _goes_on(self) -> bool:
        return not self._stop()

    def finish(self) -> None:
        """Make lasting what was processed. Profiles are written for as long as there is time."""
        runner = self._runner
        runner.emit()
        until = runner.now() + LAST_PROFILES_MS
        runner.report_profiles(lambda: runner.now() < until)
        runner.checkpoint(profiles=False)


def answer(
    session: "Session", argv: list[str], cwd: str, out: Callable[[bytes], None], err: Callable[[bytes], None]
) -> int:
    """Run another process's command in this one, in its working directory."""
    from streams.commands.held import explained
    from streams.embedded.failures import StorageError
    from streams.engine.results import PoisonedLog

    terminal = Terminal(
        lambda text: out(text.encode("utf-8", "replace")), lambda text: err(text.encode("utf-8", "replace")), rich=False
    )

    def there() -> int:
        os.chdir(cwd)
        return _answer(session, argv, terminal)

    here = os.open(".", os.O_RDONLY)
    try:
        # Where the log fails, memory may be ahead of it: this process ends, and the next starts from the log.
        return explained(terminal, there, fatal=(PoisonedLog, StorageError))
    except Stopping as told:
        terminal.note(f"relasi: {told}")
        return 1
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    finally:
        os.fchdir(here)
        os.close(here)


def _answer(session: "Session", argv: list[str], terminal: Terminal) -> int:
    from streams.commands.held import policy_to_apply

    args = arguments(argv)
    if args.command in WITHOUT_DATA | {"demo", "run"}:
        terminal.note(f"relasi: {args.command} is not for a running process")
        return 2
    policy = policy_to_apply(args)
    if policy is not None and policy.hash != session.runner.partition.policy.hash:
        session.runner.change_policy(policy)
        session.runner.settle()
    return int(module_of(args.command).run(args, session, terminal))

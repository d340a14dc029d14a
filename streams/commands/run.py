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
    from streams.embedded.session import Session

PROFILE_INTERVAL_MS: Final = 30_000
CHECKPOINT_INTERVAL_MS: Final = 5_000
# Each checkpoint writes a share of all customers. Where time alone has passed, a replay does without one for long.
IDLE_CHECKPOINT_INTERVAL_MS: Final = 600_000


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
    with CommandServer(session.directory, lambda *request: answer(session, *request)) as server:
        session.lock.announce(server.address)
        terminal.note(f"relasi: running on {session.directory} (pid {os.getpid()}); stop with Ctrl-C")
        loop = _Loop(session, round(args.tick_seconds * 1000))
        while not stop():
            server.serve_once(loop.turn())
        session.lock.announce(None)
    return 0


def _stop_signal() -> Callable[[], bool]:
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)


class _Loop:
    """What is due when. Instants in ms."""

    def __init__(self, session: "Session", tick_ms: int) -> None:
        self._runner = session.runner
        self._tick_ms = tick_ms
        self._next_tick = self._next_profiles = self._next_checkpoint = self._runner.now()
        self._next_idle_checkpoint = self._next_checkpoint + IDLE_CHECKPOINT_INTERVAL_MS

    def turn(self) -> float:
        """Do what is due; returns the seconds until the next thing is."""
        runner, now = self._runner, self._runner.now()
        if now >= self._next_tick:
            runner.tick(now)
            self._next_tick = now + self._tick_ms
        runner.catch_up()
        if now >= (self._next_checkpoint if runner.eventful else self._next_idle_checkpoint):
            runner.checkpoint(profiles=False)
            self._next_checkpoint = now + CHECKPOINT_INTERVAL_MS
            self._next_idle_checkpoint = now + IDLE_CHECKPOINT_INTERVAL_MS
        if now >= self._next_profiles:
            runner.report()
            self._next_profiles = now + PROFILE_INTERVAL_MS
        return min(1.0, max(0.0, (self._next_tick - runner.now()) / 1000))


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

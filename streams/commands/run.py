"""``relasi run``: time passes by the clock; the other commands are answered over a local socket."""

import argparse
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from streams.commands.parsing import WITHOUT_DATA, arguments, module_of
from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.embedded.http import HttpThread
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
    parser.add_argument(
        "--http", metavar="ADDRESS", help="take events of SDKs over HTTP there, such as 127.0.0.1:8080; see [sources]"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")
    parser.add_argument("--demo", action="store_true", help="serve a page to click on at /demo, and what became of it")
    parser.add_argument("--tick-seconds", type=float, default=10.0, metavar="S", help="between ticks; by default 10")
    parser.add_argument(
        "--accept-rejects", action="store_true", help="go on even where 10,000 consecutive records are rejected"
    )


def run(args: argparse.Namespace, session: "Session", terminal: Terminal) -> int:
    """Run until SIGINT or SIGTERM; then make everything lasting."""
    from streams.embedded.socket import CommandServer

    stop = _stop_signal()
    with ExitStack() as stack:
        server = stack.enter_context(CommandServer(session.directory, lambda *request: answer(session, *request)))
        http = _http(args, session, server.address, stack)
        session.lock.announce(server.address)
        terminal.note(f"relasi: running on {session.directory} (pid {os.getpid()}); stop with Ctrl-C")
        if http is not None:
            terminal.note(f"relasi: taking events at {http.url}{'/demo' if args.demo else ''}")
        loop = _Loop(session, round(args.tick_seconds * 1000), http is not None)
        while not stop():
            if http is not None:
                http.check()
            server.serve_once(loop.turn())
        session.lock.announce(None)
    session.runner.settle()
    loop.report_refusals()
    return 0


def before_session(args: argparse.Namespace, _terminal: Terminal) -> bool:
    """Find what is wrong with the collector's settings before anything is opened. Raises SettingsProblem."""
    args.sources = args.listener = None
    if args.http is not None:
        from streams.commands.collecting import listener_at, sources_from

        args.sources = sources_from(args.settings)
        args.listener = listener_at(args.http)
    return True


def _http(args: argparse.Namespace, session: "Session", address: str, stack: ExitStack) -> "HttpThread | None":
    """The collector, where one was asked for, taking requests."""
    if args.listener is None:
        return None
    from streams.commands.collecting import teller
    from streams.embedded.http import HttpThread

    customer = teller(address) if args.demo else None
    log, registry = session.log, session.runner.registry
    return stack.enter_context(HttpThread(session.directory, log.turn, registry, args.sources, args.listener, customer))


def _stop_signal() -> Callable[[], bool]:
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)


class _Loop:
    """What is due when. Instants in ms."""

    def __init__(self, session: "Session", tick_ms: int, collects: bool) -> None:
        from streams.embedded.refusals import Refusals

        self._runner = session.runner
        self._refusals = Refusals(session.log, session.runner) if collects else None
        self._tick_ms = tick_ms
        self._next_tick = self._next_profiles = self._next_checkpoint = self._runner.now()
        self._next_idle_checkpoint = self._next_checkpoint + IDLE_CHECKPOINT_INTERVAL_MS

    def report_refusals(self) -> None:
        """Report what the collector has refused."""
        if self._refusals is not None:
            self._refusals.report()

    def turn(self) -> float:
        """Do what is due; returns the seconds until the next thing is."""
        runner, now = self._runner, self._runner.now()
        if now >= self._next_tick:
            runner.tick(now)
            self._next_tick = now + self._tick_ms
        runner.catch_up()
        self.report_refusals()
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
    from streams.commands.held import policy_from

    args = arguments(argv)
    if args.command in WITHOUT_DATA | {"demo", "run"}:
        terminal.note(f"relasi: {args.command} is not for a running process")
        return 2
    policy = policy_from(getattr(args, "policy", None))
    if policy is not None and policy.hash != session.runner.partition.policy.hash:
        session.runner.change_policy(policy)
        session.runner.settle()
    return int(module_of(args.command).run(args, session, terminal))

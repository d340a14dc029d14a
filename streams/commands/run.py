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
    from collections.abc import Mapping

    from streams.delivery.endpoints import Endpoint
    from streams.embedded.delivering import DeliveryThread
    from streams.embedded.http import HttpThread
    from streams.embedded.refusals import Refusals
    from streams.embedded.runner import Runner
    from streams.embedded.session import Session

PROFILE_INTERVAL_MS: Final = 30_000
CHECKPOINT_INTERVAL_MS: Final = 5_000
# Where time alone has passed a checkpoint is its header, and a replay of ticks is short.
IDLE_CHECKPOINT_INTERVAL_MS: Final = 60_000
# Whoever ends this process waits 10 s. What is under way then has to be done: so many records are a second or two. As
# many are still applied at the end, and so many profiles written; more is left to the next process, which finds it in
# the log and the rows.
RUN_EMIT_RECORDS: Final = 131_072
RUN_CHECKPOINT_RECORDS: Final = 2 * RUN_EMIT_RECORDS
LAST_PROFILES: Final = 20_000


class Stopping(Exception):
    """The process was told to end while it did something for another one."""


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
    runner = session.runner
    runner.emit_records, runner.checkpoint_records = RUN_EMIT_RECORDS, RUN_CHECKPOINT_RECORDS
    session.interrupt = lambda: _end_if(stop)
    with ExitStack() as stack:
        server = stack.enter_context(CommandServer(session.directory, lambda *request: answer(session, *request)))
        http = _http(args, session, server.address, stack)
        delivery = _delivery(args, session, stack, terminal)
        session.lock.announce(server.address)
        terminal.note(f"relasi: running on {session.directory} (pid {os.getpid()}); stop with Ctrl-C")
        if http is not None:
            terminal.note(f"relasi: taking events at {http.url}{'/demo' if args.demo else ''}")
        if delivery is not None:
            terminal.note(f"relasi: delivering triggers to {', '.join(sorted(args.endpoints))}")
        refusals = None if http is None else _refusals(session)
        loop = Loop(runner, round(args.tick_seconds * 1000), stop, refusals, delivery)
        while not stop():
            for thread in (http, delivery):
                if thread is not None:
                    thread.check()
            server.serve_once(loop.turn())
        session.lock.announce(None)
    loop.finish()
    session.finished = True
    return 0


def _end_if(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopping("the process that was asked is ending; what it has done of this is kept. Ask again")


def before_session(args: argparse.Namespace, _terminal: Terminal) -> bool:
    """Find what is wrong with the collector's settings before anything is opened. Raises SettingsProblem."""
    args.endpoints = _endpoints(args.settings)
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
    sources = args.sources.in_currency(session.runner.partition.policy.currency)
    return stack.enter_context(HttpThread(session.directory, log.turn, registry, sources, args.listener, customer))


def _endpoints(settings: Path | None) -> "Mapping[str, Endpoint]":
    """Where triggers go. Raises SettingsProblem."""
    from streams.commands.held import SettingsProblem
    from streams.delivery.endpoints import BadEndpoint, endpoints_of
    from streams.settings import FILE, SettingsError, document

    try:
        return endpoints_of(document(settings), str(settings or FILE))
    except (BadEndpoint, SettingsError) as error:
        raise SettingsProblem(f"relasi: {error}") from error


def _delivery(
    args: argparse.Namespace, session: "Session", stack: ExitStack, terminal: Terminal
) -> "DeliveryThread | None":
    """Delivery of triggers, where the settings have endpoints."""
    if not args.endpoints:
        return None
    from streams.embedded.delivering import DeliveryThread

    def unreadable(_partition: int, offset: int, why: str) -> None:
        terminal.note(f"relasi: trigger {offset} can't be read, and is not delivered: {why}")

    registry = session.runner.registry
    return stack.enter_context(DeliveryThread(session.directory, args.endpoints, registry, unreadable=unreadable))


def _refusals(session: "Session") -> "Refusals":
    from streams.embedded.refusals import Refusals

    return Refusals(session.log, session.runner)


def _stop_signal() -> Callable[[], bool]:
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)


class Loop:
    """What is due when, by the runner's clock. Instants in ms."""

    def __init__(
        self,
        runner: "Runner",
        tick_ms: int,
        stop: Callable[[], bool] = lambda: False,
        refusals: "Refusals | None" = None,
        delivery: "DeliveryThread | None" = None,
    ) -> None:
        self._runner = runner
        self._stop = stop
        self._refusals = refusals
        self._delivery = delivery
        self._tick_ms = tick_ms
        self._next_tick = self._next_profiles = self._next_checkpoint = self._runner.now()
        self._next_idle_checkpoint = self._next_checkpoint + IDLE_CHECKPOINT_INTERVAL_MS

    def _report_refusals(self) -> None:
        """Report what the collector has refused."""
        if self._refusals is not None:
            self._refusals.report()

    def turn(self) -> float:
        """Do what is due, until told to stop; returns the seconds until the next thing is."""
        runner, now = self._runner, self._runner.now()
        if now >= self._next_tick:
            runner.tick(now)
            self._next_tick = now + self._tick_ms
        runner.catch_up(go_on=self._goes_on)
        if self._stop():
            return 0.0
        self._report_refusals()
        due = self._next_checkpoint if runner.eventful else self._next_idle_checkpoint
        # A trigger is waited for: it is said at once, and so with the checkpoint that it goes with.
        if now >= due or (self._delivery is not None and runner.says_triggers):
            runner.checkpoint(profiles=False)
            self._next_checkpoint = now + CHECKPOINT_INTERVAL_MS
            self._next_idle_checkpoint = now + IDLE_CHECKPOINT_INTERVAL_MS
        if now >= self._next_profiles:
            runner.report()
            self._report_deliveries()
            self._next_profiles = now + PROFILE_INTERVAL_MS
        return min(1.0, max(0.0, (self._next_tick - runner.now()) / 1000))

    def _report_deliveries(self) -> None:
        if self._delivery is not None:
            self._delivery.report(self._runner.sink)

    def _goes_on(self) -> bool:
        return not self._stop()

    def finish(self) -> None:
        """Make lasting what came in; what is too much for the time that is left goes on with the next process."""
        partition = self._runner.partition
        until = partition.next_offset + RUN_EMIT_RECORDS
        self._runner.catch_up(go_on=lambda: partition.next_offset < until)
        self._report_refusals()
        self._report_deliveries()
        self._runner.checkpoint(profiles=partition.unreported <= LAST_PROFILES)


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
    if args.command == "rebuild" and (args.begin or args.switch):
        return int(module_of(args.command).answer(args, session))
    if args.command in WITHOUT_DATA | {"demo", "run"}:
        terminal.note(f"relasi: {args.command} is not for a running process")
        return 2
    policy = policy_to_apply(args)
    if policy is not None and policy.hash != session.runner.partition.policy.hash:
        session.runner.change_policy(policy)
        session.runner.settle()
    return int(module_of(args.command).run(args, session, terminal))

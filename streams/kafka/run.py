"""The process of a worker: start, run until told to stop or until something fails, and stop within ten seconds."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple, NoReturn

import structlog
import uvloop

from schemas.registry import FileRegistry, Registry, SchemaRegistry
from streams.clock import Clock
from streams.engine.edition import FIRST
from streams.kafka.app import consumer_of, new_app
from streams.kafka.editions import Editions, read_editions, settings_of
from streams.kafka.fences import Fences
from streams.kafka.identity import Asking
from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.readiness import Readiness
from streams.kafka.release import PARTS
from streams.kafka.reporting import Reporting
from streams.kafka.retry import Backoff
from streams.kafka.rounds import every
from streams.kafka.topics import BrokerUnreachable, check, topics_of
from streams.kafka.warming import warm
from streams.kafka.worker import Worker
from streams.logs import configure
from streams.metrics import Metrics, serve
from streams.reports.clickhouse import ClickHouseSink
from streams.settings import CLOCK, Settings

PUBLISH_SECONDS: Final = 0.025
"""For so long transitions and rejects are gathered before they go to their topics."""
LOOK_SECONDS: Final = 2.0
_PAGES_SECONDS: Final = 0.5
CHECKPOINT_WITHIN: float = 6.0
LEAVE_WITHIN: float = 2.5
END_WITHIN: Final = 9.5
"""From being told to stop, whatever hangs. A supervisor that allows ten seconds would kill it."""

log = structlog.get_logger()


class _Prepared(NamedTuple):
    """The id of the topic of touchpoints, the edition, and how all of them are defined."""

    topic_id: str
    edition: int
    editions: Editions


def end_at_once(error: BaseException) -> NoReturn:
    """End the process, with nothing acknowledged that is not remembered; the supervisor starts it again."""
    log.critical("stopped", why=f"{type(error).__name__}: {error}", exc_info=error)
    # Whatever else runs in this process must not go on, and must not commit on its way out.
    end(1)


def end(code: int) -> NoReturn:
    """End the process, whatever still hangs in it."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def _too_late() -> None:
    log.critical("stopped", why="it could not stop in time; what was not checkpointed will be processed again")
    end(1)


def run_worker(settings: Settings, *, accept_rejects: bool = False, edition: int | None = None) -> int:
    """Run a worker of an edition, None: of that in force, until SIGTERM or SIGINT.

    Raises TopicsDiffer and NoSuchEdition.
    """
    configure(settings.log_format)
    warm()
    # A thread that wants Python's lock waits this long before it asks for it, and a touchpoint passes through a dozen
    # threads on its way. At 5 ms, as it comes, the slowest hundredth of transitions took a third longer (measured).
    sys.setswitchinterval(0.001)
    # What is there by now stays. A full collection would look at all of it, and everything else would wait meanwhile.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_main(settings, accept_rejects, edition))


async def _main(settings: Settings, accept_rejects: bool, edition: int | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    registry: Registry = SchemaRegistry(settings.registry) if settings.registry else FileRegistry()
    sink: ClickHouseSink | None = ClickHouseSink(settings.clickhouse) if settings.clickhouse else None
    metrics = Metrics()
    clock = Clock()
    reporting = Reporting(sink, metrics, clock)
    learning = Learning(registry, clock)
    ready = Readiness(settings, reporting, learning)
    site, port = await serve(settings.web_host, settings.web_port, metrics, ready.refresh, ready.not_ready)
    log.info("worker started", group=settings.group, web_port=port, ticks=settings.ticks)
    looking = asyncio.create_task(every(LOOK_SECONDS, reporting.look, stop.is_set, clock))
    prepared = await _unless(stop, _prepare(settings, edition, sink, reporting, learning, ready, clock))
    if prepared is None:
        # Threads may hang in what was prepared.
        end(0)
    topic_id, number, editions = prepared
    settings = settings_of(settings, number)
    client = f"relasi-worker-{os.getpid()}"
    async with Producer(settings, client, clock) as producer, Fences(settings, clock) as fences:
        worker = Worker(
            settings,
            registry,
            learning,
            producer,
            fences,
            reporting,
            metrics,
            end_at_once,
            app=new_app(settings, topics_of(settings)),
            clock=clock,
            topic_id=topic_id,
            ask_topic_id=Asking(settings, clock).ask,
            accept_rejects=accept_rejects,
            edition_of=lambda partition: editions.of(number, partition),
        )
        ready.worker = worker
        await _work(worker, stop, lambda: ready.look_for_broker(producer), clock)
        looking.cancel()
        code = await _leave(worker, ready)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAGES_SECONDS):
                await site.cleanup()
        # Producers, threads of Faust's consumer, an insert that hangs: nothing is left for them to do.
        end(code)


async def _unless(stop: asyncio.Event, work: Awaitable[_Prepared]) -> _Prepared | None:
    """What came of the work; None where the process was told to stop before."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    return None


async def _prepare(
    settings: Settings,
    edition: int | None,
    sink: ClickHouseSink | None,
    reporting: Reporting,
    learning: Learning,
    ready: Readiness,
    clock: Clock,
) -> _Prepared:
    """Wait for the broker, the schema registry and ClickHouse.

    Raises TopicsDiffer, NoSuchEdition, and ReportsError for a URL with a mistake.
    """
    backoff = Backoff(clock)
    while True:
        try:
            topic_id, number, editions = await asyncio.to_thread(_checked, settings, edition)
        except BrokerUnreachable as error:
            ready.broker_unreachable(str(error))
            await backoff.wait()
        else:
            break
    ready.broker_reachable()
    log.info("edition", edition=number, in_force=editions.in_force)
    if sink is not None:
        sink.report_edition(number)
    await learning.establish()
    await reporting.create()
    if sink is not None and number == editions.in_force != FIRST.number:
        # On a server that is new nobody has said so yet.
        left_out = editions.of(number, 0).left_out
        await reporting.ask(lambda _: sink.put_in_force(number, left_out, clock.now_ms()))
    await reporting.begin(topic_id)
    return _Prepared(topic_id, number, editions)


def _checked(settings: Settings, edition: int | None) -> "_Prepared":
    """Look whether the topics are as declared. Raises TopicsDiffer, NoSuchEdition, BrokerUnreachable."""
    topic_id = check(settings)
    editions = read_editions(settings)
    number = editions.in_force if edition is None else edition
    editions.definition(number)
    if number != editions.in_force or number != FIRST.number:
        check(settings_of(settings, number))
    return _Prepared(topic_id, number, editions)


async def _work(worker: Worker, stop: asyncio.Event, look: Callable[[], Awaitable[None]], clock: Clock) -> None:
    settings = worker.settings
    started = asyncio.create_task(worker.app.start(), name="faust")

    def stopping() -> bool:
        return worker.stopping

    tasks = [
        _guarded(started),
        every(PUBLISH_SECONDS, worker.publish_due, stopping, clock),
        every(settings.checkpoint_seconds / PARTS, worker.checkpoint_due, stopping, clock),
        every(LOOK_SECONDS, look, stopping, clock),
    ]
    if settings.ticks == CLOCK:
        tasks.append(every(settings.tick_seconds, worker.tick_all, stopping, clock))
    background = [asyncio.create_task(_watched(task, worker.explain)) for task in [*tasks, _crash(worker)]]
    await stop.wait()
    # In a thread of its own: also where the loop hangs.
    limit = threading.Timer(END_WITHIN, _too_late)
    limit.daemon = True
    limit.start()
    worker.stop()
    for task in background:
        task.cancel()


async def _guarded(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)


async def _watched(work: Awaitable[None], explain: Callable[[Exception], Awaitable[Exception]]) -> None:
    try:
        await work
    except Exception as error:
        end_at_once(await explain(error))


async def _crash(worker: Worker) -> None:
    """Raises what Faust, in one of its services, could not go on after."""
    app = worker.app
    while True:
        await asyncio.sleep(0.2)
        if app.crashed:
            raise app.crash_reason or RuntimeError("Faust crashed")


async def _leave(worker: Worker, ready: Readiness) -> int:
    """Checkpoint, commit, leave the group. What could not be checkpointed in time will be processed again."""
    code = 1
    try:
        async with asyncio.timeout(CHECKPOINT_WITHIN):
            await worker.checkpoint_all()
            code = 0
            # Their time is what is left of it: what is not reported by then, whoever comes next reports.
            await worker.report_all()
    except TimeoutError:
        if code:
            why = ready.dependency() or "it took too long"
            log.warning("stopped before everything was checkpointed; it will be processed again", why=why)
    except Exception as error:
        end_at_once(error)
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(LEAVE_WITHIN):
            await consumer_of(worker.app).commit()
            await worker.app.stop()
    log.info("worker stopped")
    return code

"""The Faust app: membership, assignment, the table of checkpoints and its recovery, and one agent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import faust
from faust.types import EventT
from mode.utils.queues import ThrowableQueue
from yarl import URL

from streams.kafka.fences import Fences
from streams.kafka.fetch import install
from streams.kafka.store import Begin, CheckpointStore, CheckpointTable, CurrentEvents
from streams.kafka.topics import TABLE, Topics
from streams.kafka.transport import Consumer, Transport
from streams.settings import Settings

_BUFFERED_FETCHES: Final = 4
_REQUEST_SECONDS: Final = 60.0
COMMIT_SECONDS: Final = 0.25
"""Between a checkpoint and the commit of its offset at most. Nothing is sent where nothing was confirmed."""

Take = Callable[[EventT[Any]], Awaitable[None]]
Fail = Callable[[BaseException], None]


class App(faust.App):
    """Faust's app, whose queues keep what is in them."""

    def FlowControlQueue(  # noqa: N802 - Faust's name
        self,
        maxsize: int | None = None,
        *,
        clear_on_resume: bool = False,  # noqa: ARG002
    ) -> ThrowableQueue[Any]:
        """A queue that is not cleared when Faust lets the flow go on.

        Faust does so at the end of every recovery, after it has sought: what was fetched from there meanwhile was lost,
        and the partition stayed unread until something came behind it. What is of an older generation is told by that.
        """
        return super().FlowControlQueue(maxsize, clear_on_resume=False)


def new_app(settings: Settings, topics: Topics) -> faust.App:
    """An app that creates no topics, keeps nothing on disk, and serves no pages. Raises WrongVersion."""
    install(topics.touchpoints, topics.changelog)
    (settings.data / "faust").mkdir(parents=True, exist_ok=True)
    broker = [URL(part) for part in settings.broker.split(";")]
    app = App(
        settings.group,
        broker=broker,
        datadir=str(settings.data / "faust"),
        web_enabled=False,
        autodiscover=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=_BUFFERED_FETCHES,
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 4,
        broker_rebalance_timeout=max(settings.session_seconds, 30.0),
        broker_request_timeout=max(_REQUEST_SECONDS, settings.session_seconds),
        broker_max_poll_interval=600.0,
        consumer_max_fetch_size=settings.fetch_bytes,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=settings.standby,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        worker_redirect_stdouts=False,
    )
    app.transport = Transport(broker, app)
    return app


def add_table(app: faust.App, topics: Topics, fences: Fences, begin: Begin, fail: Fail) -> CheckpointTable:
    """The table of checkpoints; Faust derives its changelog's name from the group and the table."""

    def make_store(*args: Any, **kw: Any) -> CheckpointStore:
        return CheckpointStore(*args, source=topics.touchpoints, fences=fences, begin=begin, fail=fail, **kw)

    table = CheckpointTable(
        app,
        name=TABLE,
        key_type=bytes,
        value_type=bytes,
        partitions=app.conf.topic_partitions,
        # Of fetches, which are megabytes. A buffer of one is a special case of Faust's, which reads on after recovery.
        recovery_buffer_size=2,
        standby_buffer_size=2,
        make_store=make_store,
    )
    app.tables.add(table)
    tables: Any = app.tables
    tables._changelog_queue = CurrentEvents(app, _BUFFERED_FETCHES)
    assert table.changelog_topic.get_topic_name() == topics.changelog
    return table


def add_agent(app: faust.App, topics: Topics, take: Take, fail: Fail) -> None:
    """The one agent. Faust acknowledges an event that an exception leaves; so none does, and nothing is left to it."""
    topic = app.topic(topics.touchpoints, key_serializer="raw", value_serializer="raw")

    async def touchpoints(stream: Any) -> None:
        events: AsyncIterator[EventT[Any]] = stream.noack().events()
        async for event in events:
            try:
                await take(event)
            except Exception as error:
                fail(error)
                raise

    app.agent(topic, name="touchpoints", concurrency=1)(touchpoints)


def consumer_of(app: faust.App) -> Consumer:
    """The app's consumer, which is ours."""
    consumer = app.consumer
    assert isinstance(consumer, Consumer)
    return consumer

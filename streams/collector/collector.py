"""Requests to answers: what is durable before the answer, and what is refused. No socket is known here."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import pyarrow as pa

from schemas.bodies import Bodies
from schemas.registry import Registry
from streams.clock import Clock
from streams.collector import answers
from streams.collector.answers import Answer
from streams.collector.bodies import text_of
from streams.collector.counting import Counts
from streams.collector.events import Arrival
from streams.collector.hot import HotPath, guessed_key, together
from streams.collector.keys import check_origin, key_in_head, source_of
from streams.collector.limits import RETRY_SECONDS, Rates, Waiting
from streams.collector.pages import page_of, pixel_text
from streams.collector.problems import EventReject, RequestRefused
from streams.collector.protocol import ACCEPTED, messages_of, take
from streams.collector.refusals import reject_rows
from streams.collector.requests import Batch, batch, single
from streams.collector.routes import Action, Route, route_of
from streams.collector.sources import Source, Sources
from streams.log.writer import MessageTooLarge, NotWritten, Writer

ANSWER_SECONDS: Final = 4.0
"""SDKs give up after five to ten."""
TROUBLE_SECONDS: Final = 10.0
"""After a failure of the log, so long we are not ready: then a request may try it."""

Refuse = Callable[[pa.Table], Awaitable[None]]


class Request(NamedTuple):
    """``headers``: names in small letters. ``address``: of the client, empty where nobody knows it. ``scheme``: as the
    client sees it, http or https."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    address: str
    scheme: str = "http"


class Read(NamedTuple):
    """A request that was read: its messages with their keys, what was refused, and how many events became of what."""

    source: Source
    messages: tuple[Bodies | None, Bodies]
    rejects: list[EventReject]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Outlets:
    """Where events go. ``refuse``: takes rows of the table of rejects, and returns when they are durable."""

    writer: Writer
    refuse: Refuse
    registry: Registry


class Collector:
    """Answers requests; belongs to one event loop.

    ``customer``: tells in words how the customer of an id stands, for the demo; None: there is no demo.
    """

    def __init__(
        self,
        sources: Sources,
        outlets: Outlets,
        clock: Clock,
        waiting: Waiting | None = None,
        customer: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self.sources: Final = sources
        self.customer: Final = customer
        self.counts: Final = Counts()
        self.waiting: Final = waiting or Waiting()
        self._outlets: Final = outlets
        self._clock: Final = clock
        self._rates: Final = Rates()
        self._hot: Final = HotPath(outlets.registry)
        self._under_way: Final[set[asyncio.Task[None]]] = set()
        self._overdue: Final[set[asyncio.Task[None]]] = set()
        self._trouble = ""
        self._trouble_at = 0.0

    @property
    def failing(self) -> str:
        """Why the log takes nothing; empty where it does, or where it is time to try again.

        Whoever is told that we are not ready sends nothing, and then nothing would ever show that the log is back.
        """
        lately = self._clock.monotonic() - self._trouble_at < TROUBLE_SECONDS
        return self._trouble if lately or self._overdue else ""

    def _fails(self, why: str) -> None:
        self._trouble, self._trouble_at = why, self._clock.monotonic()

    async def answer(self, request: Request, body: bytes) -> Answer:
        """The answer to a request. What it says of success is durable."""
        try:
            answer = await self._answer(request, body)
            code = "ok"
        except RequestRefused as problem:
            answer, code = answers.refused(problem), problem.code
        self.counts.requests.labels(str(answer.status), code).inc()
        return answer

    async def _answer(self, request: Request, body: bytes) -> Answer:
        route = checked_route(request)
        if route.action is Action.SWALLOW:
            return Answer(200, answers.SUCCESS)
        if route.action in (Action.EVENT, Action.BATCH):
            return await self._events(request, route, text_of(body, request.headers.get("content-encoding", "")))
        if route.action is Action.PIXEL:
            answer = await self._events(request, route, pixel_text(request.query))
            return answer._replace(body=answers.PIXEL, kind="image/gif") if answer.status == 200 else answer
        if route.action is Action.CUSTOMER and self.customer is not None:
            text = await self.customer(parse_qs(request.query, max_num_fields=10).get("id", [""])[0])
            return Answer(200, text.encode(), "text/plain; charset=utf-8", (("Cache-Control", "no-store"),))
        return page_of(route, request, self)

    async def _events(self, request: Request, route: Route, text: bytes) -> Answer:
        now = self._clock.now_ms()
        read = self._read_fast(request, route, text, now) or self._read(request, route, text, now)
        rejects = reject_rows(read.rejects, read.source.name, now)
        self.waiting.take(len(text))
        await self._within_time(asyncio.create_task(self._store(read.messages, rejects, len(text))))
        self.counts.count(read.source.name, read.counts)
        return answers.taken(read.rejects, batch=route.action is Action.BATCH)

    def _read(self, request: Request, route: Route, text: bytes, now: int) -> Read:
        """The slow way, which says what everything means. Raises RequestRefused."""
        events = batch(text) if route.action is Action.BATCH else single(text)
        source = source_of(self.sources, key_in_head(request.headers, request.query, route.key), events.envelope)
        self._admit(request, source, len(events.events))
        taken = take(events, route.told, arrival_of(request, source, now))
        self._hot.learn(events.events, source)
        return Read(source, messages_of(taken, self._outlets.registry), taken.rejects, taken.counts)

    def _read_fast(self, request: Request, route: Route, text: bytes, now: int) -> Read | None:
        """The fast way; None: all of it goes the slow way. Raises RequestRefused."""
        told = key_in_head(request.headers, request.query, route.key)
        key = told or guessed_key(text)
        source = self.sources.of_key(key) if key else None
        if source is None:
            return None
        arrival = arrival_of(request, source, now)
        fast = self._hot.translate(text, route.told, arrival, several=route.action is Action.BATCH)
        if fast is None or (told is None and fast.write_key.decode() != key):
            return None
        self._admit(request, source, fast.events)
        if not fast.declined:
            return Read(source, (fast.keys, fast.bodies), [], {ACCEPTED: fast.events})
        envelope = {} if fast.sent_at is None else {"sentAt": fast.sent_at.decode()}
        rest = list(fast.declined.values())
        taken = take(Batch(envelope, rest), route.told, arrival, list(fast.declined))
        self._hot.learn(rest, source)
        taken.counts[ACCEPTED] += len(fast.taken)
        messages = together(fast, messages_of(taken, self._outlets.registry), taken.numbers)
        return Read(source, messages, taken.rejects, taken.counts)

    def _admit(self, request: Request, source: Source, events: int) -> None:
        check_origin(source, request.headers.get("origin"))
        self._rates.spend(source, request.address, events, self._clock.monotonic())

    async def _store(self, messages: tuple[Bodies | None, Bodies], rejects: pa.Table | None, size: int) -> None:
        began = self._clock.monotonic()
        try:
            keys, bodies = messages
            if len(bodies.offsets) > 1:
                await self._outlets.writer.append(keys, bodies)
            if rejects is not None:
                await self._outlets.refuse(rejects)
            self.counts.seconds.observe(self._clock.monotonic() - began)
        finally:
            self.waiting.give_back(size)
            self.counts.waiting.set(self.waiting.bytes)

    async def _within_time(self, task: "asyncio.Task[None]") -> None:
        """Wait for a write. One that takes too long goes on, and its bytes stay counted until it ends.

        To give it up would free no memory while the log is away, only hide that it is used. What comes again after it
        was written all the same is a duplicate. Raises RequestRefused (503).
        """
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # asyncio.wait would cost as much as all else of a small request.
        loop = asyncio.get_running_loop()
        written: asyncio.Future[bool] = loop.create_future()
        task.add_done_callback(lambda _: _settle(written, in_time=True))
        timer = loop.call_later(ANSWER_SECONDS, lambda: _settle(written, in_time=False))
        try:
            in_time = await written
        finally:
            timer.cancel()
        if not in_time:
            self._overdue.add(task)
            self._fails("the log has not answered in time")
            raise RequestRefused(503, "log_slow", "the log does not answer; send it again", RETRY_SECONDS)
        try:
            task.result()
        except MessageTooLarge as error:
            raise RequestRefused(413, "message_too_large", str(error)) from error
        except NotWritten as error:
            self._fails(str(error))
            raise RequestRefused(503, "log_unavailable", "the log takes nothing now; send it again", 2) from error
        self._trouble = ""

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._overdue.discard(task)
        # Whoever waited may have gone; then nobody asks how it ended, and asyncio would complain.
        if not task.cancelled() and task.exception() is None:
            self._trouble = ""

    async def drained(self) -> None:
        """Return when nothing is on its way into the log any more."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))


def _settle(written: "asyncio.Future[bool]", *, in_time: bool) -> None:
    if not written.done():
        written.set_result(in_time)


def arrival_of(request: Request, source: Source, now: int) -> Arrival:
    """A request as its events need to know it."""
    return Arrival(source, now, request.address, request.headers.get("user-agent", ""))


def checked_route(request: Request) -> Route:
    """The route of a request. Raises RequestRefused (404, 405)."""
    route = route_of(request.path)
    if route is None:
        raise RequestRefused(404, "not_found", f"there is nothing at {request.path[:200]}; see /v1/openapi.json")
    if request.method not in route.methods:
        problem = f"{request.path[:200]} takes {route.methods[0]}"
        raise RequestRefused(405, "wrong_method", problem, allow=route.methods)
    return route

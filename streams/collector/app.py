"""The collector as a raw ASGI application: what comes in pieces, within limits of size and time, and CORS."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from streams.collector import answers
from streams.collector.answers import Answer
from streams.collector.bodies import MOST_BYTES, too_large
from streams.collector.collector import Collector, Request
from streams.collector.limits import READING_BYTES, Waiting
from streams.collector.problems import RequestRefused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS: Final = 15.0
"""For a whole body. A browser on a slow line sends 64 KB in less; who takes longer holds up nobody else."""
LINGER_BYTES: Final = 64 << 20
"""Of a body that is refused before its end: so many are read and thrown away. A client that sends, and reads the answer
only then, sees a broken connection otherwise, and sends the same again for ever."""
MAX_AGE: Final = "86400"
_ALLOWED: Final = b"authorization, content-type, content-encoding, x-write-key, x-retry-count, anonymousid, sentat"
_CORS: Final = ((b"access-control-expose-headers", b"Retry-After"), (b"vary", b"Origin"))


class ClientGone(Exception):
    """The client has closed the connection before its request was complete."""


class App:
    """``await app(scope, receive, send)``. ``draining``: answers end their connections, and clients open new ones."""

    def __init__(
        self, collector: Collector, body_seconds: float = BODY_SECONDS, reading_bytes: int = READING_BYTES
    ) -> None:
        self.collector: Final = collector
        self._body_seconds: Final = body_seconds
        self._reading: Final = Waiting(reading_bytes)
        self.draining = False
        self.under_way = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self.under_way += 1
        try:
            await self._serve(scope, receive, send)
        except ClientGone:
            return
        finally:
            self.under_way -= 1

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        request = request_of(scope)
        if request.method == "OPTIONS":
            await _give(send, request, Answer(204, b""), _preflight(request, self.collector), close=self.draining)
            return
        shared = _shared(request, self.collector)
        try:
            body = await read_body(request, receive, self._body_seconds, self._reading)
        except RequestRefused as problem:
            answer = answers.refused(problem)
            self.collector.counts.requests.labels(str(answer.status), problem.code).inc()
            await _give(send, request, answer, shared, close=True, rest=partial(self._rest, request, receive, problem))
            return
        try:
            answer = await self.collector.answer(request, body)
        except Exception:
            # A mistake of ours. It is told like any other error, and then goes on to the server, which reports it.
            await _give(send, request, answers.failed(), shared, close=True)
            raise
        await _give(send, request, answer, shared, close=self.draining)

    async def _rest(self, request: Request, receive: Receive, problem: RequestRefused) -> None:
        """Read and throw away what still comes of a body that was refused, within limits.

        Nothing is to come where the client waits to be told to send it (Expect), or has not sent it in time.
        """
        if "expect" in request.headers or problem.status == 408:
            return
        left = LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(self._body_seconds):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body"):
                        return


def request_of(scope: Mapping[str, Any]) -> Request:
    """The request of an ASGI scope. Of a header that comes twice the last one counts."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(
        scope["method"], scope["path"], query, headers, client[0] if client else "", scope.get("scheme", "http")
    )


async def read_body(request: Request, receive: Receive, seconds: float, reading: Waiting) -> bytes:
    """The whole body. Raises RequestRefused (400, 408, 413, 503) and ClientGone."""
    told = request.headers.get("content-length", "0")
    if not (told.isascii() and told.isdigit()):
        raise RequestRefused(400, "bad_length", "Content-Length is no number")
    if int(told[:20]) > MOST_BYTES:
        raise too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _pieces(receive, reading)
    except TimeoutError as error:
        problem = f"the body did not come within {seconds:g} seconds"
        raise RequestRefused(408, "too_slow", problem, 1) from error


async def _pieces(receive: Receive, reading: Waiting) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        if message["type"] == "http.disconnect":
            raise ClientGone
        return bytes(message.get("body", b""))
    body = bytearray()
    try:
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            if len(body) + len(piece) > MOST_BYTES:
                raise too_large()
            reading.take(len(piece))
            body += piece
            if not message.get("more_body"):
                return bytes(body)
            message = await receive()
    finally:
        reading.give_back(len(body))


def _shared(request: Request, collector: Collector) -> tuple[tuple[bytes, bytes], ...]:
    """What lets a page read the answer. Errors too: a page that can't read 429 sends again at once."""
    origin = request.headers.get("origin")
    if not origin or not collector.sources.allow(origin):
        return ()
    return (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        *_CORS,
    )


def _preflight(request: Request, collector: Collector) -> tuple[tuple[bytes, bytes], ...]:
    """What a page may send: whatever headers it asks for. None of them means anything to whoever has no key."""
    shared = _shared(request, collector)
    if not shared:
        return ()
    asked = request.headers.get("access-control-request-headers", "").encode("latin-1")
    return (
        *shared,
        (b"access-control-allow-headers", asked or _ALLOWED),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-max-age", MAX_AGE.encode()),
    )


async def _give(
    send: Send,
    request: Request,
    answer: Answer,
    more: tuple[tuple[bytes, bytes], ...],
    *,
    close: bool,
    rest: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Send an answer; ``rest``: what is done between its last byte and the end of its connection."""
    headers = [
        (b"content-type", answer.kind.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers),
        *more,
    ]
    if answer.status == 204:
        headers = headers[2:]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if request.method == "HEAD" else answer.body
    if rest is None:
        await send({"type": "http.response.body", "body": body})
        return
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await rest()
    await send({"type": "http.response.body", "body": b""})

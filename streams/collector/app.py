"""The collector as a raw ASGI application: what comes in pieces, within limits of size and time, and CORS."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from streams.collector import answers
from streams.collector.answers import Answer
from streams.collector.bodies import MOST_BYTES, too_large
from streams.collector.collector import Collector, Request
from streams.collector.problems import RequestRefused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS: Final = 15.0
"""For a whole body. A browser on a slow line sends 64 KB in less; who takes longer holds up nobody else."""
MAX_AGE: Final = "86400"
_ALLOWED: Final = b"authorization, content-type, content-encoding, x-write-key, x-retry-count, anonymousid, sentat"
_CORS: Final = ((b"access-control-expose-headers", b"Retry-After"), (b"vary", b"Origin"))


class ClientGone(Exception):
    """The client has closed the connection before its request was complete."""


class App:
    """``await app(scope, receive, send)``. ``draining``: answers end their connections, and clients open new ones."""

    def __init__(self, collector: Collector, body_seconds: float = BODY_SECONDS) -> None:
        self.collector: Final = collector
        self._body_seconds: Final = body_seconds
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
        whole = True
        try:
            body = await read_body(request, receive, self._body_seconds)
        except RequestRefused as problem:
            # The rest of the body is not waited for.
            whole, answer = False, answers.refused(problem)
            self.collector.counts.requests.labels(str(answer.status), problem.code).inc()
        else:
            answer = await self.collector.answer(request, body)
        close = self.draining or not whole
        await _give(send, request, answer, _shared(request, self.collector), close=close)


def request_of(scope: Mapping[str, Any]) -> Request:
    """The request of an ASGI scope. Of a header that comes twice the last one counts."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(
        scope["method"], scope["path"], query, headers, client[0] if client else "", scope.get("scheme", "http")
    )


async def read_body(request: Request, receive: Receive, seconds: float) -> bytes:
    """The whole body. Raises RequestRefused (400, 408, 413) and ClientGone."""
    told = request.headers.get("content-length", "0")
    if not (told.isascii() and told.isdigit()):
        raise RequestRefused(400, "bad_length", "Content-Length is no number")
    if int(told[:20]) > MOST_BYTES:
        raise too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _pieces(receive)
    except TimeoutError as error:
        problem = f"the body did not come within {seconds:g} seconds"
        raise RequestRefused(408, "too_slow", problem, 1) from error


async def _pieces(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        if message["type"] == "http.disconnect":
            raise ClientGone
        return bytes(message.get("body", b""))
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise too_large()
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()


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
    send: Send, request: Request, answer: Answer, more: tuple[tuple[bytes, bytes], ...], *, close: bool
) -> None:
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
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

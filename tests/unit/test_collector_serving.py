"""The collector behind a socket: CORS, slow and hostile clients, and how it stops. Time limits are short here."""

import asyncio
import base64
import http.client
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from support.collecting import BROWSER, NOW, SERVER, Place, place

from streams.collector.app import App
from streams.collector.limits import READING_BYTES
from streams.collector.serving import Guards, address_in, bound, serve, url_of

PAGE = json.dumps({"anonymousId": "a", "messageId": "m", "timestamp": NOW}).encode()
KEY = base64.b64encode(f"{SERVER.key}:".encode()).decode()
SHORT = Guards(head_seconds=0.3, head_bytes=2048, idle_seconds=1, connections=50)


class Served(NamedTuple):
    here: Place
    app: App
    port: int
    stop: asyncio.Event
    writers: list[asyncio.StreamWriter]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def asked(self, sent: bytes) -> "Answer":
        reader, writer = await self.connect()
        writer.write(sent)
        found = await answer(reader)
        writer.close()
        return found


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def served(
    work: Callable[[Served], Awaitable[None]],
    *sources: Any,
    guards: Guards = SHORT,
    body_seconds: float = 0.3,
    reading_bytes: int = READING_BYTES,
) -> Served:
    """Serve on a free port while ``work`` runs, and stop."""

    async def run() -> Served:
        here = place(*sources)
        app, stop, ready = App(here.collector, body_seconds, reading_bytes), asyncio.Event(), asyncio.Event()
        listener = bound("127.0.0.1", 0)
        serving = asyncio.create_task(serve(app, listener, stop, ready.set, guards))
        await ready.wait()
        it = Served(here, app, int(url_of(listener).rpartition(":")[2]), stop, [])
        try:
            await work(it)
        finally:
            stop.set()
            await serving
            for writer in it.writers:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
        return it

    return asyncio.run(run())


def request(
    body: bytes = PAGE, *, path: str = "/v1/page", method: str = "POST", length: int | None = None, **headers: str
) -> bytes:
    told = {"Host": "collect.example", "Authorization": f"Basic {KEY}"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    told["Content-Length"] = str(len(body) if length is None else length)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    return Answer(int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def test_a_page_may_send_whatever_headers_it_asks_for() -> None:
    asking = "anonymousid,authorization,content-type,sentat,rsa-x,x-write-key,x-retry-count"

    async def work(it: Served) -> None:
        preflight = await it.asked(
            request(
                b"", method="OPTIONS", Origin="https://shop.example", Access_Control_Request_Headers=asking,
                Access_Control_Request_Method="POST",
            ),
        )  # fmt: skip
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-headers"] == asking
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert int(preflight.headers["access-control-max-age"]) > 600
        both: list[dict[str, Any]] = [{}, {"Authorization": "Basic !"}]
        for headers in both:
            found = await it.asked(request(Origin="https://shop.example", **headers))
            assert found.headers["access-control-allow-origin"] == "https://shop.example"
            assert found.headers["access-control-expose-headers"] == "Retry-After"
            assert found.headers["vary"] == "Origin"
        foreign = await it.asked(request(b"", method="OPTIONS", Origin="https://evil.example"))
        assert not [name for name in foreign.headers if name.startswith("access-control")]

    served(work, SERVER, replace(BROWSER, origins=("https://shop.example",)))


def test_requests_share_a_connection_and_may_come_in_pieces() -> None:
    async def work(it: Served) -> None:
        reader, writer = await it.connect()
        for _ in range(3):
            writer.write(request())
            assert (await answer(reader)).body == b'{"success":true}'
        whole = request(PAGE + b" " * 200_000)
        for start in range(0, len(whole), 7919):
            writer.write(whole[start : start + 7919])
            await writer.drain()
        assert (await answer(reader)).status == 200

    assert len(served(work).here.memory.messages) == 4


def test_an_error_says_when_to_come_again() -> None:
    async def work(it: Served) -> None:
        assert (await it.asked(request())).status == 200
        found = await it.asked(request())
        assert (found.status, found.headers["retry-after"]) == (429, "10")
        assert json.loads(found.body)["code"] == "too_many_events"

    served(work, replace(SERVER, rate=0.1))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (request(b"", length=5 << 20), "request_too_large"),
        (request(b"{}", length=10**30), "bad_http"),
        (request(PAGE[:10], length=len(PAGE)), "too_slow"),
    ],
)
def test_a_body_that_is_too_large_or_does_not_come_ends_its_connection(sent: bytes, code: str) -> None:
    async def work(it: Served) -> None:
        reader, writer = await it.connect()
        writer.write(sent)
        found = await answer(reader)
        assert json.loads(found.body)["code"] == code
        assert found.headers["connection"] == "close"
        assert await reader.read() == b""

    served(work)


def test_an_endless_body_ends_at_the_limit() -> None:
    async def work(it: Served) -> None:
        reader, writer = await it.connect()
        writer.write(b"POST /v1/page HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        for _ in range(70):
            writer.write(piece)
        found = await answer(reader)
        assert (found.status, found.headers["connection"]) == (413, "close")
        writer.close()

    served(work, body_seconds=30)


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_too_much_and_reads_only_then_is_told_so(chunked: bool) -> None:
    """Otherwise it would see a broken connection, and send the same again."""
    body = b"x" * (9 << 20)

    def ask(port: int) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        sent: Any = iter([body[at : at + 65536] for at in range(0, len(body), 65536)]) if chunked else body
        connection.request("POST", "/v1/batch", sent, {}, encode_chunked=chunked)
        found = connection.getresponse()
        told = Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
        connection.close()
        return told

    async def work(it: Served) -> None:
        found = await asyncio.to_thread(ask, it.port)
        assert (found.status, json.loads(found.body)["code"]) == (413, "request_too_large")
        assert found.headers["connection"] == "close"

    served(work, body_seconds=30)


def test_who_asks_before_sending_too_much_is_told_at_once() -> None:
    async def work(it: Served) -> None:
        reader, writer = await it.connect()
        writer.write(request(b"", length=5 << 20, Expect="100-continue"))
        assert (await answer(reader)).status == 413
        assert await reader.read() == b""

    served(work, body_seconds=300)


def test_bodies_that_are_not_whole_yet_are_bounded_together() -> None:
    part = request(b"x" * 30_000, length=50_000)

    async def work(it: Served) -> None:
        first = [await it.connect() for _ in range(3)]
        for _, writer in first:
            writer.write(part)
            await writer.drain()
        found = await asyncio.wait_for(answer(first[2][0]), 20)
        assert (found.status, found.headers["retry-after"]) == (503, "1")
        assert (await it.asked(request())).status == 200
        for _, writer in first:
            writer.close()

    served(work, body_seconds=30, reading_bytes=80_000)


def test_a_mistake_of_ours_is_told_like_every_error() -> None:
    async def work(it: Served) -> None:
        it.here.memory.failure = ZeroDivisionError("x")
        found = await it.asked(request(Origin="https://shop.example"))
        assert (found.status, json.loads(found.body)["code"]) == (500, "internal_error")
        assert "access-control-allow-origin" in found.headers
        it.here.memory.failure = None
        assert (await it.asked(request())).status == 200

    served(work)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/page HT",
        b"POST /v1/page HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /v1/page HTTP/1.1\r\n" + b"X-Long: " + b"x" * 100_000,
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_who_says_nothing_or_never_ends_is_let_go_and_costs_no_one_else(sent: bytes) -> None:
    async def work(it: Served) -> None:
        slow = [await it.connect() for _ in range(20)]
        for _, writer in slow:
            writer.write(sent)
        assert (await it.asked(request())).status == 200
        for reader, writer in slow:
            # Ended by the server: cleanly, with an error of HTTP, or not.
            with suppress(ConnectionError):
                await reader.read()
            writer.close()

    served(work)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own limit")
def test_who_reads_no_answer_is_let_go() -> None:
    def ask(port: int) -> None:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(30)
            client.connect(("127.0.0.1", port))
            asked = request(b"", method="GET", path=f"/v1/relasi.js?writeKey={BROWSER.key}")

            def flood() -> None:
                # Their answers are more than the buffers of both ends take.
                while True:
                    client.sendall(asked)

            with pytest.raises(ConnectionError):
                flood()

    async def work(it: Served) -> None:
        await asyncio.to_thread(ask, it.port)
        assert (await it.asked(request())).status == 200

    served(work, guards=SHORT._replace(unread_seconds=0.5, head_seconds=300, idle_seconds=300))


def test_too_many_connections_end_the_newest() -> None:
    async def work(it: Served) -> None:
        open_ones = [await it.connect() for _ in range(4)]
        for reader, writer in open_ones[:3]:
            writer.write(request())
            assert (await answer(reader)).status == 200
        reader, writer = open_ones[3]
        writer.write(request())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await answer(reader)

    served(work, guards=SHORT._replace(connections=3))


def test_a_client_that_goes_away_is_no_error() -> None:
    async def work(it: Served) -> None:
        _, writer = await it.connect()
        writer.write(request(PAGE[:10], length=len(PAGE)))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await it.asked(request())).status == 200

    it = served(work)
    assert len(it.here.memory.messages) == 1
    assert it.app.under_way == 0


def test_what_is_under_way_is_answered_before_it_stops() -> None:
    async def work(it: Served) -> None:
        it.here.memory.gate = asyncio.Event()
        idle, idle_writer = await it.connect()
        reader, writer = await it.connect()
        writer.write(request())
        while not it.here.collector.waiting.bytes:
            await asyncio.sleep(0)
        it.stop.set()
        while not it.app.draining:
            await asyncio.sleep(0)
        idle_writer.write(request())
        it.here.memory.gate.set()
        for waiting in (reader, idle):
            found = await answer(waiting)
            assert (found.status, found.headers["connection"]) == (200, "close")

    assert len(served(work).here.memory.messages) == 2


def test_addresses() -> None:
    assert address_in("127.0.0.1:8080") == ("127.0.0.1", 8080)
    assert address_in("[::1]:80") == ("::1", 80)
    assert address_in(":8080") == ("127.0.0.1", 8080)
    for wrong in ("8080", "host:", "host:x", "host:70000", ""):
        with pytest.raises(ValueError, match="no address"):
            address_in(wrong)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        bound("127.0.0.1", taken.getsockname()[1])

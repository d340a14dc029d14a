"""Attempts over real connections, to receivers of all sorts on this machine."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import standardwebhooks
from aiohttp import web
from support.triggers import trigger
from test_delivery_shapes import SECRET, endpoint_of

from streams.clock import Clock
from streams.delivery.answers import Answer
from streams.delivery.endpoints import Endpoint
from streams.delivery.intake import delivery_of
from streams.delivery.outbox import Delivery
from streams.delivery.sender import MOST_READ, HttpSender

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OWN = ["127.0.0.0/8"]


@asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    """The URL at which a handler answers every request."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


def delivery(endpoint: Endpoint, **fields: Any) -> Delivery:
    return Delivery(*delivery_of(trigger(**fields), endpoint)[:11], attempts=0)


async def attempted(endpoint: Endpoint, within: float = 5.0, **fields: Any) -> Answer:
    sender = HttpSender(endpoint, within_seconds=within)
    try:
        return await sender.attempt([delivery(endpoint, **fields)], Clock().now_ms() // 1000)
    finally:
        await sender.close()


def at(shape: str, url: str, **values: Any) -> Endpoint:
    return endpoint_of(shape, url=url, allow=OWN, **values)


async def good(_: web.Request) -> web.Response:
    return web.Response()


def test_a_receiver_can_check_it() -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((dict(request.headers), await request.read()))
        return web.Response(status=204)

    async def run() -> None:
        async with receiver(handler) as url:
            answer = await attempted(at("standard", f"{url}/hook?x=1"))
            assert (answer.status, answer.error) == (204, "")

    asyncio.run(run())
    ((headers, body),) = seen
    lower = {name.lower(): value for name, value in headers.items()}
    assert standardwebhooks.Webhook(SECRET).verify(body, lower)["type"] == "relasi.trigger.win_back"
    assert lower["webhook-id"] == f"trg_{trigger().id}"
    assert lower["content-type"] == "application/json"
    assert lower["user-agent"].startswith("Relasi/")


def test_paths_and_credentials_of_shapes() -> None:
    seen: list[tuple[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.headers["authorization"]))
        return web.Response()

    async def run() -> None:
        async with receiver(handler) as url:
            assert (await attempted(at("customerio", f"{url}/api/v1/"), customer_id="a/b")).status == 200

    asyncio.run(run())
    assert seen == [("/api/v1/customers/a%2Fb/events", "Basic " + base64.b64encode(b"site:hush").decode())]


def test_a_redirect_is_an_answer_and_followed_nowhere() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async def run() -> None:
        async with receiver(handler) as url:
            assert (await attempted(at("standard", f"{url}/hook"))).status == 302

    asyncio.run(run())
    assert asked == ["/hook"]


def test_who_hangs_costs_the_limit() -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        async with receiver(handler) as url:
            answer = await attempted(at("standard", url), within=0.2)
            assert answer == Answer(0, error="no answer within 0.2 s")

    asyncio.run(run())


def test_who_drips_or_floods_has_answered_with_its_status() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200 if request.path == "/drip" else 500)
        await response.prepare(request)
        if request.path == "/drip":
            await response.write(b"o")
            await asyncio.Event().wait()
        # Until the connection is cut off.
        while True:
            await response.write(b"x" * 65_536)

    async def run() -> None:
        async with receiver(handler) as url:
            drip = await attempted(at("standard", f"{url}/drip"))
            assert (drip.status, drip.text) == (200, "o")
            flood = await attempted(at("standard", f"{url}/flood"))
            assert flood.status == 500
            assert 0 < len(flood.text) <= MOST_READ

    asyncio.run(run())


def test_nobody_there_and_nobody_who_may_be_reached() -> None:
    async def run() -> None:
        async with receiver(good) as url:
            port = url.rpartition(":")[2]
        gone = await attempted(at("standard", f"http://127.0.0.1:{port}/"))
        assert gone.status == 0
        assert "Connect" in gone.error
        # A name that is public where the file is read, and points inside by the time of the attempt.
        inside = await attempted(endpoint_of("standard", url=f"https://localhost.localdomain.example:{port}/"))
        assert inside.status == 0

    asyncio.run(run())


def test_a_name_that_points_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    async def run() -> None:
        async with receiver(handler) as url:
            port = int(url.rpartition(":")[2])
            loop = asyncio.get_running_loop()
            plain = loop.getaddrinfo

            async def rebound(host: Any, *rest: Any, **more: Any) -> Any:
                return await plain("127.0.0.1", *rest, **more)

            monkeypatch.setattr(loop, "getaddrinfo", rebound)
            answer = await attempted(endpoint_of("standard", url=f"https://hooks.example.com:{port}/"))
            assert answer.status == 0
            assert "hooks.example.com is at 127.0.0.1, which is not public" in answer.error

    asyncio.run(run())
    assert asked == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")

    async def run() -> None:
        async with receiver(good) as url:
            assert (await attempted(at("standard", url))).status == 200

    asyncio.run(run())

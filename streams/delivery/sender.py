"""One attempt: a request to a receiver, and its answer. The connection goes to a checked address, or is not made."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import aiohttp
from yarl import URL

from streams.delivery.addresses import CheckedResolver, Unreachable
from streams.delivery.answers import Answer
from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import Delivery
from streams.delivery.shapes.shape import AGENT
from streams.delivery.signing import signed_headers

WITHIN_SECONDS: Final = 15.0
MOST_READ: Final = 1024
_TEXT_SECONDS: Final = 1.0


class Sender(Protocol):
    """What makes attempts."""

    async def attempt(self, deliveries: Sequence[Delivery], timestamp: int) -> Answer:
        """Send them in one request at ``timestamp`` (seconds since 1970). Never raises but when cancelled."""

    async def close(self) -> None:
        """Let go of connections."""


def message_id(deliveries: Sequence[Delivery]) -> str:
    """The same over all attempts."""
    return f"trg_{deliveries[0].id}"


def payload_of(endpoint: Endpoint, deliveries: Sequence[Delivery]) -> bytes:
    """The body of a request: as it stands in the outbox, or of a digest one text of all lines."""
    if endpoint.shape.digest == 1:
        return deliveries[0].body
    # Each body is a line as a JSON text, so without its quotes it can stand in another.
    return b'{"text":"' + rb"\n".join(each.body[1:-1] for each in deliveries) + b'"}'


class HttpSender:
    """Requests of one endpoint, by connections of its own, that are kept open between attempts."""

    def __init__(
        self, endpoint: Endpoint, *, tls: ssl.SSLContext | None = None, within_seconds: float = WITHIN_SECONDS
    ) -> None:
        self._endpoint: Final = endpoint
        self._within: Final = within_seconds
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(endpoint.gate),
            use_dns_cache=False,
            limit=endpoint.at_once,
            ssl=tls or ssl.create_default_context(),
        )
        self._session: Final = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=within_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def attempt(self, deliveries: Sequence[Delivery], timestamp: int) -> Answer:
        endpoint, body = self._endpoint, payload_of(self._endpoint, deliveries)
        headers = {
            "content-type": endpoint.shape.media_type,
            "user-agent": AGENT,
            **endpoint.shape.headers(endpoint.secrets),
        }
        if endpoint.shape.signed:
            headers |= signed_headers(message_id(deliveries), timestamp, body, endpoint.signing_keys)
        try:
            url = endpoint.url.rstrip("/") + deliveries[0].path if deliveries[0].path else endpoint.url
            endpoint.gate.check_url(url)
            async with asyncio.timeout(self._within):
                return await self._posted(url, body, headers)
        except Unreachable as error:
            return Answer(0, error=str(error))
        except TimeoutError:
            return Answer(0, error=f"no answer within {self._within:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = next((each for each in _causes(error) if isinstance(each, Unreachable)), None)
            return Answer(0, error=str(cause) if cause else f"{type(error).__name__}: {error}"[:500])

    async def _posted(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        # encoded: what is escaped in the path stays so.
        response = await self._session.post(URL(url, encoded=True), data=body, headers=headers, allow_redirects=False)
        try:
            text = b""
            # The answer is the status. Whoever drips a body costs a second, and no more than its beginning is ever
            # read.
            with suppress(TimeoutError, aiohttp.ClientError):
                async with asyncio.timeout(_TEXT_SECONDS):
                    text = await response.content.read(MOST_READ)
            return Answer(
                response.status,
                response.headers.get("Retry-After", ""),
                "",
                text.decode("utf-8", "replace")[:MOST_READ],
            )
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def close(self) -> None:
        await self._session.close()


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found

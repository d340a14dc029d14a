"""One server for the benchmark of the collector, in a process of its own: ``… WHERE KIND``; its URL on standard output.

``sqlite``: the collector over the embedded log, and no engine. ``naive``: what one would write in an hour over the same
server, orjson and fastavro, a commit for each request. Anything else is the name of a topic of the broker ``WHERE``.
"""

import asyncio
import io
import signal
import sqlite3
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pyarrow as pa

from schemas.registry import FileRegistry
from streams.clock import Clock, now_ms
from streams.collector.app import App
from streams.collector.collector import Collector, Outlets
from streams.collector.serving import bound, loop_factory, serve, url_of
from streams.collector.sources import Source, Sources
from streams.collector.warming import warm
from streams.embedded.writer import LogWriter
from streams.kafka.producer import Producer
from streams.kafka.writer import TopicWriter
from streams.settings import Settings

KEY = "pk_browser_1"
PARTITIONS = 4


async def _collector(writer: Any, stop: asyncio.Event) -> None:
    async def refuse(rows: pa.Table) -> None:
        raise AssertionError(rows.to_pylist()[0])

    registry = FileRegistry()
    warm(registry)
    sources = Sources((Source("web", KEY, kind="browser"),))
    await _serve(App(Collector(sources, Outlets(writer, refuse, registry), Clock())), stop)


async def _serve(app: Any, stop: asyncio.Event) -> None:
    listener = bound("127.0.0.1", 0)

    def ready() -> None:
        sys.stdout.write(url_of(listener) + "\n")
        sys.stdout.flush()

    await serve(app, listener, stop, ready)


class Naive:
    """An ASGI application that decodes, encodes and commits, request by request."""

    draining = False
    under_way = 0

    def __init__(self, directory: Path) -> None:
        registry = FileRegistry()
        self._schema = fastavro.parse_schema(registry.schema(registry.id_of("Touchpoint")))
        self._log = sqlite3.connect(directory / "naive.sqlite", isolation_level=None)
        self._log.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log (key, value);")
        self.collector = self

    async def drained(self) -> None:
        """Nothing waits."""

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told = orjson.loads(bytes(body))
        rows = [self._row(event) for event in told.get("batch", [told])]
        self._log.execute("BEGIN")
        self._log.executemany("INSERT INTO log VALUES (?, ?)", rows)
        self._log.execute("COMMIT")
        answer = b'{"success":true}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _row(self, event: dict[str, Any]) -> tuple[str, bytes]:
        context, properties = event["context"], event.get("properties", event.get("traits", {}))
        texts = {name: str(value) for name, value in properties.items()}
        for name, value in context.items():
            for inner, text in value.items() if isinstance(value, dict) else ((name, value),):
                texts[f"context.{name}.{inner}"] = text if isinstance(text, str) else orjson.dumps(text).decode()
        amount = properties.get("revenue")
        row = {
            "event_id": event["messageId"], "customer_id": event["userId"], "anonymous_id": event["anonymousId"],
            "occurred_at": 1_772_000_000_000, "received_at": now_ms(), "lines": [], "properties": texts,
            "kind": event.get("event", event["type"]).lower().replace(" ", "_"), "channel": "web",
            "amount_minor": None if amount is None else round(amount * 100), "currency": properties.get("currency"),
        }  # fmt: skip
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._schema, row)
        return event["userId"] or event["anonymousId"], out.getvalue()


async def main(where: str, kind: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if kind == "naive":
        await _serve(Naive(Path(where)), stop)
    elif kind == "sqlite":
        with LogWriter(Path(where), 0, now_ms, compress=True) as writer:
            await _collector(writer, stop)
    else:
        async with Producer(Settings(broker=where), f"bench-{uuid.uuid4().hex[:6]}", Clock()) as producer:
            await _collector(TopicWriter(producer, kind, PARTITIONS), stop)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main(*sys.argv[1:]))

"""Requests to a collector without a socket, and what it put into the log, decoded."""

import asyncio
import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import fastavro
import pyarrow as pa

from schemas.bodies import Bodies
from schemas.registry import FileRegistry
from schemas.wire import HEADER_SIZE
from streams.collector.collector import Collector, Outlets, Request
from streams.collector.sources import Source, Sources
from support.hand_clock import HandClock
from support.messages import START

NOW: Final = START
"""When a request is received, ms."""
BROWSER: Final = Source("web", "pk_browser_1", kind="browser")
SERVER: Final = Source("shop", "sk_server_01")
REGISTRY: Final = FileRegistry()


@dataclass
class Memory:
    """A ``Writer`` that keeps what it is given; ``failure``: what the next appends raise."""

    messages: list[tuple[bytes, bytes]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event | None = None

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        assert keys is not None
        self.messages += [(keys.message(i), bodies.message(i)) for i in range(len(bodies.offsets) - 1)]

    async def refuse(self, rows: pa.Table) -> None:
        self.rejects += rows.to_pylist()

    @property
    def records(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, value) of every message."""
        found = []
        for _, body in self.messages:
            schema_id = int.from_bytes(body[1:5], "big")
            schema: Any = fastavro.parse_schema(REGISTRY.schema(schema_id))
            value: Any = fastavro.schemaless_reader(io.BytesIO(body[HEADER_SIZE:]), schema, None)
            instants = {name: round(at.timestamp() * 1000) for name, at in value.items() if isinstance(at, datetime)}
            found.append((schema["name"].rpartition(".")[2], value | instants))
        return found

    @property
    def touchpoints(self) -> list[dict[str, Any]]:
        return [value for name, value in self.records if name == "Touchpoint"]


@dataclass
class Place:
    """A collector over memory, and how it is asked."""

    collector: Collector
    memory: Memory
    clock: HandClock

    def ask(
        self,
        path: str,
        body: object = b"",
        *,
        method: str = "POST",
        query: str = "",
        key: str | None = SERVER.key,
        headers: Mapping[str, str] | None = None,
        address: str = "203.0.113.77",
    ) -> tuple[int, Any]:
        """(status, body, as JSON where it is some) of a request."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"host": "collect.example", **(headers or {})}
        if key is not None:
            told["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        request = Request(method, path, query, told, address, "https")
        answer = asyncio.run(self.collector.answer(request, sent))
        return answer.status, json.loads(answer.body) if answer.kind == "application/json" else answer.body


def place(*sources: Source, waiting: Any = None) -> Place:
    memory, clock = Memory(), HandClock()
    outlets = Outlets(memory, memory.refuse, REGISTRY)
    return Place(Collector(Sources(sources or (BROWSER, SERVER)), outlets, clock, waiting), memory, clock)


def one(event: Mapping[str, Any], source: Source = SERVER, path: str = "/v1/batch", **more: Any) -> dict[str, Any]:
    """The touchpoint that an event becomes."""
    here = place(source)
    body = {"batch": [event]} if path == "/v1/batch" else event
    status, answer = here.ask(path, body, key=source.key, **more)
    assert (status, answer) == (200, {"success": True}), (status, answer)
    (found,) = here.memory.touchpoints
    return found


def refusal(event: Any, source: Source = SERVER, **more: Any) -> str:
    """The code with which an event is refused alone, between two that are taken."""
    here = place(source)
    good = [{"type": "page", "anonymousId": "a", "messageId": name} for name in ("before", "after")]
    status, answer = here.ask("/v1/batch", {"batch": [good[0], event, good[1]]}, key=source.key, **more)
    assert status == 200
    assert [each["event_id"] for each in here.memory.touchpoints] == ["before", "after"]
    assert answer["success"] is True
    assert answer["refused"] == 1
    (told,) = answer["rejected"]
    assert told["index"] == 1
    if told["code"] != "no_consent":
        (reject,) = here.memory.rejects
        assert reject["reason"] == told["code"]
        assert reject["detail"] == told["message"]
        assert json.loads(reject["payload"]) == event
        assert reject["source"] == f"http:{source.name}"
    else:
        assert here.memory.rejects == []
    return str(told["code"])

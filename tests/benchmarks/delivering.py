"""Delivery of one process to receivers on this machine: how many a second, and what bad ones cost the others."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from support.triggers import REGISTRY, trigger_message

from benchmarks.report import Figure
from streams.clock import Clock, now_ms
from streams.delivery.deliverer import Deliverer
from streams.delivery.endpoints import Endpoint, endpoints_of
from streams.delivery.outbox import DELIVERED

MANY: Final = 5_000
A_SECOND: Final = 100
SECONDS: Final = 6.0
ROUNDS: Final = 5
_SOURCE: Final = "relasi.triggers.v1/0"
_WAIT_SECONDS: Final = 120.0


class Receivers:
    """The process with the receivers; ``ports``: of the one that answers, hangs, drips."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process: Final = process
        self.ports: Final[list[int]] = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def came(self) -> dict[str, float]:
        """When each id first came to the one that answers, since this was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(reversed(json.loads(self._line())))


@contextmanager
def receivers() -> Iterator[Receivers]:
    """They run within the context."""
    command = [sys.executable, "-m", "benchmarks.receivers_process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Receivers(process)
        assert process.stdin is not None
        process.stdin.close()


def endpoints(ports: dict[str, int]) -> dict[str, Endpoint]:
    """Of the standard shape, signed, on this machine; by name."""
    tables = {
        name: {"url": f"http://127.0.0.1:{port}/hook", "allow": ["127.0.0.1"], "secrets": {"signing": "env:S"}}
        for name, port in ports.items()
    }
    return endpoints_of({"endpoints": tables}, "relasi.toml", {"S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


def _messages(first: int, count: int) -> list[tuple[int, bytes | None]]:
    """Triggers of as many customers, at their offsets."""
    at = now_ms()
    return [(n, trigger_message(n, at=at, customer_id=f"c{n}")) for n in range(first, first + count)]


async def _until_delivered(deliverer: Deliverer, endpoint: str, count: int) -> None:
    clock = Clock()
    begun = clock.monotonic()
    while (await deliverer.waiting())[endpoint].get(DELIVERED, 0) < count:
        if deliverer.failed is not None:
            raise deliverer.failed
        if clock.monotonic() - begun > _WAIT_SECONDS:
            raise RuntimeError(f"{endpoint}: not all of {count} were delivered within {_WAIT_SECONDS:g} s")
        await asyncio.sleep(0.02)


async def _many(folder: Path, good: dict[str, Endpoint]) -> float:
    deliverer, clock = Deliverer(folder, good, REGISTRY, Clock()), Clock()
    try:
        partition = deliverer.open(0)
        partition.begin()
        begun = clock.monotonic()
        for first in range(0, MANY, 500):
            await partition.take_in(_messages(first, 500), _SOURCE, first + 500)
        await _until_delivered(deliverer, "good", MANY)
        return MANY / (clock.monotonic() - begun)
    finally:
        await deliverer.close()


async def _steady(folder: Path, ends: dict[str, Endpoint], first: int) -> dict[str, float]:
    """Take triggers in one by one at a steady pace; when each was taken in."""
    deliverer, clock, count = Deliverer(folder, ends, REGISTRY, Clock()), Clock(), round(A_SECOND * SECONDS)
    told: dict[str, float] = {}
    try:
        partition = deliverer.open(0)
        partition.begin()
        begun = clock.monotonic()
        for number in range(first, first + count):
            await asyncio.sleep(max(0.0, begun + (number - first) / A_SECOND - clock.monotonic()))
            (message,) = _messages(number, 1)
            told[str(number)] = now_ms() / 1000
            await partition.take_in([message], _SOURCE, number + 1)
        await _until_delivered(deliverer, "good", count)
        return told
    finally:
        await deliverer.close()


def _waits(told: dict[str, float], came: dict[str, float]) -> Sequence[float]:
    import hashlib

    return [came[f"trg_{hashlib.md5(number.encode()).hexdigest()}"] - at for number, at in told.items()]


def rates() -> list[Figure]:
    """Deliveries a second of one process, through the outbox on the disk."""
    with tempfile.TemporaryDirectory(prefix="relasi-deliver-") as folder, receivers() as there:
        good = endpoints({"good": there.ports[0]})
        found = [asyncio.run(_many(Path(folder) / str(n), good)) for n in range(3)]
        return [Figure("deliveries of one process", median(found), "a second")]


def beside_bad_ones() -> list[Figure]:
    """The others' wait from being taken in until it is at the receiver, with and without bad ones, in turn."""
    waits: dict[str, list[float]] = {"alone": [], "beside": []}
    with tempfile.TemporaryDirectory(prefix="relasi-deliver-") as folder, receivers() as there:
        good, hanging, dripping = there.ports
        bad = {"good": good, "hangs": hanging, "drips": dripping, "dead": 9}
        first = 0
        for round_ in range(ROUNDS):
            for name, ports in (("alone", {"good": good}), ("beside", bad)):
                told = asyncio.run(_steady(Path(folder) / f"{name}-{round_}", endpoints(ports), first))
                first += len(told)
                waits[name].append(float(np.percentile(_waits(told, there.came()), 99)) * 1000)
    alone, beside = median(waits["alone"]), median(waits["beside"])
    ratio = median(much / little for little, much in zip(waits["alone"], waits["beside"], strict=True))
    return [
        Figure("from taken in to the receiver, p99", alone, "ms"),
        Figure("  beside one that hangs, drips, is dead", beside, "ms"),
        Figure("  of that alone", ratio, "x", at_most=1.10),
    ]


PARTS: Final[Sequence[Any]] = (rates, beside_bad_ones)


if __name__ == "__main__":
    for part in PARTS:
        for figure in part():
            print(figure.line(), flush=True)

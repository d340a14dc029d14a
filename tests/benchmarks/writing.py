"""The writer of the embedded log: what group commits gain over a commit for every append."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.report import Figure
from schemas.bodies import bodies_of
from streams.embedded.writer import LogWriter

APPENDS: Final = 2_000
AT_ONCE: Final = 200
KEY: Final = bodies_of([b"customer 4711"])
BODY: Final = bodies_of([b"." * 250])


async def _seconds(writer: LogWriter, appenders: int, appends: int) -> float:
    async def appender() -> None:
        for _ in range(appends // appenders):
            await writer.append(KEY, BODY)

    begin = time.perf_counter()
    await asyncio.gather(*(appender() for _ in range(appenders)))
    return time.perf_counter() - begin


def group_commits() -> list[Figure]:
    """Appends of one message, one after another and 200 at once, the rounds of both interleaved; each durable."""
    alone = together = 0.0
    with tempfile.TemporaryDirectory() as folder, LogWriter(Path(folder), 0, lambda: 0) as writer:
        asyncio.run(_seconds(writer, AT_ONCE, AT_ONCE))
        for _ in range(5):
            alone += asyncio.run(_seconds(writer, 1, APPENDS // AT_ONCE))
            together += asyncio.run(_seconds(writer, AT_ONCE, APPENDS))
    one, many = APPENDS / AT_ONCE * 5 / alone, APPENDS * 5 / together
    return [
        Figure("durable appends, one after another", one, "appends/s"),
        Figure(f"  {AT_ONCE} at once, which share commits", many, "appends/s"),
        Figure("  gain", many / one, "times", at_least=5),
    ]

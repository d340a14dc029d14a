"""The rows of a partition belong to one thread at a time, whatever becomes of whoever waits for it."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.clock import Clock
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads


def rows_of_nobody() -> Tenure:
    return cast(Tenure, SimpleNamespace(rows=asyncio.Lock()))


async def _cancelled() -> list[str]:
    threads, tenure = Threads(Clock()), rows_of_nobody()
    begun, go = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        go.wait()
        done.append("first")

    waiting = asyncio.create_task(threads.work(tenure, first))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert tenure.rows.locked()
    second = asyncio.create_task(threads.work(tenure, done.append, "second"))
    go.set()
    await second
    return done


def test_rows_are_held_until_the_thread_is_done_with_them() -> None:
    assert asyncio.run(_cancelled()) == ["first", "second"]


async def _failing() -> int:
    threads, tenure = Threads(Clock()), rows_of_nobody()

    def fail() -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await threads.work(tenure, fail)
    return await threads.work(tenure, lambda: 7)


def test_a_failure_is_told_and_the_rows_are_free_again() -> None:
    assert asyncio.run(_failing()) == 7


async def _many(count: int) -> list[int]:
    threads, tenure = Threads(Clock()), rows_of_nobody()
    done: list[int] = []
    await asyncio.gather(*(threads.work(tenure, done.append, number) for number in range(count)))
    return done


def test_work_on_one_partition_is_done_in_the_order_of_asking() -> None:
    assert asyncio.run(_many(200)) == list(range(200))

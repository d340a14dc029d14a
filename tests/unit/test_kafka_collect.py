"""What goes on beside the collector of the Kafka shell."""

import asyncio

import pytest

from streams.kafka.collect import beside


async def forever() -> None:
    await asyncio.Event().wait()


async def failing() -> None:
    raise ZeroDivisionError("rows")


def test_work_beside_that_fails_stops_the_process_and_is_told() -> None:
    async def run() -> None:
        stop = asyncio.Event()
        with pytest.raises(ZeroDivisionError, match="rows"):
            async with beside(stop, forever(), failing()):
                await asyncio.wait_for(stop.wait(), 10)

    asyncio.run(run())


def test_work_beside_ends_with_what_it_is_beside_and_hides_no_error_of_it() -> None:
    async def run() -> None:
        stop = asyncio.Event()
        async with beside(stop, forever(), forever()):
            await asyncio.sleep(0)
            assert not stop.is_set()
        assert len(asyncio.all_tasks()) == 1

    async def run_with_an_error_of_its_own() -> None:
        async with beside(asyncio.Event(), failing()):
            await asyncio.sleep(0)
            raise KeyError

    asyncio.run(run())
    with pytest.raises(KeyError):
        asyncio.run(run_with_an_error_of_its_own())

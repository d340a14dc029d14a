"""A thread with an event loop of its own tells how it ended, whenever that was."""

import asyncio

import pytest

from streams.embedded.loop_thread import LoopThread


class Work(LoopThread):
    """``failing``: "first" before it has started, "last" when it is told to stop, or not at all."""

    def __init__(self, failing: str = "") -> None:
        super().__init__("work")
        self._failing = failing

    async def work(self, stop: asyncio.Event) -> None:
        self._fail("first")
        self.started.set()
        await stop.wait()
        self._fail("last")

    def _fail(self, when: str) -> None:
        if self._failing == when:
            raise OSError(when)


def test_it_works_until_it_is_told_to_stop() -> None:
    with Work() as it:
        assert it.is_alive
        it.check()
    assert not it.is_alive


@pytest.mark.parametrize("failing", ["first", "last"])
def test_what_ends_it_is_raised(failing: str) -> None:
    with pytest.raises(OSError, match=failing), Work(failing):
        pass


def test_an_error_of_who_uses_it_is_not_hidden_by_its_own() -> None:
    with pytest.raises(KeyError), Work("last"):
        raise KeyError

"""What `relasi run` does when, by a clock that only the test moves: ticks alone write next to nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import pytest
from support.command import done
from support.hand_clock import HandClock
from support.histories import HISTORY, csv_file

from streams.commands.run import IDLE_CHECKPOINT_INTERVAL_MS, Loop
from streams.embedded.database import ENGINE
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.log.messages import TOUCHPOINTS_TOPIC

TICK_MS: Final = 10_000
MINUTES: Final = 30
START: Final = 4_000_000_000_000
"""Long after all that the history lets become due."""


class Counted:
    """The rows' file, and the bytes of checkpoint records in each transaction."""

    def __init__(self, rows: RowsFile) -> None:
        self._rows = rows
        self.written: list[int] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.written.append(0)
        with self._rows.transaction():
            yield

    def put_checkpoint(self, partition: int, records: Iterable[tuple[Any, Any]]) -> None:
        told = list(records)
        self.written[-1] += sum(len(key) + len(value or b"") for key, value in told)
        self._rows.put_checkpoint(partition, told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)


@pytest.fixture
def idle(data: Path) -> Iterator[tuple[Session, HandClock, Counted]]:
    """A directory of which all timers have fired and all is reported."""
    done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
    clock = HandClock()
    clock.move(START / 1000 - clock.now_ms() / 1000)
    with Session(data, "a test", now=clock.now_ms) as session:
        session.runner.tick(START - 1)
        session.runner.settle()
        counted = Counted(session.rows)
        session.runner._rows = cast(RowsFile, counted)
        yield session, clock, counted


def run_for(loop: Loop, clock: HandClock, minutes: float, beside: Callable[[], None] = lambda: None) -> None:
    for _ in range(round(minutes * 60_000 / TICK_MS)):
        loop.turn()
        beside()
        clock.move(TICK_MS / 1000)


def test_ticks_alone_write_a_bare_header_once_a_minute(idle: tuple[Session, HandClock, Counted]) -> None:
    session, clock, counted = idle
    loop = Loop(session.runner, TICK_MS)
    run_for(loop, clock, MINUTES)
    assert MINUTES - 2 <= len(counted.written) <= MINUTES
    assert 0 < max(counted.written) <= 300
    # Offsets follow all the same: a crash lets no more pass again than that.
    behind = session.log.end_offset(TOUCHPOINTS_TOPIC, 0) - session.rows.position(ENGINE, TOUCHPOINTS_TOPIC, 0)
    assert behind <= IDLE_CHECKPOINT_INTERVAL_MS // TICK_MS


def test_a_loop_that_is_told_to_stop_does_no_more_and_makes_lasting_what_it_did(
    idle: tuple[Session, HandClock, Counted],
) -> None:
    session, clock, counted = idle
    told: list[bool] = []
    loop = Loop(session.runner, TICK_MS, lambda: bool(told))
    loop.turn()
    clock.move(TICK_MS / 1000)
    told.append(True)
    end = session.runner.partition.next_offset
    assert loop.turn() == 0
    assert session.runner.partition.next_offset == end < session.log.end_offset(TOUCHPOINTS_TOPIC, 0)
    loop.finish()
    # As much of the rest as there is time for.
    assert session.rows.position(ENGINE, TOUCHPOINTS_TOPIC, 0) == end + 1
    assert len(counted.written) == 1

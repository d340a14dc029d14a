"""A producer sends a batch twice because an answer was lost: profiles and `touchpoints` count it once."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from support.identities import counted
from support.messages import START, touchpoint
from support.repeated import plain_and_repeated, same_profiles
from support.sampled import some

from schemas.bodies import bodies_of
from streams.embedded.session import Session

ANN: Final = ("known", "ann")


def append(session: Session, first: int, stop: int) -> None:
    """What a producer of its own writes into the log: purchases of one customer that name no import."""
    told = [
        touchpoint(f"e{n}", "ann", START + n, "order_completed", amount_minor=100, currency="USD")
        for n in range(first, stop)
    ]
    runner = session.runner
    with session.log.transaction():
        runner.append(bodies_of([b"ann"] * len(told)), bodies_of(told))


class Crash(Exception):
    """Ends a session as a crash would: nothing more is remembered."""


def crash(session: Session) -> None:
    raise Crash


def settle(session: Session) -> None:
    session.runner.settle()


def process(session: Session) -> None:
    """Applied and reported, and not remembered."""
    session.runner.catch_up()
    session.runner.report()


def nothing(session: Session) -> None:
    """Written into the log, and not even read."""


def tell(data: Path, first: int, stop: int, then: Callable[[Session], None], end: Callable[[Session], None]) -> None:
    try:
        with Session(data, "test") as session:
            append(session, first, stop)
            then(session)
            end(session)
    except Crash:
        pass


@pytest.mark.slow
@pytest.mark.parametrize(("size", "then"), some([*product([17, 100, 2_500], [settle, process, nothing])], 4))
def test_a_batch_that_is_sent_twice_counts_once_also_with_a_crash_in_between(
    size: int, then: Callable[[Session], None], tmp_path: Path
) -> None:
    half = size // 2
    tell(tmp_path, 0, half, settle, nothing)
    tell(tmp_path, half, size, then, crash)
    with Session(tmp_path, "test") as session:
        append(session, 0, size)
        session.runner.settle()
        assert counted(session.sink) == {ANN: (size, 100 * size)}
        assert session.runner.partition.counts.tolist()[1] == size


@pytest.mark.slow
def test_beyond_the_window_a_retry_counts_in_both(tmp_path: Path) -> None:
    with Session(tmp_path, "test", window=30) as session:
        append(session, 0, 50)
        append(session, 10, 20)
        append(session, 40, 50)
        session.runner.settle()
        assert counted(session.sink) == {ANN: (60, 6_000)}
    # What the log was made with stays, whatever is asked for later.
    with Session(tmp_path, "test", window=1_000) as session:
        assert session.log.setting("window") == "30"
        append(session, 40, 50)
        append(session, 20, 30)
        session.runner.settle()
        assert counted(session.sink) == {ANN: (70, 7_000)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_shuffled_repeated_and_moved_gives_the_profiles_of_the_plain(seed: int, tmp_path: Path) -> None:
    with Session(tmp_path, "test") as session:
        for batch in plain_and_repeated(seed):
            with session.log.transaction():
                keys, values = zip(*batch, strict=True)
                session.runner.append(bodies_of([key.encode() for key in keys]), bodies_of(values))
        session.runner.settle()
        same_profiles(session.sink)


@pytest.mark.slow
def test_an_order_whose_confirmation_page_fires_again_counts_once_in_both(tmp_path: Path) -> None:
    told = [
        touchpoint(
            f"e{n}", "ann", START + n * 60_000, "order_completed", amount_minor=100, currency="USD", order_id=order
        )
        for n, order in enumerate(["O1", "O1", "O2", "O1", "O2"])
    ]
    for again in (False, True):
        with Session(tmp_path, "test") as session:
            if not again:
                with session.log.transaction():
                    session.runner.append(bodies_of([b"ann"] * len(told)), bodies_of(told))
            session.runner.settle()
            assert counted(session.sink) == {ANN: (2, 200)}
        # Rows made anew from the log say the same.
        (tmp_path / "rows.sqlite").unlink()

"""The rolling checkpoint: what it chooses, how it is cut, and what its records say when they are read again."""

from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.engine.checkpoint import (
    ROLLING_SPAN,
    Header,
    choose,
    complete_headers,
    split,
)


class Choosing(RuleBasedStateMachine):
    """Customers come and are touched, checkpoints are written."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.dirty = np.zeros(0, np.uint8)
        self.written = np.zeros(0, np.int32)
        self.newest: deque[set[int]] = deque(maxlen=ROLLING_SPAN)
        self.missed: set[int] = set()

    @rule(count=st.integers(1, 100))
    def grow(self, count: int) -> None:
        self.dirty = np.concatenate([self.dirty, np.ones(count, np.uint8)])
        self.written = np.concatenate([self.written, np.zeros(count, np.int32)])

    @rule(count=st.integers(1, 100))
    @precondition(lambda self: self.number == 0)
    def restore(self, count: int) -> None:
        """Rows of an earlier owner are not dirty, and in none of our own checkpoints."""
        self.grow(count)
        self.dirty[-count:] = 0

    @rule(part=st.integers(1, 7), start=st.integers(0, 6))
    def touch(self, part: int, start: int) -> None:
        self.dirty[start::part] = 1

    @rule(count=st.integers(1, ROLLING_SPAN))
    def write(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            changed = set(np.flatnonzero(self.dirty).tolist())
            chosen = choose(self.written, self.dirty, self.number)
            assert chosen.tolist() == sorted(set(chosen.tolist()))
            assert changed <= set(chosen.tolist())
            assert len(chosen) <= len(changed) + -(-len(self.written) // ROLLING_SPAN), (
                "more than the share of the others"
            )
            self.newest.append(set(chosen.tolist()))
            self.dirty[:] = 0
            self.written[chosen] = self.number
            if self.number >= ROLLING_SPAN:
                self.missed |= set(range(len(self.written))) - set().union(*self.newest)

    @invariant()
    def any_span_of_checkpoints_contains_every_row(self) -> None:
        assert self.missed == set()


TestChoosing = Choosing.TestCase
TestChoosing.settings = settings(max_examples=60, stateful_step_count=30)


@given(st.lists(st.integers(1, 255), max_size=80), st.integers(1, 3000), st.data())
def test_chunks_hold_all_that_was_chosen_in_order_and_no_more_than_they_may(
    lengths: list[int], most: int, data: st.DataObject
) -> None:
    chosen = np.array([i for i in range(len(lengths)) if data.draw(st.booleans())], np.int64)
    chunks = list(split(chosen, 100, np.array(lengths, np.int32), most))
    assert np.concatenate(chunks).tolist() == chosen.tolist()
    sizes = [sum(100 + lengths[i] for i in chunk) for chunk in chunks]
    assert all(size <= most or len(chunk) == 1 for size, chunk in zip(sizes, chunks, strict=True))
    if len(chosen) == 0:
        assert len(chunks) == 1
    else:
        first_rows = [100 + lengths[chunk[0]] for chunk in chunks[1:]]
        assert all(size + more > most for size, more in zip(sizes, first_rows, strict=False)), "needless chunks"


def headers(owner: str, *numbers: int, chunks: int = 2, missing: tuple[int, int] = (-1, -1)) -> list[Header]:
    return [
        Header(3, owner, number, chunk, chunks, 100 * number, number, "text" if chunk == 0 else "")
        for number in numbers
        for chunk in range(chunks)
        if (number, chunk) != missing
    ]


def complete(*found: Header) -> list[int]:
    return [header.number for header in complete_headers(found)]


def test_a_checkpoint_counts_when_it_is_there_with_those_that_it_builds_on() -> None:
    assert complete() == []
    assert complete(*reversed(headers("a", 1, 2, 3))) == [1, 2, 3]
    assert complete(*headers("a", 1, 2, 3), *headers("a", 2, 3)) == [1, 2, 3]
    assert complete(*headers("a", 1, 2, 3, missing=(3, 0))) == [1, 2]
    assert complete(*headers("a", 1, 2, 3, missing=(3, 1))) == [1, 2]
    assert complete(*headers("a", 1, 2, 3, missing=(2, 1))) == [1]
    assert complete(*headers("a", 2, 3)) == []
    assert all(header.policy == "text" for header in complete_headers(headers("a", 1, 2, 3)))


def test_a_checkpoint_builds_on_no_more_than_a_span_of_them() -> None:
    assert complete(*headers("a", *range(5, 5 + ROLLING_SPAN))) == [4 + ROLLING_SPAN]
    assert complete(*headers("a", *range(5, 5 + ROLLING_SPAN), missing=(5, 1))) == []
    assert complete(*headers("a", *range(2, 2 + ROLLING_SPAN), chunks=1), *headers("b", 1)) == [1, 1 + ROLLING_SPAN]

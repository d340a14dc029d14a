"""Messages that wait compressed stand in their topics as if they had been appended at once."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from schemas.bodies import bodies_of
from streams.embedded.readers import read_records
from streams.embedded.rows_file import RowsFile
from streams.embedded.told import Told
from streams.outputs.output import Messages, Topic

FACTS: Final = Topic("facts.v1", "Fact")
OTHERS: Final = Topic("others.v1", "Other")


class Cut(Exception):
    """Ends a transaction before its commit."""


def messages(first: int, count: int, *, keys: bool = True) -> Messages:
    named = [f"message {i} ".encode() * 9 for i in range(first, first + count)]
    return Messages(bodies_of([each[:12] for each in named]) if keys else None, bodies_of(named))


def read(rows: RowsFile, topic: Topic) -> list[tuple[int, bytes | None, bytes | None]]:
    batch = read_records(rows, topic.named(), 0, 0, 1 << 30)
    return [(each.offset, each.key, each.value) for each in batch.records] if batch else []


def expected(some: Messages, count: int) -> list[tuple[int, bytes | None, bytes | None]]:
    return [(i, some.keys.message(i) if some.keys else None, some.bodies.message(i)) for i in range(count)]


@pytest.mark.parametrize("place", [None, "", "a folder that is not there"])
def test_they_get_their_offsets_when_they_are_put_and_wait_until_they_are_forgotten(
    tmp_path: Path, place: str | None
) -> None:
    told = Told(None if place is None else tmp_path / place)
    told.add([(FACTS, messages(0, 9_000)), (OTHERS, messages(0, 2, keys=False))], 1)
    told.add([(FACTS, messages(9_000, 3))], 2)
    assert told.speaks(FACTS)
    assert not told.speaks(Topic("silent.v1", "Fact"))
    assert 0 < told.nbytes < messages(0, 9_003).nbytes // 3
    with RowsFile(tmp_path) as rows:
        with suppress(Cut), rows.transaction():
            told.put(rows, 0)
            raise Cut
        assert read(rows, FACTS) == []
        with rows.transaction():
            told.put(rows, 0)
        told.clear()
        assert (told.nbytes, told.speaks(FACTS)) == (0, False)
        assert read(rows, FACTS) == expected(messages(0, 9_003), 9_003)
        assert read(rows, OTHERS) == expected(messages(0, 2, keys=False), 2)
        told.add([(OTHERS, messages(2, 1, keys=False))], 3)
        with rows.transaction():
            told.put(rows, 0)
        assert read(rows, OTHERS) == expected(messages(0, 3, keys=False), 3)
    # What waits has no name in the directory: nothing of it outlives the process.
    assert {path.name.split("-")[0] for path in tmp_path.iterdir()} <= {"rows.sqlite"}


def test_of_what_can_not_be_made_nothing_waits() -> None:
    def broken() -> object:
        yield FACTS, messages(0, 1)
        raise MemoryError

    told = Told()
    with pytest.raises(MemoryError):
        told.add(broken(), 1)  # type: ignore[arg-type]
    assert (told.nbytes, told.speaks(FACTS)) == (0, False)

"""Whose pages may be let go: those of libraries of which nothing in memory differs from the file."""

from typing import Final

import pytest

from streams.embedded.giving_back import _untouched, give_back_code

LIBRARY: Final = "/usr/lib/libbig.so.1"


def mapping(rights: str, name: str, resident: int, private: int) -> str:
    sizes = f"Size: 90000 kB\nRss: {resident} kB\nPss: {resident} kB\nAnonymous: {private} kB\nVmFlags: rd mr\n"
    return f"7f1000000000-7f1000100000 {rights} 09056000 fe:00 1234                 {name}\n{sizes}"


@pytest.mark.parametrize(
    ("rights", "name", "resident", "private", "let_go"),
    [
        ("r-xp", LIBRARY, 80_000, 0, True),
        ("r--p", LIBRARY, 80_000, 0, True),
        ("r--p", LIBRARY, 80_000, 4, False),
        ("rw-p", LIBRARY, 80_000, 0, False),
        ("r-xs", LIBRARY, 80_000, 0, False),
        ("r-xp", LIBRARY, 80, 0, False),
        ("r--p", "/tmp/rows.arrow", 80_000, 0, False),
        ("r-xp", "[vdso]", 80_000, 0, False),
        ("rw-p", "", 80_000, 0, False),
    ],
)
def test_only_what_the_file_gives_again_is_let_go(
    rights: str, name: str, resident: int, private: int, let_go: bool
) -> None:
    between = mapping("rw-p", "[heap]", 9_000, 9_000)
    maps = between + mapping(rights, name, resident, private) + between
    assert list(_untouched(maps)) == [(0x7F1000000000, 0x7F1000100000)] * let_go


def test_code_that_was_let_go_still_runs() -> None:
    give_back_code()
    assert sorted([3, 1, 2]) == [1, 2, 3]

"""`relasi demo`: real purchases in, an insight out; never twice, and only ever deletes its own."""

import re
import shutil
import signal
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, Ran, digest, done, finish, relasi, start
from support.histories import HISTORY, csv_file
from support.interrupted import wait_for_rows

PURCHASES: Final = 69_659
CUSTOMERS: Final = 23_570


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory of a first demo, and what it said."""
    data = tmp_path_factory.mktemp("demo") / "data"
    return data, done("demo", "--data", data)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def insight(said: str) -> str:
    return said[said.index("How ") : said.index("Try next")]


def test_it_ends_on_an_insight(shown: tuple[Path, str]) -> None:
    data, said = shown
    assert f"CDNOW_master.txt.gz: {PURCHASES:,} touchpoints imported\n" in said
    assert f"How {CUSTOMERS:,} relationships stand on 1998-06-30" in said
    stages = dict(re.findall(r"^  ([a-z]+) +([\d,]+)(?:  █.*)?$", insight(said), re.MULTILINE))
    assert list(stages) == ["awareness", "exploration", "commitment", "dissolution"]
    assert sum(number(count) for count in stages.values()) == CUSTOMERS
    assert len(re.findall(r"^  \d{5} +(?:exploration|commitment) ", said, re.M)) == 10
    months = dict(re.findall(r"^  (199\d-\d\d) +([\d,]+)", said, re.M))
    assert f"What silence alone changed: {sum(number(count) for count in months.values()):,} " in said
    assert said.count(f"--data {data}") == 3


@pytest.mark.slow
def test_the_commands_to_try_next_work(shown: tuple[Path, str]) -> None:
    data, said = shown
    (customer,) = re.findall(r"relasi customer (\S+)", said)
    assert done("customer", customer, "--data", data).startswith(f"Customer {customer}: ")
    assert "silence would change" in done("advance", "--to", "1998-12-31", "--data", data)
    (sql,) = re.findall(r'relasi query .*"(.+)"', said)
    assert "exploration" in done("query", sql, "--data", data)


@pytest.mark.slow
def test_a_second_one_doubles_nothing_and_says_so(shown: tuple[Path, str]) -> None:
    data, said = shown
    before = digest(data)
    again = done("demo", "--data", data)
    assert f"The replay in {data} is finished: nothing is replayed" in again
    assert "imported before" in again
    assert insight(again) == insight(said)
    assert digest(data) == before


@pytest.mark.slow
def test_one_that_was_cut_off_goes_on(shown: tuple[Path, str], data: Path) -> None:
    with start("demo", "--data", data) as process:
        assert 0 < wait_for_rows(data) < PURCHASES
        process.send_signal(signal.SIGINT)
        ran = finish(process)
    assert ran == Ran(130, "", "stopped; what was acknowledged is kept, and the next start goes on from there\n")
    again = done("demo", "--data", data)
    assert "was cut off: it goes on where it stopped" in again
    assert insight(again) == insight(shown[1])


@pytest.mark.slow
def test_clean_starts_anew(shown: tuple[Path, str], data: Path) -> None:
    shutil.copytree(shown[0], data, symlinks=True)
    other = csv_file(HISTORY[:3], data.with_name("other.csv"))
    done("import", other, "--data", data)
    said = done("demo", "--clean", "--data", data)
    assert "nothing is replayed" not in said
    assert insight(said) == insight(shown[1])


def test_it_refuses_a_directory_that_holds_something_else(imported: Directory, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"")
    for directory in (imported.path, photos):
        before = sorted(directory.rglob("*"))
        for words in (("demo",), ("demo", "--clean")):
            ran = relasi(*words, "--data", directory)
            assert (ran.code, ran.out) == (1, "")
            assert "holds something else than a demo" in ran.err
        assert sorted(directory.rglob("*")) == before

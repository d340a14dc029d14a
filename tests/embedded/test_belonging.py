"""A log, its rows and its reports: what is not of one log is refused, and what is missing is made anew from the log."""

import shutil
import signal
from pathlib import Path
from typing import Final

import pytest
from support.command import Content, Directory, Ran, content, contents, done, finish, relasi, rows, start
from support.histories import HISTORY, csv_file, csv_of
from support.sampled import some, spread

from streams.embedded.belonging import REPORTS
from streams.embedded.log import FILE_NAME, Log
from streams.embedded.made_from import read_made_from
from streams.embedded.rebuilding import FORMER
from streams.embedded.rows_file import FILE_NAME as ROWS
from streams.embedded.session import Session
from streams.engine.partition import Partition

HALF: Final = len(HISTORY) // 2


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """Two imports, the second with rows that are known and one that is no touchpoint; ``half`` beside it: the first."""
    data = tmp_path_factory.mktemp("shop") / "data"
    done("import", csv_file(HISTORY[:HALF], data.with_name("first.csv")), "--data", data)
    shutil.copytree(data, data.with_name("half"), symlinks=True)
    second = data.with_name("second.csv")
    second.write_text(csv_of(HISTORY[HALF - 20 :]) + "nonsense\n")
    done("import", second, "--data", data)
    return Directory(data, content(data))


@pytest.fixture
def copy(shop: Directory, data: Path) -> Path:
    shutil.copytree(shop.path, data, symlinks=True)
    return data


def refused(data: Path, *told: str) -> None:
    """Whoever opens the directory is told so, and nothing is changed."""
    file = csv_file(HISTORY[:5], data.with_name("some.csv"))
    before = {path.relative_to(data): path.stat().st_size for path in data.rglob("*") if path.is_file()}
    for words in (("import", file), ("query", "SELECT 1"), ("customer", "ann-000"), ("policy", "show")):
        ran = relasi(*words, "--data", data)
        assert (ran.code, ran.out) == (1, ""), (words, ran)
        for each in told:
            assert each in ran.err, (words, ran.err)
    after = {path.relative_to(data): path.stat().st_size for path in data.rglob("*") if path.is_file()}
    assert {name for name in before if before[name] != after.get(name)} <= {Path("relasi.lock")}


def remove(data: Path, *names: str) -> None:
    for name in names:
        for path in data.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_log_that_is_gone_is_refused(copy: Path) -> None:
    remove(copy, FILE_NAME)
    refused(
        copy, f"{FILE_NAME}: is gone, but rows.sqlite and reports of it are there", "Bring back", "move rows.sqlite"
    )
    remove(copy, ROWS)
    refused(copy, "is gone, but reports of it are there")
    assert relasi("reports", "rebuild", "--data", copy).code == 1
    remove(copy, REPORTS)
    done("import", csv_file(HISTORY[:5], copy.with_name("some.csv")), "--data", copy)


def test_a_log_that_is_empty_is_refused(copy: Path) -> None:
    (copy / FILE_NAME).write_bytes(b"")
    refused(copy, f"{FILE_NAME}: is empty, but rows.sqlite and reports of it are there", "Bring back")


@pytest.mark.slow
def test_an_older_log_is_refused_and_can_be_begun_with(copy: Path, shop: Directory) -> None:
    half = shop.path.with_name("half")
    shutil.copy(half / FILE_NAME, copy / FILE_NAME)
    refused(copy, "is older than what was made of it", "Bring back", "`relasi reports rebuild`")
    remove(copy, ROWS)
    refused(copy, "is older than what was made of it", "reports reaches up to", "`relasi reports rebuild`")
    assert "are made anew from" in done("reports", "rebuild", "--data", copy)
    assert content(copy) == content(half)


@pytest.mark.slow
def test_another_log_is_refused_and_can_be_begun_with(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done("import", csv_file(HISTORY[100:], tmp_path / "other.csv"), "--data", other)
    shutil.copy(other / FILE_NAME, copy / FILE_NAME)
    refused(copy, "rows.sqlite: was made from another log", "Bring back", "`relasi reports rebuild`")
    remove(copy, ROWS)
    refused(copy, "reports: were made from another log", "Bring back", "`relasi reports rebuild`")
    done("reports", "rebuild", "--data", copy)
    assert content(copy) == content(other)
    assert done("customer", "ann-000", "--json", "--data", copy) == done(
        "customer", "ann-000", "--json", "--data", other
    )


def check(data: Path, expected: Content) -> None:
    """All is as it was, and goes on."""
    assert rows(data, "SELECT count() AS n FROM touchpoints") == [{"n": len(expected["touchpoints"])}]
    assert content(data) == expected
    assert not (data / FORMER).exists()
    said = done("import", csv_file(HISTORY, data.with_name("again.csv")), "--data", data)
    assert f"{len(HISTORY)} were known already" in said
    assert content(data, "profiles", "transitions") == {name: expected[name] for name in ("profiles", "transitions")}


@pytest.mark.slow
def test_rows_that_are_gone_are_made_anew(copy: Path, shop: Directory) -> None:
    remove(copy, ROWS)
    check(copy, shop.content)


@pytest.mark.slow
def test_reports_that_are_gone_are_made_anew(copy: Path, shop: Directory) -> None:
    remove(copy, REPORTS)
    check(copy, shop.content)


@pytest.mark.slow
def test_rows_and_reports_that_are_gone_are_made_anew(copy: Path, shop: Directory) -> None:
    remove(copy, ROWS, REPORTS)
    # What was imported, and whatever files were refused, stands in the log too.
    imported = done("imports", "--format", "json", "--data", shop.path)
    assert "second.csv" in imported
    assert done("imports", "--format", "json", "--data", copy) == imported
    check(copy, shop.content)


@pytest.mark.slow
def test_reports_that_are_older_than_the_rows_are_made_anew(copy: Path, shop: Directory) -> None:
    remove(copy, REPORTS)
    shutil.copytree(shop.path.with_name("half") / REPORTS, copy / REPORTS, symlinks=True)
    check(copy, shop.content)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["touchpoints_raw", "profiles_raw"])
def test_reports_of_which_a_part_is_torn_are_made_anew(table: str, copy: Path, shop: Directory) -> None:
    (part, *_) = (path for path in (copy / REPORTS / "data" / "relasi" / table).resolve().glob("all_*"))
    file = max(part.iterdir(), key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    check(copy, shop.content)


@pytest.mark.slow
def test_rows_that_are_damaged_are_made_anew_when_that_is_asked_for(copy: Path, shop: Directory) -> None:
    (copy / ROWS).write_bytes(b"nonsense" * 10_000)
    for words in (("query", "SELECT 1"), ("policy", "show")):
        ran = relasi(*words, "--data", copy)
        assert (ran.code, ran.out) == (1, "")
        assert "rows.sqlite: this is not a readable database" in ran.err
        assert "`relasi reports rebuild`" in ran.err
    done("reports", "rebuild", "--data", copy)
    check(copy, shop.content)


@pytest.mark.slow
def test_a_row_that_is_damaged_is_made_anew_when_that_is_asked_for(copy: Path, shop: Directory) -> None:
    with Session(copy, "a test") as session, session.rows.transaction():
        session.rows._connection.execute(
            "UPDATE checkpoint SET value = CAST(substr(value, 1, 20) || x'ff' AS BLOB) WHERE key < x'ff'"
        )
    ran = relasi("policy", "show", "--data", copy)
    assert (ran.code, ran.out) == (1, "")
    assert "damaged" in ran.err
    done("reports", "rebuild", "--data", copy)
    check(copy, shop.content)


KILLED: Final = """
import os, signal, sys
from pathlib import Path
from streams.embedded import rebuilding
from streams.embedded.session import Session
from streams.reports.chdb import ChdbSink

left = int(sys.argv[2])

def step():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def stepping(function):
    def stepped(*words, **options):
        step()
        result = function(*words, **options)
        step()
        return result
    return stepped

for name in ("create", "insert", "insert_touchpoints"):
    setattr(ChdbSink, name, stepping(getattr(ChdbSink, name)))
for name in ("put_aside", "write_made_from"):
    setattr(rebuilding, name, stepping(getattr(rebuilding, name)))
with Session(Path(sys.argv[1]), "a test"):
    pass
print(left)
"""


@pytest.mark.slow
def test_a_rebuild_that_is_killed_at_any_step_is_done_again(shop: Directory, data: Path) -> None:
    def killed_after(steps: int) -> Ran:
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(shop.path, data, symlinks=True)
        remove(data, REPORTS)
        shutil.copytree(shop.path.with_name("half") / REPORTS, data / REPORTS, symlinks=True)
        return finish(start(data, str(steps), program=KILLED))

    whole = killed_after(1_000)
    assert whole.code == 0, whole
    steps = 1_000 - int(whole.out)
    assert steps > 12
    for survived in some(spread(range(1, steps, 3), 2), 5):
        assert killed_after(survived).code == -signal.SIGKILL
        assert rows(data, "SELECT count() AS n FROM touchpoints") == [{"n": len(shop.content["touchpoints"])}], survived
        assert content(data) == shop.content, survived
        made = read_made_from(data / REPORTS)
        assert made is not None
        assert made.whole
        assert not (data / FORMER).exists()


def test_a_rebuild_shows_how_far_it_is(copy: Path, shop: Directory) -> None:
    remove(copy, REPORTS)
    told: list[tuple[str, int, int]] = []
    with Session(copy, "a test", progress=lambda *step: told.append(step)) as session:
        assert contents(session.sink, "profiles") == {"profiles": shop.content["profiles"]}
    assert ("making the reports anew", session_end(copy), session_end(copy)) in told


def session_end(data: Path) -> int:
    with Log(data) as log:
        return log.end_offset("relasi.touchpoints.v1", 0)


@pytest.fixture
def few_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are packed and unpacked all the time."""
    monkeypatch.setitem(Partition.__init__.__kwdefaults__ or {}, "hot_rows", 8)


@pytest.mark.slow
@pytest.mark.usefixtures("few_hot")
def test_with_a_hot_set_of_eight_rows_all_is_the_same(copy: Path, shop: Directory, tmp_path: Path) -> None:
    remove(copy, ROWS, REPORTS)
    check(copy, shop.content)
    for name in ("first.csv", "second.csv"):
        done("import", shop.path.with_name(name), "--data", tmp_path / "few")
    assert content(tmp_path / "few") == shop.content

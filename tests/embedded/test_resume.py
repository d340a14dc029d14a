"""Imports that are cut off: the next one of the same file goes on, and nothing shows in the end."""

import shutil
import signal
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, content, digest, done, finish, start
from support.histories import HISTORY, csv_file, csv_of, history
from support.interrupted import PROGRAM, cut, moments, resume, wait_for_rows
from support.sampled import some

from streams.embedded.log import Log
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.outputs.catalogue import SPOKEN

OUT: Final = [output.topic.named() for output in SPOKEN if output.topic]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history out of order, with ids that stand twice and a bad row."""
    lines = csv_of([*HISTORY[120:], *HISTORY[:140]]).splitlines()
    lines.insert(50, "nonsense")
    path = tmp_path_factory.mktemp("file") / "history.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def uninterrupted(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Directory:
    data = tmp_path_factory.mktemp("uninterrupted") / "data"
    done("import", file, "--data", data)
    return Directory(data, content(data))


def ends(data: Path) -> list[int]:
    """How many messages each topic holds."""
    with Log(data) as log, RowsFile(data) as rows:
        return [log.end_offset(TOUCHPOINTS_TOPIC, 0), *(rows.end_offset(topic, 0) for topic in OUT)]


def telling(names: list[str]) -> list[tuple[int, str]]:
    """Every third moment, and the first of each name: those of one name come again with every step."""
    return [(at, name) for at, name in enumerate(names) if at % 3 == 0 or names.index(name) == at]


def check_log(data: Path, whole: Directory) -> None:
    # Nothing went twice into the log, nor twice out of it.
    assert ends(data) == ends(whole.path)
    with Log(data) as log, Log(whole.path) as other:
        (progress,), (expected,) = log.imports(), other.imports()
    assert (progress.rows_done, progress.known, progress.rejects, progress.state) == (
        (expected.rows_done, expected.known, expected.rejects, expected.state)
    )
    assert not list(data.glob("import-*"))


@pytest.mark.slow
def test_an_import_in_small_steps_is_the_same(file: Path, uninterrupted: Directory, data: Path) -> None:
    seen = moments(data, file)
    assert content(data) == uninterrupted.content
    assert ends(data) == ends(uninterrupted.path)
    # Reports are written in between, and checkpoints too.
    assert seen.count("after touchpoints") > 2
    assert "after profiles_raw" in seen
    assert "after rejects_raw" in seen


@pytest.mark.slow
def test_an_import_goes_on_from_any_moment(file: Path, uninterrupted: Directory, tmp_path: Path) -> None:
    names = moments(tmp_path / "whole", file)
    expected = digest(uninterrupted.path)
    with Session(tmp_path / "new", "a test"):
        pass
    for number, name in some(telling(names[:-1]), 4):
        data = tmp_path / str(number)
        # Its tables are there: to create them takes longer than all that follows.
        shutil.copytree(tmp_path / "new", data, symlinks=True)
        cut(data, file, number)
        assert resume(data, file) == expected, f"cut off at moment {number}, {name}"
        check_log(data, uninterrupted)
        shutil.rmtree(data)


@pytest.mark.slow
def test_an_import_that_is_killed_goes_on(file: Path, uninterrupted: Directory, tmp_path: Path) -> None:
    names = moments(tmp_path / "whole", file)
    last = len(names) - 1
    killed_at = {
        "within the first transaction": names.index("before a commit"),
        "between the reports and the checkpoint": names.index("after transitions_raw"),
        "within a checkpoint": names.index("before a checkpoint", len(names) // 2),
        "between two steps": names.index("after a commit", len(names) // 2),
        "before the last commit": last - names[::-1].index("before a commit"),
    }
    for number, when in some([*enumerate(killed_at)], 3):
        data = tmp_path / str(number)
        ran = finish(start(data, file, str(killed_at[when]), program=PROGRAM))
        assert ran.code == -signal.SIGKILL, ran
        done("import", file, "--data", data)
        assert content(data) == uninterrupted.content, when
        check_log(data, uninterrupted)


MANY: Final = 140_000


@pytest.mark.slow
def test_the_command_itself_is_killed_and_goes_on(tmp_path: Path) -> None:
    some = csv_file(history(customers=3000, touchpoints=MANY, days=600, seed=2), tmp_path / "many.csv")
    data, whole = tmp_path / "data", tmp_path / "whole"
    with start("import", some, "--data", data) as process:
        rows_done = wait_for_rows(data)
        process.kill()
    assert 0 < rows_done < MANY
    resumed = done("import", some, "--data", data)
    assert f"many.csv: {MANY:,} touchpoints imported, resumed after" in resumed
    done("import", some, "--data", whole)
    assert digest(data) == digest(whole)
    assert ends(data) == ends(whole)

"""Questions restore nobody, and need nothing that can be written."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import Directory, Ran, done, rows
from support.forked import ENVIRONMENT
from support.histories import HISTORY
from support.sampled import some, spread

from schemas.bodies import bodies_of
from streams.embedded.lock import DirectoryInUse, DirectoryLock, SharedLock
from streams.embedded.looking import Look, NotReady, opened_to_ask
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.reports.chdb import ChdbSink
from streams.reports.mirror import mirrored

# Who may do anything is held to the rights of a file as others are.
WITHOUT_POWERS: Final = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
QUESTION: Final = "SELECT count() AS n FROM touchpoints"


@pytest.fixture
def copy(imported: Directory, data: Path) -> Path:
    shutil.copytree(imported.path, data, symlinks=True)
    return data


@pytest.fixture
def read_only(copy: Path) -> Iterator[Path]:
    """Neither files nor folders can be written to."""
    there = [copy, *copy.rglob("*")]
    before = {path: path.stat().st_mode for path in there if not path.is_symlink()}
    for path, mode in before.items():
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield copy
    for path, mode in before.items():
        path.chmod(mode)


def asked(*words: str | Path) -> Ran:
    """The command, by somebody who may not write where rights say so."""
    command = [*WITHOUT_POWERS, sys.executable, "-W", "error", "-m", "streams.cli", *map(str, words)]
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"]}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.slow
def test_a_directory_that_cannot_be_written_to_is_asked(read_only: Path, imported: Directory) -> None:
    ran = asked("query", QUESTION, "--format", "json", "--data", read_only)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == [{"n": len(HISTORY)}]
    ran = asked("customer", "ann-000", "--json", "--data", read_only)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == done("customer", "ann-000", "--json", "--data", imported.path)
    ran = asked("customer", "nobody", "--data", read_only)
    assert (ran.code, ran.out) == (1, "")
    assert "no customer 'nobody'" in ran.err


@pytest.mark.slow
def test_what_needs_to_write_there_says_so(read_only: Path) -> None:
    ran = asked("advance", "--to", "2030-01-01", "--data", read_only)
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be used as a data directory (Permission denied)" in ran.err


def test_what_only_a_writer_can_bring_up_to_date_is_told(copy: Path) -> None:
    with Session(copy, "a test") as session:
        session.runner.tick(session.runner.partition.time + 1)
    with RowsFile(copy) as file, file.transaction():
        file.put_setting("unreported", "1")
    with pytest.raises(NotReady, match="waits to be applied or reported; run the command once as a user who may write"):
        Look(copy, "a test", writable=False)
    with opened_to_ask(copy, "a test") as opened:
        assert isinstance(opened, Session)
    with opened_to_ask(copy, "a test") as looking:
        assert isinstance(looking, Look)


@pytest.mark.parametrize("waiting", ["a tick", "a reject"])
def test_what_waits_is_applied_before_anything_is_answered(waiting: str, copy: Path) -> None:
    with Session(copy, "a test") as session:
        if waiting == "a tick":
            session.runner.tick(session.runner.partition.time + 1)
        else:
            with session.log.transaction():
                session.runner.append_rejects(bodies_of([b"a reject"]))
        session.finished = True  # as if it had been killed
    with opened_to_ask(copy, "a test") as opened:
        assert isinstance(opened, Session)
        assert opened.sink.query(QUESTION)["n"].to_pylist() == [len(HISTORY)]


def everybody(data: Path) -> dict[str, dict[str, Any]]:
    """What the whole partition and one row alone say of a customer."""
    customers = [
        row["customer_id"] for row in rows(data, "SELECT customer_id FROM profiles ORDER BY customer_id LIMIT 8")
    ]
    return {who: json.loads(done("customer", who, "--json", "--data", data)) for who in some(spread(customers, 2), 4)}


@pytest.mark.slow
def test_one_row_alone_says_what_it_says_among_all(copy: Path) -> None:
    alone = everybody(copy)
    # What waits has the whole session opened: nothing of it concerns a customer.
    found = {}
    for who in alone:
        with RowsFile(copy) as file, file.transaction():
            file.put_setting("unreported", "1")
        found[who] = json.loads(done("customer", who, "--json", "--data", copy))
    assert found == alone


def test_who_only_asks_shares_the_directory_and_keeps_writers_out(copy: Path) -> None:
    with SharedLock(copy), SharedLock(copy), pytest.raises(DirectoryInUse):
        DirectoryLock(copy, "a test")
    with DirectoryLock(copy, "a test"), pytest.raises(DirectoryInUse, match="a test"):
        SharedLock(copy)


def test_a_mirror_leaves_what_it_shows_as_it_is(copy: Path, imported: Directory) -> None:
    def files(folder: Path) -> dict[Path, bytes]:
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = files(copy / "reports")
    with mirrored(copy / "reports") as mirror, closing(ChdbSink(mirror)) as sink:
        sink.create()
        sink.insert("logs_raw", sink.query("SELECT 'x' AS id, toInt64(1) AS epoch, now64(3, 'UTC') AS known_at"))
        assert sink.query(QUESTION)["n"].to_pylist() == [len(HISTORY)]
    assert files(copy / "reports") == before
    assert not mirror.exists()

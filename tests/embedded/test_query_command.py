"""`relasi query`: questions and their answers."""

import json
import os
from pathlib import Path

import pytest
from support.command import Directory, done, relasi, start
from support.histories import HISTORY

from streams.embedded.lock import DirectoryLock

SQL = "SELECT kind, count() AS many FROM touchpoints GROUP BY kind ORDER BY many DESC LIMIT 1"


def test_the_answer_comes_in_three_formats(imported: Directory) -> None:
    many = sum(row["kind"] == "order_completed" for row in HISTORY)
    as_json = json.loads(done("query", SQL, "--format", "json", "--data", imported.path))
    assert as_json == [{"kind": "order_completed", "many": many}]
    assert done("query", SQL, "--format", "csv", "--data", imported.path) == f"kind,many\r\norder_completed,{many}\r\n"
    assert done("query", SQL, "--data", imported.path).splitlines()[2].split() == ["order_completed", str(many)]


@pytest.mark.parametrize("sql", ["SELECT nothing", "DROP TABLE touchpoints_raw", "SELECT 1; SELECT 2"])
def test_a_question_that_cannot_be_answered_says_why(sql: str, imported: Directory) -> None:
    ran = relasi("query", sql, "--data", imported.path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("relasi: ")


def test_a_reader_that_has_seen_enough_is_no_problem(imported: Directory) -> None:
    with start("query", "SELECT number FROM numbers(200000)", "--format", "csv", "--data", imported.path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "number\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.parametrize("words", [("query", "SELECT 1"), ("customer", "ann"), ("advance", "--to", "2030-01-01")])
def test_what_is_not_there_cannot_be_asked(words: tuple[str, ...], data: Path) -> None:
    ran = relasi(*words, "--data", data)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"relasi: {data} holds nothing yet; begin with `relasi import FILE`, or see --data\n"
    assert not data.exists()


def test_a_directory_in_use_is_refused_with_the_pid_of_its_user(imported: Directory) -> None:
    with DirectoryLock(imported.path, "relasi import"):
        ran = relasi("query", "SELECT 1", "--data", imported.path)
    assert (ran.code, ran.out) == (1, "")
    assert f"is used by process {os.getpid()} (relasi import)" in ran.err

"""`relasi run`: answers other processes, lets time pass by the clock, and ends without loss."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, content, digest, done, elsewhere, finish, relasi, rows, start
from support.histories import HISTORY, csv_file, csv_of, history
from support.interrupted import wait_for_rows
from support.running import running, socket_of, stop, until

from streams.embedded.client import ask
from streams.embedded.database import ENGINE
from streams.embedded.log import Log
from streams.embedded.rows_file import RowsFile
from streams.log.topics import TOUCHPOINTS_TOPIC

NO_TICKS: Final = ("--tick-seconds", "86400")
FACTS: Final = "SELECT * FROM transitions ORDER BY customer_id, id"
PROFILES: Final = "SELECT customer_id, purchases, spend_minor, last_at FROM profiles ORDER BY customer_id"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with the history, held by a running process."""
    data = tmp_path_factory.mktemp("held") / "data"
    with running(data, *NO_TICKS):
        done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
        yield data


def test_it_answers_questions(held: Path, imported: Directory) -> None:
    assert rows(held, PROFILES) == rows(imported.path, PROFILES)


def test_it_shows_a_customer(held: Path) -> None:
    assert done("customer", "ann-000", "--data", held).startswith("Customer ann-000: ")
    ran = relasi("customer", "nobody", "--data", held)
    assert (ran.code, ran.out) == (1, "")
    assert "no customer 'nobody'" in ran.err


def test_it_shows_its_policy_and_the_future(held: Path) -> None:
    assert done("policy", "show", "--data", held) == done("policy", "show", "--data", held)
    assert 'name = "commerce"' in done("policy", "show", "--data", held)
    assert "silence would change" in done("advance", "--to", "2200-01-01", "--data", held)


def test_what_goes_wrong_is_told_to_the_one_who_asked(held: Path) -> None:
    for words in (("query", "SELECT nothing"), ("import", "missing.csv"), ("policy", "apply", "missing.toml")):
        ran = relasi(*words, "--data", held)
        assert ran.code in (1, 2)
        assert ran.out == ""
        assert ran.err
    assert ask(socket_of(held), ["query", "SELECT 1"], Path("/nowhere"), lambda _: None, lambda _: None) == 1
    assert ask(socket_of(held), ["demo"], Path("/"), lambda _: None, lambda _: None) == 2
    assert rows(held, "SELECT 1 AS one") == [{"one": 1}]


def test_long_answers_arrive_whole(held: Path) -> None:
    (row,) = rows(held, "SELECT repeat('é→', 60000) AS text")
    assert row["text"] == "é→" * 60_000


def test_a_second_one_is_refused_with_the_pid_of_the_first(data: Path) -> None:
    with running(data) as first:
        ran = elsewhere("run", "--data", data)
        assert (ran.code, ran.out) == (1, "")
        assert f"{data} is used by process {first.pid} (relasi run)" in ran.err


def test_it_imports_for_others_from_their_directory(imported: Directory, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    csv_file(HISTORY[:100], there / "first.csv")
    with running(Path("data"), *NO_TICKS, cwd=here) as process:
        ran = elsewhere("import", "first.csv", "--data", "../here/data", cwd=there)
        assert ran.out.startswith("first.csv: 100 touchpoints imported\n"), ran
        ran = elsewhere("import", "-", "--data", "../here/data", given=csv_of(HISTORY[90:]), cwd=there)
        assert ran.out.startswith("standard input: 140 touchpoints imported\n  10 were known already and left out\n"), (
            ran
        )
        ran = elsewhere("import", "-", "--data", "../here/data", cwd=there)
        assert (ran.code, ran.out) == (1, "")
        assert "standard input: is empty" in ran.err
        assert stop(process).code == 0
    assert [path.name for path in there.iterdir()] == ["first.csv"]
    assert {path.name for path in (here / "data").iterdir()} == {
        "relasi.sqlite",
        "rows.sqlite",
        "relasi.lock",
        "reports",
    }
    assert content(here / "data")["touchpoints"] == imported.content["touchpoints"]


def test_sigterm_ends_it_with_everything_lasting(imported: Directory, data: Path) -> None:
    with running(data, *NO_TICKS) as process:
        done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
        facts, profiles = rows(data, FACTS), rows(data, PROFILES)
        ran = stop(process)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert not (data / "relasi.sock").exists()
    assert content(data, "touchpoints")["touchpoints"] == imported.content["touchpoints"]
    assert rows(data, FACTS) == facts
    assert rows(data, PROFILES) == profiles == rows(imported.path, PROFILES)


def test_kill_loses_nothing_that_was_acknowledged(imported: Directory, data: Path) -> None:
    with running(data, *NO_TICKS) as process:
        done("import", csv_file(HISTORY[:120], data.with_name("first.csv")), "--data", data)
        facts = rows(data, FACTS)
        process.kill()
        process.wait()
    with running(data, *NO_TICKS) as process:
        assert rows(data, FACTS) == facts
        done("import", csv_file(HISTORY[120:], data.with_name("then.csv")), "--data", data)
        facts = rows(data, FACTS)
        process.kill()
    assert rows(data, FACTS) == facts
    assert content(data, "touchpoints")["touchpoints"] == imported.content["touchpoints"]
    assert rows(data, PROFILES) == rows(imported.path, PROFILES)


def test_the_clock_ends_a_relationship_whose_silence_is_due(imported: Directory, data: Path) -> None:
    done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
    before = {fact["id"] for fact in imported.content["transitions"]}
    began = datetime.now(UTC)
    with running(data, "--tick-seconds", "0.2") as process:
        sql = "SELECT id, at, known_at FROM transitions WHERE cause = 'silence' AND known_at > '{}'"
        wanted = sql.format(began.strftime("%Y-%m-%d %H:%M:%S"))
        until(lambda: rows(data, wanted) != [])
        (stages,) = rows(data, "SELECT groupUniqArray(stage) AS stages FROM profiles WHERE purchases > 0")
        assert stop(process).code == 0
    assert stages == {"stages": ["dissolution"]}
    ended = rows(data, wanted)
    assert before.isdisjoint(row["id"] for row in ended)
    # It ended when its silence was due, not when the clock was looked at.
    assert all(row["at"] < row["known_at"] for row in ended)
    assert all(row["at"] < "2025" for row in ended)


def test_it_can_be_told_a_policy_and_to_commit_time(data: Path) -> None:
    policy = data.with_name("strict.toml")
    with running(data, *NO_TICKS):
        shown = done("policy", "show", "--data", data)
        policy.write_text(shown.replace("return_below = 0.1", "return_below = 0.2"))
        assert "is in force" in done("policy", "apply", policy, "--data", data)
        assert done("policy", "show", "--data", data) == policy.read_text()
        done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
        assert "Committed" in done("advance", "--to", "2200-01-01", "--commit", "--data", data)
        assert relasi("advance", "--to", "2199-01-01", "--data", data).code == 2
        assert rows(data, "SELECT DISTINCT stage FROM profiles WHERE purchases > 0") == [{"stage": "dissolution"}]


MANY: Final = 140_000


@pytest.mark.slow
def test_sigterm_ends_it_in_the_midst_of_an_import_which_then_goes_on(tmp_path: Path) -> None:
    some = csv_file(history(customers=3000, touchpoints=MANY, days=600, seed=2), tmp_path / "many.csv")
    data, whole = tmp_path / "data", tmp_path / "whole"
    with running(data, *NO_TICKS) as process, start("import", some, "--data", data) as asking:
        assert 0 < wait_for_rows(data) < MANY
        ran = stop(process)
        asked = finish(asking)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (asked.code, asked.out) == (1, "")
    assert "is ending" in asked.err
    with Log(data) as log, RowsFile(data) as rows_file:
        (progress,) = log.imports()
        assert 0 < progress.rows_done < MANY
        assert rows_file.position(ENGINE, TOUCHPOINTS_TOPIC, 0) == log.end_offset(TOUCHPOINTS_TOPIC, 0)
    said = done("import", some, "--data", data)
    assert f"many.csv: {MANY:,} touchpoints imported, resumed after {progress.rows_done:,}" in said
    done("import", some, "--data", whole)
    # By the clock all of it is late, so the facts are others; what is counted is not.
    assert digest(data)["touchpoints"] == digest(whole)["touchpoints"]
    assert rows(data, PROFILES) == rows(whole, PROFILES)

"""`relasi import` where part of it was there before, or where it comes in another order."""

import shutil
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, Ran, content, done, relasi, rows
from support.histories import HISTORY, csv_file, jsonl_file, without

from streams.embedded.log import Log
from streams.log.messages import TOUCHPOINTS_TOPIC

MANY: Final = len(HISTORY)


def end_of_log(data: Path) -> int:
    with Log(data) as log:
        return log.end_offset(TOUCHPOINTS_TOPIC, 0)


@pytest.mark.slow
def test_the_same_file_twice_changes_nothing_under_whatever_name(imported: Directory, data: Path) -> None:
    shutil.copytree(imported.path, data, symlinks=True)
    end = end_of_log(data)
    for name in ("history.csv", "other.csv"):
        said = done("import", csv_file(HISTORY, data.with_name(name)), "--data", data)
        assert said == f"{name}: imported before ({MANY} touchpoints); nothing was changed\n"
    assert content(data) == imported.content
    assert end_of_log(data) == end


@pytest.mark.slow
def test_the_same_rows_in_another_file_change_nothing_either(data: Path) -> None:
    some = [row | {"customer_id": "one"} for row in HISTORY]
    done("import", csv_file(some, data.with_name("history.csv")), "--data", data)
    before, end = content(data), end_of_log(data)
    ran = relasi("import", jsonl_file(some, data.with_name("history.jsonl")), "--data", data)
    said = f"history.jsonl: 0 touchpoints imported\n  {MANY} were known already and left out\n"
    assert ran == Ran(0, said, "")
    assert content(data) == before
    # They stand in the log all the same, marked: who rebuilds from it without the first import finds them there.
    assert end_of_log(data) == end + MANY


@pytest.mark.slow
@pytest.mark.parametrize("ids", [True, False], ids=["own ids", "made ids"])
def test_an_overlapping_export_imports_what_is_new(
    ids: bool, imported: Directory, imported_without_ids: Directory, data: Path
) -> None:
    some = HISTORY if ids else without("event_id", HISTORY)
    done("import", csv_file(some[:150], data.with_name("until-june.csv")), "--data", data)
    ran = relasi("import", csv_file(some[90:], data.with_name("since-april.csv")), "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("since-april.csv: 90 touchpoints imported\n  60 were known already and left out\n")
    assert content(data) == (imported if ids else imported_without_ids).content


@pytest.mark.slow
def test_an_event_that_stands_twice_in_a_file_counts_once(imported: Directory, data: Path) -> None:
    twice = [*HISTORY[:100], *HISTORY[50:100], *HISTORY[100:]]
    said = done("import", csv_file(twice, data.with_name("twice.csv")), "--data", data)
    assert said.splitlines()[:2] == [
        f"twice.csv: {MANY} touchpoints imported",
        "  50 were known already and left out",
    ]
    assert content(data) == imported.content


def test_identical_rows_without_ids_are_as_many_events(data: Path) -> None:
    said = done("import", csv_file(without("event_id", HISTORY[:1]) * 3, data.with_name("thrice.csv")), "--data", data)
    assert said.startswith("thrice.csv: 3 touchpoints imported\n")
    assert len(content(data, "touchpoints")["touchpoints"]) == 3


@pytest.mark.slow
def test_a_file_out_of_order_is_sorted(imported: Directory, data: Path) -> None:
    said = done("import", csv_file(HISTORY[::-1], data.with_name("newest-first.csv")), "--data", data)
    assert "sorted by occurred_at first" in said
    assert content(data) == imported.content


@pytest.mark.slow
def test_as_arrived_keeps_the_order_of_the_file(imported: Directory, data: Path) -> None:
    file = csv_file(HISTORY[::-1], data.with_name("newest-first.csv"))
    assert "sorted" not in done("import", file, "--as-arrived", "--data", data)
    assert any(fact["cause"] == "late" for fact in content(data, "transitions")["transitions"])
    # What was published follows arrival; the profile, which it was published from, doesn't.
    profile = (
        "SELECT customer_id, touchpoints, purchases, purchase_days, spend_minor, first_at, last_at FROM profiles "
        "ORDER BY customer_id"
    )
    assert rows(data, profile) == rows(imported.path, profile)


@pytest.mark.slow
def test_an_import_behind_the_time_of_the_log_warns_and_corrects(imported: Directory, data: Path) -> None:
    kept, missed = [*HISTORY[:100], *HISTORY[120:]], HISTORY[100:120]
    assert relasi("import", csv_file(kept, data.with_name("kept.csv")), "--data", data).err == ""
    ran = relasi("import", csv_file(missed, data.with_name("missed.csv")), "--data", data)
    assert ran.code == 0
    assert "warning: missed.csv has touchpoints from before the time of the log" in ran.err
    facts = content(data, "transitions")["transitions"]
    superseded = {identity for fact in facts if fact["cause"] == "late" for identity in fact["supersedes"]}
    assert superseded
    assert {fact["id"] for fact in facts if fact["superseded_by"]} == superseded
    views = ("touchpoints", "stage_daily")
    assert content(data, *views) == {view: imported.content[view] for view in views}
    standing = "SELECT customer_id, stage, purchases, spend_minor FROM profiles ORDER BY customer_id"
    assert rows(data, standing) == rows(imported.path, standing)

"""`relasi advance`: time as a question, and for good."""

import shutil
from pathlib import Path

import pytest
from support.command import Directory, content, done, relasi

from streams.embedded.log import Log
from streams.log.messages import TOUCHPOINTS_TOPIC


@pytest.fixture
def copied(imported: Directory, data: Path) -> Path:
    shutil.copytree(imported.path, data, symlinks=True)
    return data


def end_of_log(data: Path) -> int:
    with Log(data) as log:
        return log.end_offset(TOUCHPOINTS_TOPIC, 0)


def test_a_question_changes_nothing(copied: Path, imported: Directory) -> None:
    end = end_of_log(copied)
    said = done("advance", "--to", "2024-06-01", "--data", copied)
    assert said.startswith("Up to 2024-06-01, silence would change ")
    assert "Committed" not in said
    assert content(copied) == imported.content
    assert end_of_log(copied) == end


def test_what_was_shown_comes_true(copied: Path, imported: Directory) -> None:
    shown = done("advance", "--to", "2023-12-24T18:00:00+01:00", "--data", copied).splitlines()
    said = done("advance", "--to", "2023-12-24T17:00:00Z", "--commit", "--data", copied).splitlines()
    assert said[0] == shown[0].replace("would change", "changes")
    assert said[1:] == [*shown[1:], "Committed to the log."]
    before = {fact["id"] for fact in imported.content["transitions"]}
    facts = [fact for fact in content(copied, "transitions")["transitions"] if fact["id"] not in before]
    assert f" {len(facts)} relationships" in said[0]
    assert facts
    assert {fact["cause"] for fact in facts} == {"silence"}
    assert {fact["to_stage"] for fact in facts} == {"dissolution"}
    # Each carries the instant at which its silence was due, and when that became known.
    assert {fact["known_at"].isoformat() for fact in facts} == {"2023-12-24T17:00:00+00:00"}
    assert len({fact["at"] for fact in facts}) == len(facts)
    listed = {line.split("  ")[-1] for line in said if ": " in line}
    assert listed <= {f"{fact['customer_id']}: {fact['from_stage']} → dissolution" for fact in facts} | {
        line.strip().partition(" ")[2] for line in said
    }


@pytest.mark.slow
def test_how_time_is_cut_changes_nothing(copied: Path, imported: Directory, tmp_path: Path) -> None:
    at_once = tmp_path / "at-once"
    shutil.copytree(imported.path, at_once, symlinks=True)
    done("advance", "--to", "2024-12-31", "--commit", "--data", at_once)
    for day in ("2023-11-05", "2023-11-06", "2024-03-01", "2024-12-31"):
        done("advance", "--to", day, "--commit", "--data", copied)
    facts, expected = (
        [{**fact, "known_at": None} for fact in content(data, "transitions")["transitions"]]
        for data in (copied, at_once)
    )
    assert facts == expected
    assert content(copied, "stage_daily") == content(at_once, "stage_daily")


@pytest.mark.slow
@pytest.mark.parametrize("instant", ["2023-01-01", "1970-01-01"])
def test_time_only_moves_forward(instant: str, copied: Path, imported: Directory) -> None:
    for commit in ((), ("--commit",)):
        ran = relasi("advance", "--to", instant, *commit, "--data", copied)
        assert (ran.code, ran.out) == (2, "")
        assert "only moves forward" in ran.err
        assert "2023-10-2" in ran.err
    assert content(copied) == imported.content


@pytest.mark.parametrize("instant", ["tomorrow", "2024-13-01", ""])
def test_what_is_no_instant_is_refused(instant: str, data: Path) -> None:
    ran = relasi("advance", "--to", instant, "--data", data)
    assert (ran.code, ran.out) == (2, "")
    assert "expected one like 1998-06-30" in ran.err
    assert not data.exists()

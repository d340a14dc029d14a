"""`relasi policy`: what is wrong with one, which one is in force, and what another one makes of everybody."""

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, content, done, relasi, rows
from support.histories import HISTORY, csv_file

from streams.embedded.log import Log
from streams.log.messages import TOUCHPOINTS_TOPIC

COMMERCE: Final = (files("processors") / "policy" / "presets" / "commerce.toml").read_text()


def written(path: Path, *changes: tuple[str, str]) -> Path:
    """The policy that comes with Relasi, changed."""
    text = COMMERCE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def line_of(beginning: str) -> int:
    """Line of the policy that begins so, from 1."""
    return next(number for number, line in enumerate(COMMERCE.splitlines(), 1) if line.startswith(beginning))


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """A policy under which silence ends nothing soon."""
    return written(
        tmp_path / "patient.toml",
        ("return_below = 0.1", "return_below = 1e-9"),
        ("hiatus_days = 180", "hiatus_days = 3650"),
    )


def test_a_policy_that_can_be_used(tmp_path: Path) -> None:
    file = written(tmp_path / "mine.toml", ('name = "commerce"', 'name = "mine"'))
    assert done("policy", "check", file).startswith(f"{file}: policy 'mine' can be used (")


def test_every_problem_is_listed_with_its_line(tmp_path: Path) -> None:
    file = written(
        tmp_path / "bad.toml",
        ('unit = "week"', 'unit = "fortnight"'),
        ("hiatus_days = 180", "hiatus_days = -1"),
        ('page_viewed = { initiative = "none"', 'page_viewed = { initiative = "nobody"'),
        ("minimum_amount", "minimum_amont"),
    )
    ran = relasi("policy", "check", file)
    assert (ran.code, ran.out) == (2, "")
    told = ran.err.splitlines()
    for beginning in ("unit =", "hiatus_days", "page_viewed", "minimum_amount"):
        assert any(line.startswith(f"{file}:{line_of(beginning)}: ") for line in told), told


def test_a_threshold_that_fires_at_once_is_refused(tmp_path: Path) -> None:
    # Of version 1. Right after a purchase P(alive) is b / (a + b) = 1.614 / (0.891 + 1.614) = 0.6443.
    text = (Path(__file__).parents[1] / "data" / "policies_1" / "commerce.toml").read_text()
    file = tmp_path / "former.toml"
    file.write_text(text.replace("threshold = 0.5", "threshold = 0.64"))
    assert relasi("policy", "check", file).code == 0
    file.write_text(text.replace("threshold = 0.5", "threshold = 0.65"))
    ran = relasi("policy", "check", file)
    assert (ran.code, ran.out) == (2, "")
    line = next(number for number, told in enumerate(text.splitlines(), 1) if told.startswith("threshold"))
    assert ran.err.startswith(f"{file}:{line}: ")
    assert "at the moment of its purchase" in ran.err
    assert "0.6443" in ran.err


@pytest.mark.parametrize(
    ("contents", "told"),
    [(None, "can't be read"), (b"\xff\xfe", "isn't UTF-8"), (b"[kinds\n", ":1: not valid TOML"), (b"", ":1: ")],
)
def test_what_is_no_policy_is_told(contents: bytes | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    if contents is not None:
        file.write_bytes(contents)
    ran = relasi("policy", "check", file)
    assert (ran.code, ran.out) == (2, "")
    assert f"{file}" in ran.err
    assert told in ran.err


def test_a_new_directory_is_judged_by_the_policy_that_comes_with_relasi(data: Path) -> None:
    assert done("policy", "show", "--data", data) == COMMERCE
    assert done("policy", "--data", data, "show") == COMMERCE


@pytest.mark.slow
def test_another_policy_judges_everybody_anew(imported: Directory, patient: Path, data: Path) -> None:
    shutil.copytree(imported.path, data, symlinks=True)
    assert done("policy", "apply", patient, "--data", data).startswith("policy 'commerce' is in force (")
    assert done("policy", "show", "--data", data) == patient.read_text()

    known = {fact["id"] for fact in imported.content["transitions"]}
    facts = content(data, "transitions")["transitions"]
    new = [fact for fact in facts if fact["id"] not in known]
    assert new
    assert {(fact["cause"], fact["from_stage"]) for fact in new} == {("policy", "dissolution")}
    (policy,) = {fact["policy_hash"] for fact in new}
    # Profiles are told by the new policy; what was known before, by the policy of its time.
    assert rows(data, "SELECT DISTINCT policy_hash FROM profiles") == [{"policy_hash": policy}]
    assert rows(data, f"SELECT text FROM policies WHERE hash = '{policy}'") == [{"text": patient.read_text()}]
    assert [fact for fact in facts if fact["id"] in known] == imported.content["transitions"]


@pytest.mark.slow
def test_the_policy_is_a_record_of_the_log(patient: Path, data: Path) -> None:
    done("import", csv_file(HISTORY[:5], data.with_name("some.csv")), "--data", data)
    ends = []
    for _ in range(2):
        done("policy", "apply", patient, "--data", data)
        with Log(data) as log:
            ends.append(log.end_offset(TOUCHPOINTS_TOPIC, 0))
            last = log.read(TOUCHPOINTS_TOPIC, 0, ends[-1] - 1)
    assert b"return_below = 1e-9" in last
    # The one in force already is not written again.
    assert ends[0] == ends[1]


def test_an_import_can_bring_its_policy(imported: Directory, patient: Path, data: Path) -> None:
    file = csv_file(HISTORY, data.with_name("history.csv"))
    done("import", file, "--policy", patient, "--data", data)
    facts = content(data, "transitions")["transitions"]
    assert facts
    assert not any(fact["cause"] in ("silence", "policy") for fact in facts)
    assert content(data, "touchpoints")["touchpoints"] == imported.content["touchpoints"]


@pytest.mark.slow
def test_a_policy_that_cannot_be_used_changes_nothing(imported: Directory, tmp_path: Path, data: Path) -> None:
    shutil.copytree(imported.path, data, symlinks=True)
    bad = written(tmp_path / "bad.toml", ("return_below = 0.1", "return_below = 5"))
    other = csv_file([HISTORY[0] | {"event_id": "other"}], tmp_path / "other.csv")
    for words in (("policy", "apply", bad), ("import", other, "--policy", bad), ("run", "--policy", bad)):
        ran = relasi(*words, "--data", data)
        assert (ran.code, ran.out) == (2, "")
        assert f"{bad}:{line_of('return_below')}: " in ran.err
    assert content(data) == imported.content

"""`relasi policy test`: what it prints, its exit code, and which files it takes for stories."""

from pathlib import Path

import pytest
from support.command import done, relasi
from support.messages import policy_text
from support.stories import ORDER, story_text, touched

RIGHT = 'at = 2025-02-01\nstage = "exploration"'
WRONG = 'at = 2025-02-01\nstage = "dissolution"\npath = ["awareness"]'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_stories_that_come_out_as_expected() -> None:
    one, two = written("one.toml", story_text(expect=RIGHT)), written("two.toml", story_text(expect=RIGHT))
    assert done("policy", "test", one) == "1 story, 0 differ\n"
    assert done("policy", "test", one, two) == "2 stories, 0 differ\n"


def test_no_data_directory_is_asked_for_or_made() -> None:
    done("policy", "test", written("one.toml", story_text(expect=RIGHT)))
    assert [path.name for path in Path().iterdir()] == ["one.toml"]


def test_each_difference_is_printed_with_the_reason_of_the_story() -> None:
    good, bad = written("good.toml", story_text(expect=RIGHT)), written("bad.toml", story_text(expect=WRONG))
    ran = relasi("policy", "test", good, bad)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "bad.toml: a story: path: expected awareness, got exploration\n"
        "bad.toml: a story: stage: expected dissolution, got exploration\n"
        "  why: because\n"
        "2 stories, 1 differs\n"
    )
    assert relasi("policy", "test", bad, written("also.toml", story_text(expect=WRONG))).out.endswith(
        "2 stories, 2 differ\n"
    )


def test_what_is_no_story_is_told_and_the_others_are_run() -> None:
    bad = written("bad.toml", story_text(expect=WRONG))
    broken = written("broken.toml", story_text(expect='at = 2025-02-01\nstage = "loyal"\nmood = 1'))
    ran = relasi("policy", "test", broken, bad, "absent.toml")
    assert ran.code == 2
    told = ran.err.splitlines()
    assert len(told) == 3
    assert 'broken.toml: expect.stage = "loyal" is not known; allowed: awareness, exploration' in ran.err
    assert "broken.toml: expect.mood is not a key of expect; allowed: at, customer, path" in ran.err
    assert "absent.toml: the story can't be read (No such file" in ran.err
    assert "bad.toml: a story: stage: expected dissolution" in ran.out
    assert ran.out.endswith("1 story, 1 differs, 2 can't be read\n")


@pytest.mark.parametrize("contents", [b"\xff", b"[expect", b"", policy_text().encode()])
def test_a_file_that_is_something_else(contents: bytes) -> None:
    path = Path("other.toml")
    path.write_bytes(contents)
    ran = relasi("policy", "test", path)
    assert (ran.code, ran.out) == (2, "0 stories, 0 differ, 1 can't be read\n")
    assert ran.err.startswith("other.toml: ")


def test_a_folder_is_every_story_in_it() -> None:
    written("stories/b/one.toml", story_text(name="one", expect=WRONG))
    written("stories/a.toml", story_text(name="two", expect=WRONG))
    written("stories/notes.txt", "not a story")
    # A policy may lie among the stories that name it.
    written("stories/own.toml", policy_text())
    own = written("stories/c.toml", story_text(name="three", policy="own.toml", expect=WRONG))
    ran = relasi("policy", "test", "stories", own)
    assert ran.code == 1
    assert [line.split(":")[0] for line in ran.out.splitlines() if ": stage: " in line] == [
        "stories/a.toml",
        "stories/b/one.toml",
        "stories/c.toml",
    ]
    assert ran.out.endswith("3 stories, 3 differ\n")


def test_a_folder_without_stories() -> None:
    Path("empty").mkdir()
    ran = relasi("policy", "test", "empty")
    assert (ran.code, ran.out) == (2, "")
    assert "no story in empty" in ran.err


def test_a_kind_that_the_policy_does_not_name_is_noted() -> None:
    text = story_text(ORDER, touched("2025-01-07", "order_complete"), expect=RIGHT)
    ran = relasi("policy", "test", written("one.toml", text))
    assert (ran.code, ran.out) == (0, "1 story, 0 differ\n")
    assert ran.err == "one.toml: a story: the policy does not name the kind order_complete\n"


def test_a_term_that_cannot_be_read_is_noted() -> None:
    unread, read = 'period = "12", ends_at = "12/31/2025"', 'period = "12 months", ends_at = 2025-12-31'
    text = story_text(
        ORDER,
        touched("2025-01-07", "subscription_started", f"properties = {{ {unread} }}"),
        touched("2025-01-08", "subscription_renewed", f"properties = {{ {read} }}"),
        touched("2025-01-09", "page_viewed", 'properties = { period = "of trial" }'),
        expect='at = 2025-02-01\nstage = "commitment"',
    )
    ran = relasi("policy", "test", written("one.toml", text))
    assert (ran.code, ran.out) == (0, "1 story, 0 differ\n")
    assert [line.split(" says")[0] for line in ran.err.splitlines()] == [
        "one.toml: a story: ends_at = '12/31/2025'",
        "one.toml: a story: period = '12'",
    ]


def test_the_policy_of_the_story_decides() -> None:
    later = 'at = 2026-01-01\nstage = "dissolution"'
    written("patient.toml", policy_text(threshold=0.0001, hiatus=3650))
    one = written("one.toml", story_text(policy="patient.toml", expect=later))
    assert "expected dissolution, got exploration" in relasi("policy", "test", one).out
    written("one.toml", story_text(policy="commerce", expect=later))
    assert done("policy", "test", one) == "1 story, 0 differ\n"


def test_a_file_is_asked_for() -> None:
    assert relasi("policy", "test").code == 2

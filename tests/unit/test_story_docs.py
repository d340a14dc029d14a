"""docs/stories.md tells every key and every word, and its example is a story."""

import re
from pathlib import Path
from typing import Final

import pytest

from streams.stories.expectations import EXPECTATIONS, PUBLISHED
from streams.stories.parse import TOUCHPOINT_KEYS, parse

DOCUMENT: Final = (Path(__file__).resolve().parents[2] / "docs" / "stories.md").read_text("utf-8")


def rows(heading: str) -> str:
    """The rows of the table under a heading."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "\n".join(line for line in section.splitlines() if line.startswith("| `"))


def test_every_key_of_a_touchpoint_is_documented() -> None:
    told = set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in rows("Touchpoints").splitlines())))
    assert told == set(TOUCHPOINT_KEYS)


@pytest.mark.parametrize("key", [*EXPECTATIONS, *PUBLISHED])
def test_every_expectation_is_documented_with_its_words(key: str) -> None:
    table, _, inner = key.rpartition(".")
    row = next(
        line
        for line in rows("Expectations").splitlines()
        if f"`{key}`" in line.split("|")[1] or (line.startswith(f"| `{table}.") and f"`.{inner}`" in line.split("|")[1])
    )
    if key == "path":
        assert "a list of stages" in row
        return
    allowed = (EXPECTATIONS.get(key) or PUBLISHED[key]).allowed
    assert set(re.findall(r"`(\w+)`", row.split("|")[2])) == set(allowed)
    # Columns are named in the third cell.
    assert (EXPECTATIONS.get(key) or PUBLISHED[key]).column in row.split("|")[3]


def test_the_example_is_a_story() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    story = parse(example, Path())
    assert (len(story.touchpoints), story.expected["dissolution.reason"]) == (2, "better_alternative")

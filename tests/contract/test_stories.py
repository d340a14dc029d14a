"""What a marketer expects of whole relationships: every story in tests/stories."""

from pathlib import Path
from typing import Final

import pytest

from streams.stories.compare import differences
from streams.stories.files import read_story, story_files
from streams.stories.run import run

STORIES: Final = Path(__file__).resolve().parents[1] / "stories"


@pytest.mark.slow
@pytest.mark.parametrize("file", story_files([STORIES]), ids=lambda file: file.relative_to(STORIES).as_posix())
def test_a_story_comes_out_as_its_author_expects(file: Path) -> None:
    story = read_story(file)
    outcome = run(story)
    about_unmapped = "unmapped" in file.stem
    assert bool(outcome.unmapped) == about_unmapped, "a kind that the policy does not name is a slip elsewhere"
    assert [str(difference) for difference in differences(story, outcome)] == [], story.why

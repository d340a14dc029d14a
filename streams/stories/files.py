"""Files and folders on a command line as stories."""

from collections.abc import Iterable
from pathlib import Path

from processors import toml
from streams.stories.parse import parse
from streams.stories.story import Problem, Story, StoryError
from streams.texts import read_text


def story_files(given: Iterable[Path]) -> list[Path]:
    """The files among these, and those named ``*.toml`` at any depth of the folders among them, in order of name.

    A policy in a folder is no story: it lies there because stories name it.
    """
    found: list[Path] = []
    for path in given:
        inside = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
        found += [file for file in inside if file == path or not _is_policy(file)]
    return list(dict.fromkeys(found))


def _is_policy(file: Path) -> bool:
    """Whether a file has the tables of a policy and none of a story."""
    try:
        text = read_text(file)
        # A key stands as it is, or with escapes. Hundreds of stories are not read twice.
        if "\\" not in text and not ("kinds" in text and "churn" in text):
            return False
        keys = toml.loads(text).keys()
    except (OSError, ValueError):
        return False
    return {"kinds", "churn"} <= keys and not {"touchpoints", "expect"} & keys


def read_story(file: Path) -> Story:
    """The story of a file. Raises StoryError with every problem."""
    try:
        text = read_text(file)
    except OSError as error:
        raise StoryError([Problem("", f"the story can't be read ({error.strerror})")]) from error
    except UnicodeDecodeError as error:
        raise StoryError([Problem("", f"the story isn't UTF-8 text ({error})")]) from error
    return parse(text, file.parent)

"""``relasi policy test``: what a policy makes of stories, against what their authors expect."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streams.commands.terminal import Terminal

DIFFERENT: Final = 1
UNREADABLE: Final = 2


def run_stories(given: Sequence[Path], terminal: Terminal) -> int:
    """Run every story and print each difference. 0: all as expected; 1: one differs; 2: one can't be read."""
    from streams.stories.files import story_files
    from streams.stories.story import StoryError

    files = story_files(given)
    told = differing = unreadable = 0
    for file in files:
        try:
            differing += _differs(file, terminal)
            told += 1
        except StoryError as error:
            unreadable += 1
            for problem in error.problems:
                terminal.note(f"{file}: {problem}")
    if not files:
        terminal.note(f"no story in {', '.join(map(str, given))}: expected files that end in .toml")
        return UNREADABLE
    terminal.say(_summary(told, differing, unreadable))
    if unreadable:
        return UNREADABLE
    return DIFFERENT if differing else 0


def _differs(file: Path, terminal: Terminal) -> bool:
    from streams.stories.compare import differences
    from streams.stories.files import read_story
    from streams.stories.run import run
    from streams.stories.terms import EXPECTED_TERMS, unread_terms

    story = read_story(file)
    outcome = run(story)
    for kind in outcome.unmapped:
        terminal.note(f"{file}: {story.name}: the policy does not name the kind {kind}")
    for name, text in unread_terms(story):
        terminal.note(f"{file}: {story.name}: {name} = {text!r} says nothing; {EXPECTED_TERMS[name]}")
    found = differences(story, outcome)
    for difference in found:
        terminal.say(f"{file}: {story.name}: {difference}")
    if found:
        terminal.say(f"  why: {story.why}")
    return bool(found)


def _summary(told: int, differing: int, unreadable: int) -> str:
    stories = "1 story" if told == 1 else f"{told} stories"
    differ = "1 differs" if differing == 1 else f"{differing} differ"
    return f"{stories}, {differ}" + (f", {unreadable} can't be read" if unreadable else "")

"""What came of a story against what its author expected, in words."""

from dataclasses import dataclass

from streams.stories.expectations import EXPECTATIONS, PUBLISHED
from streams.stories.run import Outcome
from streams.stories.story import Expected, Story, Within


@dataclass(frozen=True)
class Difference:
    """One judgement that is not what was expected; ``key`` as it stands in the story, without ``expect``."""

    key: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected}, got {self.got}"


def differences(story: Story, outcome: Outcome) -> list[Difference]:
    """Everything that differs, rejected touchpoints first; empty where all is as expected."""
    found = [
        Difference(f"touchpoints[{number}]", "an accepted touchpoint", f"a reject: {why}")
        for number, why in outcome.rejected
    ]
    if outcome.profile is None:
        return [*found, Difference("customer", f"touchpoints of {story.customer}", "none that was accepted")]
    got = answers(outcome)
    for key, expected in story.expected.items():
        if key in got and not _same(expected, got[key], key in EXPECTATIONS and EXPECTATIONS[key].several):
            found.append(Difference(key, _in_words(expected), _in_words(got[key])))
    return found


def answers(outcome: Outcome) -> dict[str, Expected]:
    """Everything that a story may expect, as it came out."""
    assert outcome.profile is not None
    lists: dict[str, Expected] = {
        key: tuple(fact[published.column] for fact in outcome.transitions) for key, published in PUBLISHED.items()
    }
    return lists | {key: expectation.answer(outcome.profile) for key, expectation in EXPECTATIONS.items()}


def _same(expected: Expected, got: Expected, as_set: bool) -> bool:
    if as_set and isinstance(expected, tuple) and isinstance(got, tuple):
        return set(expected) == set(got)
    if isinstance(expected, Within) and isinstance(got, Within):
        return expected.low <= got.low <= expected.high
    return expected == got


def _in_words(value: Expected) -> str:
    if isinstance(value, str | Within):
        return str(value)
    return ", ".join(value) or "nothing"

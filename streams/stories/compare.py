"""What came of a story against what its author expected, in words."""

from dataclasses import dataclass

from streams.stories.expectations import EXPECTATIONS, NONE, NOT_KNOWN, PUBLISHED, TRIGGERS
from streams.stories.parse import told
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
        if key not in got:
            continue
        answer = got[key]
        if isinstance(expected, Within) and isinstance(answer, str):
            answer = EXPECTATIONS[key].figure(outcome.profile) or answer
        if not _same(key, expected, answer):
            found.append(Difference(key, _in_words(expected), _in_words(answer)))
    return found


def answers(outcome: Outcome) -> dict[str, Expected]:
    """Everything that a story may expect, as it came out."""
    assert outcome.profile is not None
    lists: dict[str, Expected] = {
        key: tuple(fact[published.column] for fact in outcome.transitions) for key, published in PUBLISHED.items()
    }
    lists[TRIGGERS] = tuple(
        told(fact["rule"], fact["outcome"], round(fact["at"].timestamp() * 1000)) for fact in outcome.triggers
    )
    return lists | {key: expectation.answer(outcome.profile) for key, expectation in EXPECTATIONS.items()}


def _same(key: str, expected: Expected, got: Expected) -> bool:
    if isinstance(expected, Within) and isinstance(got, Within):
        return expected.low <= got.low <= expected.high
    if isinstance(expected, tuple) and isinstance(got, tuple):
        if key == TRIGGERS:
            # An instant that the story leaves open may be any.
            return len(expected) == len(got) and all(map(str.startswith, got, expected))
        if key in EXPECTATIONS and EXPECTATIONS[key].several:
            return set(expected) == set(got)
    if key in EXPECTATIONS and NOT_KNOWN in EXPECTATIONS[key].allowed and expected == NONE:
        return got in (NONE, NOT_KNOWN)
    return expected == got


def _in_words(value: Expected) -> str:
    if isinstance(value, str | Within):
        return str(value)
    return ", ".join(value) or "nothing"

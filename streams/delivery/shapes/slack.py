"""A channel that people read: what fired lately, in one message. One each would be noise, and Slack takes one a
second.
"""

from collections.abc import Mapping
from typing import Final

from streams.delivery.shapes.shape import Person, Shape, iso
from streams.delivery.trigger import Trigger

SLACK_LINES: Final = 20


def _escaped(text: str) -> str:
    # These three are all that Slack asks to be escaped; without it an id such as <!channel> would ring everybody's
    # bell.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(trigger: Trigger, person: Person, _: Mapping[str, str]) -> str:
    parts = [f"{trigger.rule.replace('_', ' ')}: {person.key}", trigger.stage, trigger.value_tier, trigger.next_step]
    return _escaped(" · ".join(part.replace("_", " ") for part in parts if part)[:400]) + f" ({iso(trigger.at)})"


SLACK: Final = Shape(
    "slack",
    "an incoming webhook of Slack: a digest of what fired",
    _line,
    "nothing: a message that was answered too late may stand twice",
    digest=SLACK_LINES,
)

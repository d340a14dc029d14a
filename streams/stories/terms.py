"""Terms of a story that are stated and cannot be read: they say nothing, and the policy's own term holds."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from processors.policy.policy import hash_of
from processors.policy.rules import RENEWAL, TIE_OPENED, find_kind
from schemas.periods import PERIOD_UNREADABLE, read_instant, read_period
from streams.stories.story import Story

EXPECTED_TERMS: Final = {
    "ends_at": "write a date of ISO 8601, as in 2025-12-31",
    "period": "write a number and a unit, as in 12 months",
}


def _is_read(name: str, text: str) -> bool:
    raw = np.frombuffer(text.encode(), np.uint8)
    if name == "ends_at":
        return bool(read_instant(raw, 0, len(raw)) != PERIOD_UNREADABLE)
    return any(read_period(raw, 0, len(raw)))


def unread_terms(story: Story) -> list[tuple[str, str]]:
    """(property, text) of each, of kinds that open or renew what binds; once each, in the order of the story."""
    found: dict[tuple[str, str], None] = {}
    words = story.policy.vocabulary
    for touchpoint in story.touchpoints:
        place = -1 if touchpoint.alias else find_kind(words, hash_of(touchpoint.kind))
        if place < 0 or not int(words.meanings[place]["flags"]) & (TIE_OPENED | RENEWAL):
            continue
        told = touchpoint.told.get("properties")
        for name in ("ends_at", "period"):
            text = told.get(name, "") if isinstance(told, Mapping) else ""
            if text and not _is_read(name, text):
                found[name, text] = None
    return list(found)

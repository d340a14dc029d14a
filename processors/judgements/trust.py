"""Trust by factor: an index in −1..1 from what spoke for it and against it, fading with time.

index = (positive − negative) / (positive + negative + prior): with few signals it stays near 0.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.policy.rules import Rules
from processors.row.layout import NONE, QUESTIONS, Row
from processors.row.questions import IS_QUESTION
from processors.row.sums import SUM_DISTRUSTED, SUM_TRUSTED, factor

SUPPORT: Final = 5  # the factor support_and_service
SIGN_NONE: Final = 1  # as judgements.SIGNS
SIGN_POSITIVE: Final = 2
SIGN_NEGATIVE: Final = 3


@compiled_leaf
def _is_unanswered(row: Row, rules: Rules, i: int, at: int) -> bool:
    """Whether the place ``i`` holds a question that was left for longer than the patience by ``at`` (ms)."""
    asked = row.question_at[i]
    if asked == NONE or int(row.question_complaint[i]) & IS_QUESTION == 0:
        return False
    late = asked + rules.patience_ms
    return bool(late <= at and row.question_answered_at[i] > late)


@compiled_leaf
def unanswered(row: Row, rules: Rules, at: int) -> float:
    """What questions left for longer than the patience weigh against support at ``at`` (ms)."""
    weight = 0.0
    for i in range(QUESTIONS):
        if _is_unanswered(row, rules, i, at):
            weight += factor(row.question_at[i] + rules.patience_ms, at, rules.memory_half_life)
    return weight


@compiled_leaf
def trust_evidence(row: Row, rules: Rules, which: int, at: int) -> tuple[np.uint64, int]:
    """(event hash, instant) of the newest touchpoint that bears on a factor at ``at`` (ms); (0, NONE): none does.

    For support that may be a question, from when it was left for too long.
    """
    event, newest = np.uint64(row.trust_event[which]), int(row.trust_at[which])
    if which == SUPPORT:
        for i in range(QUESTIONS):
            if row.question_at[i] > newest and _is_unanswered(row, rules, i, at):
                event, newest = np.uint64(row.question_event[i]), int(row.question_at[i])
    return event, newest


@compiled_leaf
def trust_index(row: Row, rules: Rules, which: int, left: float, unanswered_weight: float) -> float:
    """The index of a factor. ``left``: by what the row's slow sums have faded at the instant of judgement."""
    positive = row.sums[SUM_TRUSTED + which] * left
    negative = row.sums[SUM_DISTRUSTED + which] * left + (unanswered_weight if which == SUPPORT else 0.0)
    return float((positive - negative) / (positive + negative + rules.trust_prior))


@compiled_leaf
def trust_sign(index: float, rules: Rules) -> int:
    if index > rules.trust_positive:
        return SIGN_POSITIVE
    return SIGN_NEGATIVE if index < rules.trust_negative else SIGN_NONE

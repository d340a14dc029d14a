"""How much is tried of what has many cases: all of it, and in ``make quick`` a part, spread over the whole."""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

QUICK: Final = os.environ.get("RELASI_TEST_QUICK") == "1"
_LEAST_EXAMPLES: Final = 5
_FEWER: Final = 8

Case = TypeVar("Case")


def some(cases: Sequence[Case], every: int) -> Sequence[Case]:
    """All cases; in ``make quick`` every n-th of them, and the last."""
    return spread(cases, every) if QUICK else cases


def spread(cases: Sequence[Case], every: int) -> list[Case]:
    """Every n-th of the cases, and the last."""
    return [case for at, case in enumerate(cases) if at % every == 0 or at == len(cases) - 1]


def examples(many: int) -> int:
    """How many examples Hypothesis tries of a law: so many, and in ``make quick`` an eighth."""
    return max(_LEAST_EXAMPLES, many // _FEWER) if QUICK else many

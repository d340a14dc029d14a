"""The limits of a touchpoint's fields, looked at before anything is made of it. Compiled."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from schemas.limits import FIRST_CODE, LONGEST
from schemas.reasons import OK
from schemas.touchpoint import SATISFACTION, TOUCHPOINT_SLOTS
from streams.engine.outcomes import IMPOSSIBLE_SATISFACTION

_LIMITS: Final = tuple((TOUCHPOINT_SLOTS[field], most) for field, most in LONGEST.items())


@compiled_inline
def beyond_limits(slots: npt.NDArray[np.int64]) -> int:
    """OK, or the reason that names the first field of a decoded touchpoint that is too long, or no number."""
    for slot, most in _LIMITS:
        if slots[slot, 1] > most:
            return FIRST_CODE + slot
    if slots[SATISFACTION, 1] >= 0 and not np.isfinite(np.int64(slots[SATISFACTION, 0]).view(np.float64)):
        return IMPOSSIBLE_SATISFACTION
    return OK

"""Forward decay: sums whose terms fade with age, kept in one number each.

Source: Cormode, Shkapenyuk, Srivastava, Xu, "Forward Decay: A Practical Time Decay Model for Streaming Systems",
ICDE 2009, exponential decay. A sum is stored as of the newest instant that it contains, so no landmark ages out, and
two sums are added after the older one is brought to the newer instant: order never matters (to rounding).
"""

import math
from typing import Final

from processors.compiled import compiled_leaf

MS_PER_DAY = 86_400_000
LN2: Final = math.log(2.0)


@compiled_leaf
def faded(value: float, since: int, until: int, half_life_days: float) -> float:
    """``value`` as it stands ``until - since`` milliseconds later; unchanged where no time passes."""
    if value == 0.0 or until <= since:
        return value
    return value * math.exp(-(until - since) * LN2 / (half_life_days * MS_PER_DAY))

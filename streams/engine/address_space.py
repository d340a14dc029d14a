"""Address space for what may grow: reserved at once, filled with memory page by page as it is written."""

import mmap
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

# Linux: address space that nobody has to vouch for. Elsewhere address space is not accounted for anyway.
_UNACCOUNTED: Final = 0x4000 if sys.platform == "linux" else 0


def reserved(size: int) -> npt.NDArray[np.uint8] | None:
    """An array of so many bytes, all zero, of which only the pages that are written take memory; None: refused."""
    try:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _UNACCOUNTED
        return np.frombuffer(mmap.mmap(-1, size, flags=flags), np.uint8)
    except (OSError, ValueError, OverflowError, MemoryError):
        return None

"""Address space for what may grow: reserved at once, filled with memory page by page as it is written."""

import mmap
import sys
from contextlib import suppress
from typing import Final

import numpy as np
import numpy.typing as npt

# Linux: address space that nobody has to vouch for. Elsewhere address space is not accounted for anyway.
_UNACCOUNTED: Final = 0x4000 if sys.platform == "linux" else 0
_LARGE_PAGES: Final[int | None] = getattr(mmap, "MADV_HUGEPAGE", None)


def reserved(size: int) -> npt.NDArray[np.uint8] | None:
    """An array of so many bytes, all zero, of which only the pages that are written take memory; None: refused."""
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _UNACCOUNTED)
        if _LARGE_PAGES is not None:
            # What is read here and there would else wait for the tables of pages as long as for the memory.
            with suppress(OSError):  # a kernel without them
                memory.madvise(_LARGE_PAGES)
        return np.frombuffer(memory, np.uint8)
    except (OSError, ValueError, OverflowError, MemoryError):
        return None

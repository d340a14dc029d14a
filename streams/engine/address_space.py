"""Memory for what may grow: address space, filled page by page as it is written, in large pages where there are any.

What is read here and there waits for the tables of pages as long as for the memory itself, where pages are small.
"""

import mmap
import sys
from contextlib import suppress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Linux: address space that nobody has to vouch for. Elsewhere address space is not accounted for anyway.
_UNACCOUNTED: Final = 0x4000 if sys.platform == "linux" else 0
_LARGE_PAGES: Final[int | None] = getattr(mmap, "MADV_HUGEPAGE", None)
# Only Linux lets go of pages at once.
_UNWANTED: Final[int | None] = getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None

_LARGE_PAGE: Final = 1 << 21  # bytes; what is smaller than that finds no large page


def _mapped(size: int, flags: int) -> npt.NDArray[np.uint8]:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
    if _LARGE_PAGES is not None:
        with suppress(OSError):  # a kernel without them
            memory.madvise(_LARGE_PAGES)
    return np.frombuffer(memory, np.uint8)


def room(count: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """A writable array (count,), all zero, of which only the pages that are written take memory. Raises MemoryError.

    Not from NumPy: what it allocates may lie among small things, in small pages (measured: the index did).
    """
    size = count * np.dtype(kind).itemsize
    if size < _LARGE_PAGE:
        return np.zeros(count, kind)
    try:
        return _mapped(-(-size // _LARGE_PAGE) * _LARGE_PAGE, 0)[:size].view(kind)
    except (OSError, ValueError, OverflowError) as error:
        raise MemoryError(f"{size} bytes of memory were refused") from error


def reserved(size: int) -> npt.NDArray[np.uint8] | None:
    """An array of so many bytes, all zero, of which only the pages that are written take memory; None: refused."""
    try:
        return _mapped(size, _UNACCOUNTED)
    except (OSError, ValueError, OverflowError, MemoryError):
        return None


def give_back(array: npt.NDArray[np.uint8], used: int) -> None:
    """Let the system have the large pages again that lie beyond ``used`` bytes of an array of ``reserved``.

    They are zero when they are next looked at. Of any other array nothing is given back.
    """
    memory = getattr(array.base, "obj", None)  # of what NumPy sees of a mapping
    if _UNWANTED is None or not isinstance(memory, mmap.mmap) or len(memory) != array.nbytes:
        return
    address = array.ctypes.data
    begin = -(-(address + used) // _LARGE_PAGE) * _LARGE_PAGE - address
    if begin < len(memory):
        memory.madvise(_UNWANTED, begin)

"""Memory that nobody uses any more goes back to the system."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

_MAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +/.*\.so")
_DONT_NEED: Final = 4
_LEAST_KB: Final = 4_096
_MMAP_THRESHOLD: Final = -3  # of malloc.h, with the bytes
_MAPPED_FROM: Final = 1 << 20


def keep_little() -> None:
    """Have what was allocated in large pieces go back to the system when it is freed, from here on.

    The C library would raise the size from which on it maps a piece by itself to 32 MB, and Arrow's first allocator
    keeps what is free in pieces that are used in part (measured with a million rows: 150 MB and 140 MB at the peak).
    """
    with suppress(NotImplementedError):  # not built with it
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    with suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _MAPPED_FROM)


def give_back() -> None:
    """Have the allocators let go of what is free: after much was made and dropped, before what takes room of its own.

    Both keep it otherwise, for whoever asks them again, and the engine's memory and that of the reports come from
    elsewhere (measured: 240 MB after a million rows were read).
    """
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL(None).malloc_trim(0)


def give_back_code() -> None:
    """Let go of the pages of large libraries, after all are loaded; what runs on comes back from the system's cache.

    Most of what they take was touched once, when they were initialised: some 200 MB, chDB's above all (measured). The
    system could take them any time; whoever looks at what a process holds counts them.
    """
    with suppress(OSError, AttributeError):  # another system than Linux
        advise: Any = ctypes.CDLL(None).madvise
        for start, stop in _untouched(_MAPS.read_text()):
            advise(ctypes.c_void_p(start), ctypes.c_size_t(stop - start), _DONT_NEED)


def _untouched(maps: str) -> Iterator[tuple[int, int]]:
    """Where large libraries lie that nobody can write to and of which no page differs from its file.

    Pages with addresses in them, written when the library was loaded, would come back as they stand in the file.
    """
    here, resident = None, 0
    for line in maps.splitlines():
        name, _, value = line.partition(":")
        if name == "Rss":
            resident = int(value.split()[0])
        elif name == "Anonymous":
            if here is not None and int(value.split()[0]) == 0 and resident >= _LEAST_KB:
                yield here
        elif " " in name or name == line:
            found = _MAPPING.match(line)
            here = (int(found[1], 16), int(found[2], 16)) if found else None

"""Ids that are none: what programs and people write where nobody has signed in, or nothing is known.

As a customer one of these would be everybody at once. The collector tells whoever comes with it by the other id that
the event has, or not at all; an import counts such rows, says so, and asks where they are many.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at

NOBODY: Final = frozenset({
    "null", "(null)", "<null>", "undefined", "none", "nil", "<nil>", "nan", "n/a", "#n/a", "na", "0", "-1", "-", "--",
    "?", "false", "true", "anon", "anonymous", "guest", "unknown", "not_authenticated", "(not set)", "id", "email",
    "[]", "{}", "[object object]", "\\n", "<na>", "nat", "(blank)", "(empty)", "#ref!", "#value!", "#name?", "#null!",
    "00000000-0000-0000-0000-000000000000",
})  # fmt: skip
"""In small letters; ``\\n`` is how MySQL writes no value, ``#ref!`` how a spreadsheet writes an error."""

_FNV_OFFSET: Final = 0x811C9DC5
_FNV_PRIME: Final = 0x01000193
_MASK: Final = 0xFFFFFFFF


def is_nobody(value: object) -> bool:
    """Whether a value in the place of an id is one that names nobody."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = value.strip().lower() if isinstance(value, str) else str(int(value)) if value in (0, -1) else ""
    return text in NOBODY


def _hash_of(text: str) -> int:
    found = _FNV_OFFSET
    for each in text.encode():
        found = ((found ^ each) * _FNV_PRIME) & _MASK
    return found


_LONGEST: Final = max(map(len, NOBODY))
_SIZES: Final = sum(1 << size for size in {len(text) for text in NOBODY})
_HASHES: Final = tuple(_hash_of(text) for text in sorted(NOBODY))


@compiled_leaf
def _is_among(data: npt.NDArray[np.uint8], start: Int, size: Int) -> bool:
    found: Int = _FNV_OFFSET
    for k in range(size):
        each = byte_at(data, start + k)
        each += 32 if 0x41 <= each <= 0x5A else 0
        found = ((found ^ each) * _FNV_PRIME) & _MASK
    for known in _HASHES:
        if found == known:
            return True
    return False


@compiled_inline
def may_be_nobody(data: npt.NDArray[np.uint8], start: Int, size: Int) -> bool:
    """Whether ``is_nobody`` has to be asked about a text that has nothing to trim: by its hash (FNV-1a, 32 bits).

    Source: Fowler, Noll, Vo, and Eastlake, "The FNV Non-Cryptographic Hash Algorithm".
    """
    return bool(0 < size <= _LONGEST and (_SIZES >> size) & 1 != 0 and _is_among(data, start, size))

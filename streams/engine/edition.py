"""An edition: under which rules a log is read from its beginning.

What the past means can change: a policy that should have held from the start, an import that should never have come.
That can't be taken back from rows, so they are made anew. The same log under the same edition gives the same, always.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from processors.hashing import xxh64
from schemas.touchpoint import IMPORT_ID, KNOWN
from streams.engine.window import LARGEST_WINDOW, MET, NEW, Window, look_up, new_window, remember

_SEED: Final = np.uint64(0)


class Edition(NamedTuple):
    """``policy``: text that held from the start, in place of every one that stands before offset ``since``; empty:
    none.

    ``left_out``: ids of imports whose touchpoints count nothing. ``until``: below this offset every identity is
    remembered, and not only a window of them, and what an import marked as known is looked at anew: its first delivery
    may be one that is left out, or that the policy of that time refused. All 0: the first edition, the log as it
    stands.
    """

    number: int = 1
    policy: str = ""
    since: int = 0
    left_out: tuple[str, ...] = ()
    until: int = 0


FIRST: Final = Edition()


class Past(NamedTuple):
    """What compiled code needs of an edition."""

    seen: Window  # identities of all that counts below ``until``
    left_out: npt.NDArray[np.uint64]  # XXH64 of the ids of imports
    until: npt.NDArray[np.int64]  # shape (1,)


def past_of(edition: Edition) -> Past:
    """An edition, with nothing remembered yet."""
    ids = [np.frombuffer(text.encode() or b"\0", np.uint8) for text in edition.left_out]
    left_out = np.array([xxh64(each, 0, len(each), _SEED) for each in ids], np.uint64)
    return Past(new_window(LARGEST_WINDOW if edition.until else 0), left_out, np.array([edition.until], np.int64))


@compiled_inline
def is_left_out(buffer: npt.NDArray[np.uint8], slots: npt.NDArray[np.int64], past: Past) -> bool:
    """Whether a touchpoint came with an import that counts nothing."""
    if len(past.left_out) == 0 or slots[IMPORT_ID, 1] <= 0:
        return False
    start = slots[IMPORT_ID, 0]
    hashed = xxh64(buffer, start, start + slots[IMPORT_ID, 1], _SEED)
    for each in past.left_out:
        if each == hashed:
            return True
    return False


@compiled_inline
def is_known(slots: npt.NDArray[np.int64], offset: int, past: Past, absent: int) -> bool:
    """Whether the import that brought it found it stored, as far as that counts in this edition."""
    return bool(slots[KNOWN, 1] != absent and slots[KNOWN, 0] != 0 and offset >= past.until[0])


@compiled_inline
def met_before(past: Past, identity: np.uint64, offset: int) -> bool:
    """Whether a touchpoint with this identity counted before, below the offset from which only the window is asked."""
    if offset >= past.until[0]:
        return False
    seen = look_up(past.seen, identity, offset)
    if seen == NEW:
        remember(past.seen, identity, offset)
    return bool(seen == MET)

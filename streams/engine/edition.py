"""An edition: under which rules a log is read from its beginning.

What the past means can change: a policy that should have held from the start, an import that should never have come,
a link of two ids that was wrong. That can't be taken back from rows, so they are made anew. The same log under the
same edition gives the same, always.
"""

import json
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix, xxh64
from processors.row.namespaces import salt_of
from schemas.touchpoint import IMPORT_ID, KNOWN
from streams.engine.window import LARGEST_WINDOW, MET, NEW, Window, look_up, new_window, remember

_SEED: Final = np.uint64(0)


class Edition(NamedTuple):
    """``policy``: text that held from the start, in place of every one that stands before offset ``since``; empty:
    none.

    ``left_out``: ids of imports whose touchpoints count nothing. ``until``: below this offset every identity is
    remembered, and not only a window of them, and what an import marked as known is looked at anew: its first delivery
    may be one that is left out, or that the policy of that time refused. ``unlinked``: pairs of ids that no message
    links, see ``pair``. All 0: the first edition, the log as it stands.
    """

    number: int = 1
    policy: str = ""
    since: int = 0
    left_out: tuple[str, ...] = ()
    until: int = 0
    unlinked: tuple[str, ...] = ()


def pair(one: tuple[int, str], other: tuple[int, str]) -> str:
    """Two ids, each with its namespace, as an edition keeps them: JSON, in an order of their own."""
    return json.dumps([part for each in sorted((one, other)) for part in each], ensure_ascii=False)


FIRST: Final = Edition()


class Past(NamedTuple):
    """What compiled code needs of an edition."""

    seen: Window  # identities of all that counts below ``until``
    left_out: npt.NDArray[np.uint64]  # XXH64 of the ids of imports, and hashes of pairs of ids
    until: npt.NDArray[np.int64]  # shape (1,)


def past_of(edition: Edition) -> Past:
    """An edition, with nothing remembered yet."""
    ids = [np.frombuffer(text.encode() or b"\0", np.uint8) for text in edition.left_out]
    imports = [np.uint64(xxh64(each, 0, len(each), _SEED)) for each in ids]
    left_out = np.array([*imports, *map(_hash_of_pair, edition.unlinked)], np.uint64)
    return Past(new_window(LARGEST_WINDOW if edition.until else 0), left_out, np.array([edition.until], np.int64))


def _hash_of_pair(text: str) -> np.uint64:
    space, one, other_space, other = json.loads(text)
    return np.uint64(pair_hash(_key(space, one), _key(other_space, other)))


def _key(namespace: int, text: str) -> np.uint64:
    name = np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8)
    return np.uint64(xxh64(name, 0, len(name), _SEED)) ^ np.uint64(salt_of(namespace))


@compiled_leaf
def pair_hash(one: np.uint64, other: np.uint64) -> np.uint64:
    """Hash of two ids, by their salted XXH64, in whichever order they are named."""
    first = one if one < other else other
    second = other if one < other else one
    return np.uint64(avalanche(mix(first, np.int64(second))))


@compiled_leaf
def is_unlinked(past: Past, one: np.uint64, other: np.uint64) -> bool:
    """Whether no message links these two ids in this edition."""
    if len(past.left_out) == 0:
        return False
    hashed = pair_hash(one, other)
    for each in past.left_out:
        if each == hashed:
            return True
    return False


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

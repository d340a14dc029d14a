"""Checkpoints of before each row was a record of its own: chunks of rows in slots that were written in turn.

A checkpoint wrote every row that had changed, and of the others those written longest ago, so that any SPAN complete
consecutive ones contained every row. Of each customer the row with the greatest offset counts. Such records are read
once: the next checkpoint writes every row anew, and deletes them.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from processors.row.calendar import population
from processors.row.layout import NEVER, ROW
from processors.row.namespaces import NAMESPACE_UNSTATED, NAMESPACES
from streams.engine.checkpoint import UnreadableCheckpoint
from streams.engine.described import Words, dtype_of, empty_rows
from streams.engine.rows import LONGEST_ID

FORMER_LAYOUT: Final = 4  # the last one; since 3 the header says of which log it is, since 4 rows have a namespace
_PLAIN: Final = 1  # rows as they are in memory
_SPAN: Final = 16
# What ``migrated`` makes of other fields, and what is no part of what a customer's past comes to.
_MADE: Final = frozenset({"review_at", "revalue", "offset", "entry_at", "hash", "sender", "sender_rule"})


@dataclass(frozen=True)
class FormerHeader:
    """What each record of a checkpoint said of the whole; ``policy``, a text, stood in the first chunk."""

    partition: int
    owner: str
    number: int
    chunk: int
    chunks: int
    offset: int
    time: int
    policy: str
    bad_run: int = 0
    customers: int = 0
    log: str = ""


@dataclass(frozen=True)
class Chunk:
    """One record: its rows, and their ids one after another."""

    header: FormerHeader
    stored: Any  # the rows as they were stored
    rows: Any  # array of ROW
    ids: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.int64]  # of the ids
    namespaces: npt.NDArray[np.uint8]  # of the ids
    touched: npt.NDArray[np.bool_]  # since the last review
    unreported: npt.NDArray[np.bool_]


def is_former(key: bytes) -> bool:
    """Whether a key is that of such a record: an owner's name, a slot, a chunk."""
    return key.count(b"/") == 2 and key[:1].isalnum()


def decode_chunk(value: bytes) -> Chunk:
    """Read one record. What an older layout of rows lacks is left as in an empty row.

    Raises UnreadableCheckpoint.
    """
    size = int.from_bytes(value[:4], "big")
    try:
        described = dict(json.loads(value[4 : 4 + size]))
        layout = int(described.pop("layout"))
        if layout > FORMER_LAYOUT:
            raise UnreadableCheckpoint(f"a checkpoint of chunks was written in layout {layout}, which is not known")
        count, stored = described.pop("rows"), dtype_of(described.pop("fields"))
        packed = described.pop("packed", None)
        header = FormerHeader(**described)
        if layout == _PLAIN:
            rows, ends = np.frombuffer(value, stored, count, 4 + size), 4 + size + count * stored.itemsize
        else:
            rows, ends = _unpacked(value, 4 + size, stored, count, packed)
        lengths = rows["id_length"].astype(np.int64)
        ids = np.frombuffer(value, np.uint8)[ends:]
        _check_ids(rows, lengths, ids)
        spaces = _namespaces(rows)
        return Chunk(
            header, rows, migrated(rows), ids, lengths, spaces, _flags(rows, "touched"), _flags(rows, "unreported")
        )
    except UnreadableCheckpoint:
        raise
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableCheckpoint(f"a checkpoint record of {len(value)} bytes can't be read: {error}") from error


def _namespaces(rows: Any) -> npt.NDArray[np.uint8]:
    known = "namespace" in (rows.dtype.names or ())
    spaces = rows["namespace"].astype(np.uint8) if known else np.full(len(rows), NAMESPACE_UNSTATED, np.uint8)
    if np.any(spaces >= len(NAMESPACES)):
        raise UnreadableCheckpoint(f"a checkpoint record of {len(rows)} rows names a namespace that is not known")
    return spaces


def _flags(rows: Any, name: str) -> npt.NDArray[np.bool_]:
    known = name in (rows.dtype.names or ())
    return rows[name] != 0 if known else np.zeros(len(rows), np.bool_)


def _unpacked(value: bytes, start: int, stored: np.dtype[Any], count: int, packed: int) -> tuple[Any, int]:
    """Rows as ``stored``, and where in the value they end."""
    begins, ends = start + stored.itemsize, start + stored.itemsize + packed * 8
    width = stored.itemsize // 8
    # Slices, because a copy is aligned in memory, and compiled code is specialised for that.
    empty = np.frombuffer(value[start:begins], np.uint64)
    words = np.frombuffer(value[begins:ends], np.uint64)
    rows = np.empty((count, width), np.uint64)
    if len(empty) != width or len(words) != packed or not unpack(words, empty, count, rows):
        raise ValueError(f"its {len(words)} packed words are not those of {count} rows")
    return rows.view(stored).reshape(count), ends


def _check_ids(rows: Any, lengths: npt.NDArray[np.int64], ids: npt.NDArray[np.uint8]) -> None:
    # Compiled code reads where the rows say, without looking where the ids end.
    stops = np.cumsum(lengths)
    possible = len(ids) == lengths.sum() and not np.any((lengths < 0) | (lengths > LONGEST_ID))
    if not possible or not np.array_equal(rows["id_start"], stops - lengths):
        raise UnreadableCheckpoint(
            f"a checkpoint record of {len(rows)} rows and {len(ids)} bytes of customer ids contradicts itself"
        )


@compiled
def unpack(packed: Words, empty: Words, count: int, out: Words) -> bool:
    """Packed words into ``out`` (count, width): bitmaps, and the words that differ from an empty row's.

    False where these are not the words of ``count`` rows. Nothing outside of the arrays is read or written, whatever
    the words are.
    """
    width = len(empty)
    maps = -(-width // 64)
    at = 0
    for i in range(count):
        start = at
        at += maps
        if at > len(packed):
            return False
        filled = 0
        for m in range(maps):
            filled += int(population(packed[start + m]))
        if at + filled > len(packed):
            return False
        for k in range(width):
            if (packed[start + (k >> 6)] >> np.uint64(k & 63)) & np.uint64(1) != np.uint64(0):
                out[i, k] = packed[at]
                at += 1
            else:
                out[i, k] = empty[k]
        if at != start + maps + filled:
            return False
    return at == len(packed)


def migrated(rows: Any) -> Any:
    """Rows of any layout in ours. What theirs lacks is left as in an empty row."""
    found = empty_rows(len(rows))
    names = set(rows.dtype.names or ())
    for name in ROW.names or ():
        if name in names:
            found[name] = rows[name]
    if "review_at" not in names:
        # Rows of before there were reviews are judged with the first tick.
        found["review_at"] = np.where(found["touchpoints"] > 0, found["judged_at"] + 1, NEVER)
        found["revalue"] = 1
    return found


def lacking(rows: Any) -> set[str]:
    """The fields that rows of another layout don't have, and that are not made of those that they have."""
    return set(ROW.names or ()) - set(rows.dtype.names or ()) - _MADE


def complete_headers(headers: Iterable[FormerHeader]) -> list[FormerHeader]:
    """Of each checkpoint that is there with all before it on which it builds, the header of its first chunk, by offset.

    It builds on the SPAN - 1 before it, or on all where there are fewer and then on what its owner had restored.
    """
    found: dict[tuple[str, int], dict[int, FormerHeader]] = {}
    for header in headers:
        found.setdefault((header.owner, header.number), {})[header.chunk] = header
    complete = {key: parts[0] for key, parts in found.items() if 0 in parts and len(parts) == parts[0].chunks}
    whole = [
        header
        for (owner, number), header in complete.items()
        if all((owner, before) in complete for before in range(max(1, number - _SPAN + 1), number))
    ]
    return sorted(whole, key=lambda header: header.offset)

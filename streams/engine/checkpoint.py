"""The rolling checkpoint: which rows a checkpoint writes, and the records that hold them.

A checkpoint writes every row that changed since the last one, and of the others those written longest ago, so that any
SPAN complete consecutive checkpoints contain every row. There are SPAN + 1 slots: a torn checkpoint never overwrites
the only copy of a row. Recovery needs no order: for each customer the row with the greatest offset.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from processors.row.layout import NEVER, ROW
from processors.row.namespaces import NAMESPACE_UNSTATED
from streams.engine.packing import pack, packed_size, unpack
from streams.engine.restoring import empty_rows
from streams.engine.rows import LONGEST_ID

CHECKPOINT_LAYOUT: Final = 4  # since 3 the header says of which log it is, since 4 rows say of which namespace an id is
_PLAIN: Final = 1  # rows as they are in memory
ROLLING_SPAN: Final = 16
ROLLING_SLOTS: Final = ROLLING_SPAN + 1
CHUNK_BYTES: Final = 900_000  # under the default limit of a Kafka message, with room for the header and the ids


class UnreadableCheckpoint(ValueError):
    """A checkpoint record that this version can't read."""


@dataclass(frozen=True)
class Header:
    """What each record of a checkpoint says of the whole.

    ``offset``: up to which the partition is complete; ``time`` (ms) and ``policy`` (text, in the first chunk) are in
    force there, and ``bad_run`` is the number of consecutive rejects before it. ``customers``: of the partition, so
    that a restore can make room for all at once. ``log``: identity of the log that the rows were made from; empty:
    unknown.
    """

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
    """One record of a checkpoint: its rows, and their ids one after another."""

    header: Header
    rows: Any  # array of ROW; id_start counts from the first id of this chunk
    ids: npt.NDArray[np.uint8]


Record = tuple[bytes, bytes | None]


def key_of(owner: str, slot: int, chunk: int) -> bytes:
    """The key of a checkpoint record: log compaction keeps one of each."""
    return f"{owner}/{slot}/{chunk}".encode()


def choose(written: npt.NDArray[np.int32], dirty: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.int64]:
    """Rows that checkpoint ``number`` writes: ``written`` and ``dirty`` have one entry a row."""
    changed = dirty != 0
    must = changed | (written <= number - ROLLING_SPAN)
    share = -(-len(written) // ROLLING_SPAN) - int(np.count_nonzero(must & ~changed))
    if share <= 0:
        return np.flatnonzero(must)
    rest = np.flatnonzero(~must)
    if share < len(rest):
        rest = rest[np.argpartition(written[rest], share - 1)[:share]]
    chosen: npt.NDArray[np.int64] = np.sort(np.concatenate([np.flatnonzero(must), rest]))
    return chosen


@compiled
def gather_ids(
    arena: npt.NDArray[np.uint8], starts: Any, lengths: Any, chosen: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Of the slices of the arena the chosen ones, one after another."""
    total = 0
    for number in chosen:
        total += lengths[number]
    out = np.empty(total, np.uint8)
    place = 0
    for number in chosen:
        for j in range(lengths[number]):
            out[place + j] = arena[starts[number] + j]
        place += lengths[number]
    return out


@cache
def _empty() -> Any:
    return empty_rows(1)


def encode_chunk(header: Header, rows: Any, chosen: npt.NDArray[np.int64], arena: npt.NDArray[np.uint8]) -> bytes:
    """The value of one checkpoint record, of the chosen rows."""
    lengths = rows["id_length"]
    empty = _empty()
    packed = pack(_words(rows), chosen, _words(empty)[0], _START_WORD, lengths)
    ids = gather_ids(arena, rows["id_start"], lengths, chosen)
    described = {
        **vars(header),
        "layout": CHECKPOINT_LAYOUT,
        "rows": len(chosen),
        "packed": len(packed),
        "fields": _FIELDS,
    }
    text = json.dumps(described).encode()
    # The empty row goes along: a later version's may be another one.
    return b"".join([len(text).to_bytes(4, "big"), text, empty.tobytes(), packed.tobytes(), ids.tobytes()])


def packed_bytes(rows: Any) -> int:
    """Bytes that the rows take in a checkpoint, their ids aside."""
    return 8 * int(packed_size(_words(rows), _words(_empty())[0]))


def _words(rows: Any) -> npt.NDArray[np.uint64]:
    """Rows as words of 64 bits, shape (n, words of a row)."""
    plain: npt.NDArray[np.uint64] = np.ascontiguousarray(rows).view(np.uint64)
    return plain.reshape(len(rows), ROW.itemsize // 8)


def _describe(row: np.dtype[Any]) -> list[list[Any]]:
    fields: list[list[Any]] = []
    for name in row.names or ():
        field, place = row.fields[name][:2] if row.fields else (row, 0)
        base, shape = field.subdtype or (field, ())
        fields.append([name, base.str, list(shape), place])
    return [*fields, ["", "", [row.itemsize], 0]]


def _described(fields: list[list[Any]]) -> np.dtype[Any]:
    named = fields[:-1]
    return np.dtype(
        {
            "names": [field[0] for field in named],
            "formats": [(field[1], tuple(field[2])) for field in named],
            "offsets": [field[3] for field in named],
            "itemsize": fields[-1][2][0],
        }
    )


_FIELDS: Final = _describe(ROW)
_START_WORD: Final = next(place for name, _, _, place in _FIELDS if name == "id_start") // 8


def decode_chunk(value: bytes) -> Chunk:
    """Read one checkpoint record. An older layout is migrated: what it lacks is left as in an empty row.

    Raises UnreadableCheckpoint.
    """
    size = int.from_bytes(value[:4], "big")
    try:
        described = dict(json.loads(value[4 : 4 + size]))
        layout = int(described.pop("layout"))
        if layout > CHECKPOINT_LAYOUT:
            raise UnreadableCheckpoint(
                f"a checkpoint was written in layout {layout}, this version knows "
                f"{CHECKPOINT_LAYOUT}: start the newer version"
            )
        count, stored = described.pop("rows"), _described(described.pop("fields"))
        packed = described.pop("packed", None)
        header = Header(**described)
        if layout == _PLAIN:
            rows, ends = np.frombuffer(value, stored, count, 4 + size), 4 + size + count * stored.itemsize
        else:
            rows, ends = _unpacked(value, 4 + size, stored, count, packed)
        rows = _migrate(rows)
    except UnreadableCheckpoint:
        raise
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableCheckpoint(f"a checkpoint record of {len(value)} bytes can't be read: {error}") from error
    ids = np.frombuffer(value, np.uint8)[ends:]
    _check_ids(rows, ids)
    return Chunk(header, rows, ids)


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


def _check_ids(rows: Any, ids: npt.NDArray[np.uint8]) -> None:
    # Compiled code reads where the rows say, without looking where the ids end.
    lengths = rows["id_length"].astype(np.int64)
    stops = np.cumsum(lengths)
    possible = len(ids) == lengths.sum() and not np.any((lengths < 0) | (lengths > LONGEST_ID))
    if not possible or not np.array_equal(rows["id_start"], stops - lengths):
        raise UnreadableCheckpoint(
            f"a checkpoint record of {len(rows)} rows and {len(ids)} bytes of customer ids contradicts itself"
        )


def _migrate(rows: Any) -> Any:
    if rows.dtype == ROW and rows.flags.aligned:
        return rows.view(ROW)
    if rows.dtype == ROW:
        # Compiled code is specialised for rows that are aligned in memory; a record's bytes begin anywhere.
        aligned = np.empty(len(rows), ROW)
        aligned.view(np.uint8).reshape(-1)[:] = np.frombuffer(rows.tobytes(), np.uint8)
        return aligned
    migrated = empty_rows(len(rows))
    for name in ROW.names or ():
        if name in (rows.dtype.names or ()):
            migrated[name] = rows[name]
    if "review_at" not in (rows.dtype.names or ()):
        # Rows of before there were reviews are judged with the first tick.
        migrated["review_at"] = np.where(migrated["touchpoints"] > 0, migrated["judged_at"] + 1, NEVER)
        migrated["revalue"] = 1
    if "namespace" not in (rows.dtype.names or ()):
        migrated["namespace"] = NAMESPACE_UNSTATED
    return migrated


def complete_headers(headers: Iterable[Header]) -> list[Header]:
    """Of each checkpoint that is there with all before it on which it builds, the header of its first chunk, by offset.

    It builds on the SPAN - 1 before it, or on all where there are fewer and then on what its owner had restored. An
    owner deletes what it restored from, by key: where the writer of those keys is still alive, newer chunks of it go
    with them, and the rows in those are nowhere else.
    """
    found: dict[tuple[str, int], dict[int, Header]] = {}
    for header in headers:
        found.setdefault((header.owner, header.number), {})[header.chunk] = header
    complete = {key: parts[0] for key, parts in found.items() if 0 in parts and len(parts) == parts[0].chunks}
    whole = [
        header
        for (owner, number), header in complete.items()
        if all((owner, before) in complete for before in range(max(1, number - ROLLING_SPAN + 1), number))
    ]
    return sorted(whole, key=lambda header: header.offset)


def split(
    chosen: npt.NDArray[np.int64], row_bytes: int, id_lengths: npt.NDArray[np.int32], chunk_bytes: int = CHUNK_BYTES
) -> Iterator[npt.NDArray[np.int64]]:
    """Cut the chosen rows into chunks of at most ``chunk_bytes``; one empty chunk where none is chosen."""
    if len(chosen) == 0:
        yield chosen
        return
    ends = np.cumsum(id_lengths[chosen].astype(np.int64) + row_bytes)
    first = 0
    while first < len(chosen):
        base = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, base + chunk_bytes, "right")))
        yield chosen[first:last]
        first = last

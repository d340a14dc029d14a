"""The rolling checkpoint: which rows a checkpoint writes, and the records that hold them.

A checkpoint writes every row that changed since the last one, and of the others those written longest ago, so that any
SPAN complete consecutive checkpoints contain every row. There are SPAN + 1 slots: a torn checkpoint never overwrites
the only copy of a row. Recovery needs no order: for each customer the row with the greatest offset.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from processors.profile import ROW
from streams.engine.rows import empty_rows

LAYOUT: Final = 1
SPAN: Final = 16
SLOTS: Final = SPAN + 1
CHUNK_BYTES: Final = 900_000  # under the default limit of a Kafka message, with room for the header and the ids


class UnreadableCheckpoint(ValueError):
    """A checkpoint record that this version can't read."""


@dataclass(frozen=True)
class Header:
    """What each record of a checkpoint says of the whole.

    ``offset``: up to which the partition is complete; ``time`` (ms) and ``policy`` (text) are in force there.
    """

    partition: int
    owner: str
    number: int
    chunk: int
    chunks: int
    offset: int
    time: int
    policy: str


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
    must = changed | (written <= number - SPAN)
    share = -(-len(written) // SPAN) - int(np.count_nonzero(must & ~changed))
    if share <= 0:
        return np.flatnonzero(must)
    rest = np.flatnonzero(~must)
    if share < len(rest):
        rest = rest[np.argpartition(written[rest], share - 1)[:share]]
    chosen: npt.NDArray[np.int64] = np.sort(np.concatenate([np.flatnonzero(must), rest]))
    return chosen


@compiled
def gather_ids(
    arena: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint8]:
    """Slices of the arena, one after another."""
    total = 0
    for i in range(len(starts)):
        total += lengths[i]
    out = np.empty(total, np.uint8)
    place = 0
    for i in range(len(starts)):
        for j in range(lengths[i]):
            out[place + j] = arena[starts[i] + j]
        place += lengths[i]
    return out


def encode_chunk(header: Header, rows: Any, arena: npt.NDArray[np.uint8]) -> bytes:
    """The value of one checkpoint record."""
    rows = rows.copy()
    described = {**vars(header), "layout": LAYOUT, "rows": len(rows), "fields": _describe(ROW)}
    ids = gather_ids(arena, np.ascontiguousarray(rows["id_start"]), np.ascontiguousarray(rows["id_length"]))
    rows["id_start"] = np.cumsum(rows["id_length"]) - rows["id_length"]
    text = json.dumps(described).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, rows.tobytes(), ids.tobytes()])


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


def decode_chunk(value: bytes) -> Chunk:
    """Read one checkpoint record. An older layout is migrated: what it lacks is left as in an empty row."""
    try:
        size = int.from_bytes(value[:4], "big")
        described = json.loads(value[4 : 4 + size])
        layout, count, fields = described.pop("layout"), described.pop("rows"), described.pop("fields")
        header = Header(**described)
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableCheckpoint(
            f"a checkpoint record of {len(value)} bytes has no readable header: {error}"
        ) from error
    if layout > LAYOUT:
        raise UnreadableCheckpoint(
            f"a checkpoint was written in layout {layout}, this version knows {LAYOUT}: start the newer version"
        )
    stored = _described(fields)
    rows = np.frombuffer(value, stored, count, 4 + size)
    ids = np.frombuffer(value, np.uint8, offset=4 + size + count * stored.itemsize)
    return Chunk(header, _migrate(rows), ids)


def _migrate(rows: Any) -> Any:
    if rows.dtype == ROW:
        # Compiled code is specialised for rows that are aligned in memory; a record's bytes begin anywhere.
        aligned = np.empty(len(rows), ROW)
        aligned.view(np.uint8).reshape(-1)[:] = np.frombuffer(rows.tobytes(), np.uint8)
        return aligned
    migrated = empty_rows(len(rows))
    for name in ROW.names or ():
        if name in (rows.dtype.names or ()):
            migrated[name] = rows[name]
    return migrated


def complete_headers(headers: Iterable[Header]) -> list[Header]:
    """Of each checkpoint all of whose chunks are there, the header of its first chunk, by offset."""
    found: dict[tuple[str, int], list[Header]] = {}
    for header in headers:
        found.setdefault((header.owner, header.number), []).append(header)
    complete = [
        min(parts, key=lambda part: part.chunk)
        for parts in found.values()
        if len({part.chunk for part in parts}) == parts[0].chunks
    ]
    return sorted(complete, key=lambda header: header.offset)


def split(chosen: npt.NDArray[np.int64], row_bytes: int, id_lengths: npt.NDArray[np.int32]) -> Iterator[Any]:
    """Cut the chosen rows into chunks of at most CHUNK_BYTES; one empty chunk where none is chosen."""
    if len(chosen) == 0:
        yield chosen
        return
    ends = np.cumsum(id_lengths[chosen].astype(np.int64) + row_bytes)
    first = 0
    while first < len(chosen):
        base = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, base + CHUNK_BYTES, "right")))
        yield chosen[first:last]
        first = last

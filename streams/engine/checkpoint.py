"""What a checkpoint consists of: records by key, of which a store keeps the newest one each.

A checkpoint is written as a whole or not at all. It holds the rows that changed since the last one, each under its
customer's key, the segments of the window of event identities that changed (streams.engine.window_records), and one
header that says where the partition stands. Two more records go along when they are new: the text of the policy, which
the header names by its hash, and the layout of rows, which each row names by a number. Nothing else is ever written
again.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.hashing import xxh64
from schemas.bodies import Bodies, bodies_of, one_after_another
from streams.engine.described import Layout, read_layout
from streams.engine.packing import FORWARD_LAYOUT, HEAD_BYTES

CHECKPOINT_LAYOUT: Final = 9  # before 5 there were chunks of rows: streams.engine.former

# Keys that are no customer's begin with a byte that no namespace has.
HEADER_KEY: Final = b"\xffheader"
POLICY_KEY: Final = b"\xffpolicy"
LAYOUT_KEY: Final = b"\xfflayout/"  # and the number of the layout

Record = tuple[bytes, bytes | None]
"""Key and value; a value of None deletes the key."""

_FIXED: Final = struct.Struct(">BIqqqQ")
_PART: Final = struct.Struct(">BH")
_SEALED: Final = struct.Struct(">Q")
_LOG, _POLICY, _EPOCH, _WINDOW, _TAKEN = 1, 2, 3, 4, 5
_NUMBER: Final = struct.Struct(">q")
_PAIR: Final = struct.Struct(">QQ")
_FROM: Final = struct.Struct(">Iqi")


class UnreadableCheckpoint(ValueError):
    """A checkpoint record that this version can't read."""


@dataclass(frozen=True)
class Header:
    """Where a partition stood.

    ``offset``: up to which it is complete; ``time`` (ms) and ``policy`` (hash, in hexadecimal digits) are in force
    there, and ``bad_run`` is the number of consecutive rejects before it. ``customers``: of the partition, so that a
    restore can make room for all at once. ``log``: identity of the log that the rows were made from; empty: unknown.
    ``epoch``: which log that is, by the order in which logs were made; 0: it is from before there were epochs.
    ``window``: how many event identities it remembers, and how many it ever entered; None: rows remembered their own,
    before layout 6. ``taken``: of each other partition that sent something, its number, and the greatest (offset,
    ordinal) that was taken from it.
    """

    partition: int
    offset: int
    time: int
    policy: str
    bad_run: int = 0
    customers: int = 0
    log: str = ""
    epoch: int = 0
    window: tuple[int, int] | None = None
    taken: tuple[tuple[int, int, int], ...] = ()

    def encode(self) -> bytes:
        """The value of the header's record: fixed fields, parts with a tag and a length each, a checksum."""
        fixed = _FIXED.pack(CHECKPOINT_LAYOUT, self.partition, self.offset, self.time, self.bad_run, self.customers)
        parts = [(_LOG, self.log.encode()), (_POLICY, bytes.fromhex(self.policy))]
        if self.epoch:
            parts.append((_EPOCH, _NUMBER.pack(self.epoch)))
        if self.window is not None:
            parts.append((_WINDOW, _PAIR.pack(*self.window)))
        if self.taken:
            parts.append((_TAKEN, b"".join(_FROM.pack(*each) for each in self.taken)))
        return sealed(fixed + b"".join(_PART.pack(tag, len(part)) + part for tag, part in parts))


def decode_header(value: bytes) -> Header:
    """Read a header. Raises UnreadableCheckpoint."""
    if value and value[0] > CHECKPOINT_LAYOUT:
        raise UnreadableCheckpoint(
            f"a checkpoint was written in layout {value[0]}, this version knows {CHECKPOINT_LAYOUT}: start the newer "
            "version"
        )
    told = unsealed(value, "the header of a checkpoint")
    try:
        _, partition, offset, time, bad_run, customers = _FIXED.unpack_from(told)
        parts: dict[int, bytes] = {}
        at = _FIXED.size
        while at < len(told):
            tag, size = _PART.unpack_from(told, at)
            parts[tag] = told[at + _PART.size : at + _PART.size + size]
            at += _PART.size + size
        if at != len(told) or not parts.keys() <= {_LOG, _POLICY, _EPOCH, _WINDOW, _TAKEN}:
            raise UnreadableCheckpoint("the header of a checkpoint says what this version does not know")
        (epoch,) = _NUMBER.unpack(parts.get(_EPOCH, bytes(_NUMBER.size)))
        window = _PAIR.unpack(parts[_WINDOW]) if _WINDOW in parts else None
        policy, log = parts[_POLICY].hex(), parts[_LOG].decode()
        taken = tuple(_FROM.iter_unpack(parts.get(_TAKEN, b"")))
        return Header(partition, offset, time, policy, bad_run, customers, log, epoch, window, taken)
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise UnreadableCheckpoint(f"the header of a checkpoint can't be read: {error}") from error


def _sum(told: bytes) -> bytes:
    return _SEALED.pack(int(xxh64(np.frombuffer(told, np.uint8), 0, len(told), np.uint64(0))) & 0xFFFFFFFFFFFFFFFF)


def sealed(told: bytes) -> bytes:
    """Bytes, and their checksum behind them."""
    return told + _sum(told)


def unsealed(value: bytes, what: str) -> bytes:
    """The opposite of ``sealed``. Raises UnreadableCheckpoint where the checksum says that they were damaged."""
    told = value[: -_SEALED.size]
    if len(value) < _SEALED.size or value != sealed(told):
        raise UnreadableCheckpoint(f"{what}, of {len(value)} bytes, was damaged: restore the state from a copy")
    return told


def layout_record(number: int, layout: Layout) -> Record:
    """The record of a layout of rows."""
    return LAYOUT_KEY + bytes([number]), sealed(layout.text())


def decode_layout(value: bytes) -> Layout:
    """Read a layout of rows. Raises UnreadableCheckpoint."""
    told = unsealed(value, "a layout of rows in a checkpoint")
    try:
        return read_layout(told)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableCheckpoint(f"a layout of rows in a checkpoint can't be read: {error}") from error


# The first byte of a row's key is a namespace; of the keys of all that is no row it is this or the one after it.
_OTHERS: Final = 0xFE


@dataclass(frozen=True)
class Checkpoint:
    """What is to be stored, all of it or nothing; once that is confirmed, ``offset`` may be committed.

    ``records``: a few that go before, mostly none; those that delete a key go behind all others, because what they
    delete is in the rows. ``keys`` and ``values``: changed rows, as columns, and behind them segments of the window.
    ``header``: goes last. For ``Partition.take_back``, ``customers``: whose rows they are; ``stored``: how many entries
    of the window were stored before.
    """

    offset: int
    records: list[Record]
    keys: Bodies
    values: Bodies
    header: tuple[bytes, bytes]
    customers: npt.NDArray[np.int32] = field(repr=False)
    stored: int = 0

    def behind(self, earlier: list[tuple[Bodies, Bodies]]) -> "Checkpoint":
        """The checkpoint with rows that were taken for it before: of a key the last one counts."""
        keys = one_after_another([*(keys for keys, _ in earlier), self.keys])
        values = one_after_another([*(values for _, values in earlier), self.values])
        return replace(self, keys=keys, values=values)

    @property
    def rows(self) -> int:
        """How many rows it holds; segments of the window are none."""
        return int(np.count_nonzero(self.keys.buffer[self.keys.offsets[:-1]] < _OTHERS))

    @property
    def bytes(self) -> int:
        """Bytes of all its keys and values."""
        others = sum(len(key) + len(value or b"") for key, value in (*self.records, self.header))
        return int(self.keys.offsets[-1] + self.values.offsets[-1]) + others

    def all_records(self) -> Iterator[Record]:
        """Every record, one by one, in the order in which to store them; what is deleted comes last."""
        yield from (record for record in self.records if record[1] is not None)
        keys, values = self.keys.buffer.tobytes(), self.values.buffer.tobytes()
        at, to = 0, 0
        key_ends, ends = self.keys.offsets[1:].tolist(), self.values.offsets[1:].tolist()
        for key_end, end in zip(key_ends, ends, strict=True):
            yield keys[at:key_end], values[to:end]
            at, to = key_end, end
        yield self.header
        yield from (record for record in self.records if record[1] is None)


def led_to(key: bytes, value: bytes) -> bytes | None:
    """The key of the row that a stored forwarding address leads to; None of everything else."""
    if key[0] >= _OTHERS or len(value) <= HEAD_BYTES + 2 or value[7] != FORWARD_LAYOUT:
        return None
    return value[HEAD_BYTES : HEAD_BYTES + 1] + value[HEAD_BYTES + 2 :]


Stored = tuple[Bodies, Bodies]
"""Keys and values of records of checkpoints, in the order in which they were stored."""

_TOGETHER: Final = 16_384


def stored_in_columns(records: Iterable[tuple[bytes, bytes]]) -> Iterator[Stored]:
    """Records that were read one by one, as columns of some thousands."""
    some: list[tuple[bytes, bytes]] = []
    for record in records:
        some.append(record)
        if len(some) == _TOGETHER:
            yield bodies_of([key for key, _ in some]), bodies_of([value for _, value in some])
            some = []
    if some:
        yield bodies_of([key for key, _ in some]), bodies_of([value for _, value in some])

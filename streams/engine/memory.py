"""What a tenure of a partition remembers of its checkpoints: which policy and layout are stored, and what it reads."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.bodies import Bodies, bodies_of
from streams.engine import restoring, window_records
from streams.engine.checkpoint import (
    HEADER_KEY,
    LAYOUT_KEY,
    POLICY_KEY,
    Checkpoint,
    Header,
    Record,
    Stored,
    UnreadableCheckpoint,
    decode_header,
    decode_layout,
    layout_record,
    sealed,
    unsealed,
)
from streams.engine.described import Layout, our_layout
from streams.engine.former import Chunk, FormerHeader, complete_headers, decode_chunk, is_former, lacking, migrated
from streams.engine.former_rings import Rings
from streams.engine.growth import grow, reserve
from streams.engine.packing import FLAG_TOUCHED, FLAG_UNREPORTED, FORWARD_LAYOUT, HEAD_BYTES, words_of
from streams.engine.results import ForeignLog
from streams.engine.rows import (
    IS_FORGOTTEN,
    USED_CHANGED,
    USED_ROWS,
    USED_TAKEN,
    Table,
    id_slices,
    namespaces_of,
)
from streams.engine.window import TOLD_LIMIT, TOLD_STORED, TOLD_TOTAL
from streams.engine.window_records import SEGMENT_KEY, BadSegment

_LAYOUTS: Final = FORWARD_LAYOUT
_SLACK: Final = np.zeros(8, np.uint8)  # bytes behind packed rows, which are read by words


class Standing(NamedTuple):
    """Where a partition stands in the log: its next offset, and the time, policy and run of rejects there.

    ``policy``: text and hash.
    """

    offset: int
    time: int
    policy: tuple[str, str]
    bad_run: int


class Memory:
    """Writes the checkpoints of one tenure, and reads those of earlier ones."""

    def __init__(self, partition: int, log: str = "", epoch: int = 0) -> None:
        self._partition = partition
        self._log = log
        self.epoch = epoch
        self._layouts: dict[int, Layout] = {}
        self._layout = -1  # the number of ours; below zero: none was stored
        self._header: Header | None = None
        self._policy = ""  # the text that is stored
        self._policy_hash = ""
        self._former: list[FormerHeader] = []
        self._obsolete: list[bytes] = []
        self._segments: dict[int, bytes] = {}
        self._rings = Rings()
        self.newest = -1
        """The greatest offset that a restored row contains."""
        self.lacking: set[str] = set()
        """Fields that rows of former layouts did not have, and that only the past can give."""

    def checkpoint(self, table: Table, standing: Standing) -> Checkpoint:
        """The records of the next checkpoint; its rows count as written."""
        numbers = table.changed[: table.used[USED_CHANGED]].copy()
        records: list[Record] = [(key, None) for key in self._obsolete]
        self._obsolete = []
        if len(numbers) and self._layout < 0:
            self._layout = max(self._layouts, default=-1) + 1
            if self._layout >= _LAYOUTS:
                raise UnreadableCheckpoint(f"partition {self._partition}: its rows were laid out in 255 ways")
            records.append(layout_record(self._layout, our_layout()))
        text, digest = standing.policy
        if digest != self._policy_hash:
            records.append((POLICY_KEY, sealed(text.encode())))
            self._policy_hash = digest
        header = Header(
            self._partition,
            standing.offset,
            standing.time,
            digest,
            standing.bad_run,
            int(table.used[USED_ROWS]),
            self._log,
            self.epoch,
            (int(table.window.told[TOLD_LIMIT]), int(table.window.told[TOLD_TOTAL])),
            tuple((number, offset, ordinal) for number, (offset, ordinal) in enumerate(_taken(table)) if offset >= 0),
        )
        stored = int(table.window.told[TOLD_STORED])
        rows, gone = _parted(table, numbers)
        records += [(_key(table, number), None) for number in gone.tolist()]
        keys, values = self._rows(table, rows)
        restoring.forget_changes(table)
        return Checkpoint(standing.offset, records, keys, values, (HEADER_KEY, header.encode()), numbers, stored)

    def some_rows(self, table: Table, most: int) -> tuple[Bodies, Bodies]:
        """Keys and values of some rows that changed; they count as written, and must go before the next checkpoint.

        None before the first checkpoint of a tenure has told how rows are laid out.
        """
        count = 0 if self._layout < 0 else min(most, int(table.used[USED_CHANGED]))
        numbers = table.changed[:count].copy()
        rows, gone = _parted(table, numbers)
        keys, values = self._rows(table, rows)
        restoring.forget_first_changes(table, count)
        # That they are gone stands in the checkpoint itself.
        restoring.note_changes(table, gone)
        return keys, values

    def _rows(self, table: Table, numbers: npt.NDArray[np.int32]) -> tuple[Bodies, Bodies]:
        """The packed rows of customers, and behind them the segments of the window that changed."""
        key_bytes, most = restoring.key_bytes(table, numbers)
        segments, more_keys, more = window_records.segment_bytes(table.window)
        count = len(numbers) + segments
        keys, key_ends = np.empty(key_bytes + more_keys, np.uint8), np.zeros(count + 1, np.int64)
        values, ends = np.empty(most + more, np.uint8), np.zeros(count + 1, np.int64)
        restoring.write_rows(table, numbers, self._layout, keys, key_ends, values, ends)
        window_records.add_segments(table.window, len(numbers), keys, key_ends, values, ends)
        return Bodies(keys, key_ends), Bodies(values[: ends[-1]], ends)

    def take_back(self, table: Table, checkpoint: Checkpoint) -> None:
        """A checkpoint was not stored: the next one holds what it held."""
        restoring.note_changes(table, checkpoint.customers)
        window_records.not_stored(table.window, checkpoint.stored)
        written = {key for key, _ in checkpoint.records}
        if any(key.startswith(LAYOUT_KEY) for key in written):
            self._layout = -1
        if POLICY_KEY in written:
            self._policy_hash = ""
        # Who was forgotten is among those that changed.
        gone = (key for key, value in checkpoint.records if value is None)
        self._obsolete = [key for key in gone if not key or key[0] >= restoring.FIRST_NO_NAMESPACE]

    def restore(self, table: Table, stored: Iterable[Stored]) -> tuple[Table, Standing | None]:
        """The table with the newest row of each customer, packed, and where the checkpoint stood.

        Raises ForeignLog where it was made from another log, UnreadableCheckpoint where a record was damaged.
        """
        aside: list[Stored] = []
        for columns in stored:
            table = self._read_others(table, *columns)
            table = self._take_in(table, *columns, aside)
        # Rows whose layout was told after them, or not at all.
        for columns in aside:
            table = self._take_in(table, *columns, None)
        restoring.relist(table)
        if self._header is not None:
            standing = self._standing(self._header)
            for number, offset, ordinal in self._header.taken:
                # Of a partition that is no more nothing comes.
                if number < len(_taken(table)):
                    _taken(table)[number] = offset, ordinal
            return self._with_window(table, self._header.window, standing.offset), standing
        if self._obsolete:
            found = self._migrated(table)
            return self._with_window(table, None, found.offset if found else 0), found
        if int(table.used[USED_ROWS]):
            raise UnreadableCheckpoint(f"partition {self._partition}: rows were stored, but no header with them")
        return table, None

    def _with_window(self, table: Table, told: tuple[int, int] | None, offset: int) -> Table:
        """The table with the window as a header tells of it; None: made of what rows remembered before layout 6."""
        segments, self._segments = self._segments, {}
        rings, self._rings = self._rings, Rings()
        if table.window.told[TOLD_LIMIT] == 0:
            return table
        if told is None:
            return table._replace(window=rings.entered(table.window, offset))
        try:
            return table._replace(window=window_records.restored_window(*told, offset, segments))
        except BadSegment as error:
            raise UnreadableCheckpoint(f"partition {self._partition}: {error}") from error

    def _standing(self, header: Header) -> Standing:
        self._obsolete = []
        if not self._policy:
            raise UnreadableCheckpoint(f"partition {self._partition}: the policy {header.policy} was not stored")
        self._policy_hash = header.policy
        # Whatever the reports say by now: rows that were written under one epoch must not lose against themselves.
        self.epoch = header.epoch
        return Standing(header.offset, header.time, (self._policy, header.policy), header.bad_run)

    def _migrated(self, table: Table) -> Standing | None:
        """Where the newest complete checkpoint of chunks stood; all rows count as changed."""
        restoring.note_changes(table, np.arange(table.used[USED_ROWS], dtype=np.int32))
        newest = complete_headers(self._former)[-1:]
        self.epoch = 0
        return Standing(newest[0].offset, newest[0].time, (newest[0].policy, ""), newest[0].bad_run) if newest else None

    def _read_others(self, table: Table, keys: Bodies, values: Bodies) -> Table:
        """What is no row: the header, the policy, layouts of rows, and chunks of former checkpoints."""
        sizes = np.diff(keys.offsets)
        begins = keys.buffer[keys.offsets[:-1][sizes > 0]]
        for i in np.flatnonzero(sizes > 0)[begins >= restoring.FIRST_NO_NAMESPACE].tolist():
            key, value = keys.message(i), values.message(i)
            if key == HEADER_KEY:
                header = decode_header(value)
                self._check(header)
                self._header = header
                table = reserve(table, header.customers)
            elif key == POLICY_KEY:
                self._policy = unsealed(value, "the policy of a checkpoint").decode()
            elif key[:-1] == LAYOUT_KEY:
                self._learn(key[-1], decode_layout(value))
            elif key[:-4] == SEGMENT_KEY:
                self._segments[int.from_bytes(key[-4:], "big")] = value
            elif is_former(key):
                table = self._take_chunk(table, key, decode_chunk(value))
            else:
                raise UnreadableCheckpoint(f"a checkpoint record has the key {key!r}, which this version does not know")
        return table

    def _learn(self, number: int, layout: Layout) -> None:
        self._layouts[number] = layout
        if layout.text() == our_layout().text():
            self._layout = number

    def _check(self, header: Header | FormerHeader) -> None:
        if header.partition != self._partition:
            raise UnreadableCheckpoint(
                f"partition {self._partition}: what was stored is of partition {header.partition}"
            )
        if self._log and header.log not in ("", self._log):
            raise ForeignLog(
                f"partition {self._partition}: its customers were made from log {header.log}, and this is "
                f"{self._log}: it is another log than the one that they were made from; start with an empty state"
            )

    def _take_in(self, table: Table, keys: Bodies, values: Bodies, aside: list[Stored] | None) -> Table:
        """Lay down the rows among these records. Of an unknown layout they are set ``aside``, or refused: None."""
        sizes, lengths = np.diff(keys.offsets), np.diff(values.offsets)
        known = np.zeros(len(sizes), np.bool_)
        known[sizes > 0] = keys.buffer[keys.offsets[:-1][sizes > 0]] < restoring.FIRST_NO_NAMESPACE
        if not known.any():
            return table
        if (lengths[known] < HEAD_BYTES).any():
            raise UnreadableCheckpoint(f"partition {self._partition}: a stored row was cut off")
        layouts = np.full(len(sizes), -1)
        layouts[known] = values.buffer[values.offsets[:-1][known] + 7]
        for number in sorted(set(layouts[known].tolist()), key=lambda each: each == self._layout):
            if number == self._layout and (layouts[known] == number).all():
                table = self._lay_down(table, keys, values, number)
                continue
            chosen = np.flatnonzero(layouts == number)
            some = _chosen(keys, chosen), _chosen(values, chosen)
            if number in (self._layout, FORWARD_LAYOUT):
                table = self._lay_down(table, *some, number)
            elif number in self._layouts:
                table = self._lay_down(table, some[0], self._packed_anew(*some, self._layouts[number]), 0)
            elif aside is not None:
                aside.append(some)
            else:
                raise UnreadableCheckpoint(
                    f"partition {self._partition}: rows are laid out in way {number}, which was not stored"
                )
        return table

    def _lay_down(self, table: Table, keys: Bodies, values: Bodies, layout: int) -> Table:
        count, at = len(keys.offsets) - 1, 0
        hashes, found = np.zeros(count, np.uint64), np.array([self.newest])
        restoring.hash_keys(keys.buffer, keys.offsets, hashes)
        while at < count:
            at, why = restoring.take_in(
                table, keys.buffer, keys.offsets, hashes, values.buffer, values.offsets, layout, at, found
            )
            if why == restoring.IS_DAMAGED:
                raise self._damaged(keys.message(at))
            table = grow(table) if at < count else table
        self.newest = int(found[0])
        return table

    def _damaged(self, key: bytes) -> UnreadableCheckpoint:
        return UnreadableCheckpoint(
            f"partition {self._partition}: the row of customer {key[1:].decode(errors='backslashreplace')!r} was "
            "damaged where it was stored: restore the state from a copy"
        )

    def _packed_anew(self, keys: Bodies, values: Bodies, layout: Layout) -> Bodies:
        """Rows of another layout as values in ours."""
        count = len(keys.offsets) - 1
        hashes, words = np.zeros(count, np.uint64), np.empty((count, len(layout.empty)), np.uint64)
        heads = np.empty((count, 3), np.int64)
        restoring.hash_keys(keys.buffer, keys.offsets, hashes)
        padded = np.concatenate([values.buffer[: values.offsets[-1]], _SLACK])
        bad = restoring.unpack_others(
            padded, values.offsets, hashes, layout.empty, layout.kinds, layout.anchor, layout.linked, words, heads
        )
        if bad >= 0:
            raise self._damaged(keys.message(bad))
        stored = words.view(layout.row).reshape(count)
        self.lacking |= lacking(stored)
        if self._header is None or self._header.window is None:
            self._rings.add(stored, hashes, heads[:, 0], keys.buffer[keys.offsets[:-1]])
        rows = migrated(stored)
        rows["offset"], rows["entry_at"] = heads[:, 0], heads[:, 1]
        return Bodies(*restoring.pack_rows(words_of(rows), heads[:, 2].astype(np.uint8), hashes, 0))

    def _take_chunk(self, table: Table, key: bytes, chunk: Chunk) -> Table:
        if chunk.header.partition != self._partition:
            return table
        self._check(chunk.header)
        self._former.append(chunk.header)
        self._obsolete.append(key)
        names = np.concatenate([np.zeros(1, np.int64), np.cumsum(chunk.lengths)])
        ids, rows, spaces = chunk.ids.tobytes(), chunk.rows, chunk.namespaces.tobytes()
        begins, ends = names[:-1].tolist(), names[1:].tolist()
        keys = bodies_of([spaces[i : i + 1] + ids[at:to] for i, (at, to) in enumerate(zip(begins, ends, strict=True))])
        # What the due index held says nothing of a row that another copy of it may have replaced.
        wake = np.where(chunk.touched, rows["due_at"], np.minimum(rows["due_at"], rows["review_at"]))
        rows["entry_at"] = wake
        flags = (chunk.touched * FLAG_TOUCHED | chunk.unreported * FLAG_UNREPORTED).astype(np.uint8)
        hashes = np.zeros(len(rows), np.uint64)
        restoring.hash_keys(keys.buffer, keys.offsets, hashes)
        self.lacking |= lacking(chunk.stored)
        self._rings.add(chunk.stored, hashes, rows["offset"], chunk.namespaces)
        values = Bodies(*restoring.pack_rows(words_of(rows), flags, hashes, 0))
        table = reserve(table, chunk.header.customers)
        return self._lay_down(table, keys, values, 0)


def _parted(table: Table, numbers: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Those who have a row, and those who are forgotten."""
    gone = (np.asarray(table.customers)["id"][numbers] & IS_FORGOTTEN) != 0
    return numbers[~gone], numbers[gone]


def _key(table: Table, number: int) -> bytes:
    """Under which a customer's row is stored."""
    place = np.array([number])
    (start,), (length,) = id_slices(table, place)
    return bytes([int(namespaces_of(table, place)[0])]) + table.ids[start : start + length].tobytes()


def _taken(table: Table) -> npt.NDArray[np.int64]:
    """The greatest (offset, ordinal) that was taken from each partition, shape (partitions, 2): of the same memory."""
    return table.used[USED_TAKEN:].reshape(-1, 2)


def _chosen(bodies: Bodies, numbers: npt.NDArray[np.int64]) -> Bodies:
    """Some of the messages, copied."""
    return bodies_of([bodies.message(i) for i in numbers.tolist()])

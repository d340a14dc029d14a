"""Which events are known already when a file is imported: a set of 128-bit hashes of their identities, compiled.

The identity of an event is what the message itself names: the namespace and the id of its customer, and its event id.
Its time, its kind and its content are not part of it. It is hashed as one text, ``<namespace>:<length of the id>:`` and
then both ids: two XXH64, the second over the text and a zero byte; ClickHouse computes the same of what it has stored.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled_leaf
from processors.hashing import xxh64
from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
from streams.imports.survey import Survey
from streams.log.messages import text_bodies
from streams.reports.logs import known_epochs
from streams.reports.sink import Sink

_IDENTITY: Final = "concat(toString(toInt8(namespace)), ':', toString(length(customer)), ':', customer, event_id)"
STORED: Final = (
    f"SELECT xxHash64({_IDENTITY}) AS first, xxHash64(concat({_IDENTITY}, char(0))) AS second FROM touchpoints_raw"
    " WHERE log_epoch >= {epoch:Int64}"
)
# The table is sorted by customer, so a few are found without reading all. A share at a time bounds memory.
_OF_SOME: Final = f"{STORED} AND customer IN {{customers:Array(String)}}"
_OF_A_SHARE: Final = f"{STORED} AND cityHash64(customer) % {{shares:UInt64}} = {{share:UInt64}}"
_COUNT: Final = "SELECT count() AS n FROM touchpoints_raw"
FEW_CUSTOMERS: Final = 1_000
KNOWN_ROWS: Final = 4_000_000
_SEED: Final = np.uint64(0)
_LONGEST_HEAD: Final = 16

_FREE: Final = 0
_EXPECTED: Final = 1  # of the file, and not met yet
_MET: Final = 2  # stored, or met in the file

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@compiled_leaf
def _hash_identities(
    spaces: Bytes,
    customers: Bytes,
    customer_places: Places,
    events: Bytes,
    event_places: Places,
    scratch: Bytes,
    first: Hashes,
    second: Hashes,
) -> None:
    for i in range(len(first)):
        length = customer_places[i + 1] - customer_places[i]
        scratch[0] = np.uint8(48 + spaces[i])
        scratch[1] = np.uint8(58)
        digits = 1
        while 10**digits <= length:
            digits += 1
        left = length
        for digit in range(digits):
            scratch[1 + digits - digit] = np.uint8(48 + left % 10)
            left //= 10
        scratch[2 + digits] = np.uint8(58)
        at = 3 + digits
        for j in range(length):
            scratch[at + j] = customers[customer_places[i] + j]
        at += length
        for j in range(event_places[i + 1] - event_places[i]):
            scratch[at + j] = events[event_places[i] + j]
        at += event_places[i + 1] - event_places[i]
        scratch[at] = 0
        first[i] = xxh64(scratch, 0, at, _SEED)
        second[i] = xxh64(scratch, 0, at + 1, _SEED)


@compiled_leaf
def _slot_of(firsts: Hashes, seconds: Hashes, states: Bytes, first: np.uint64, second: np.uint64) -> np.uint64:
    """Where a hash stands, or the free slot that it would get."""
    mask = np.uint64(len(firsts) - 1)
    slot = first & mask
    while states[slot] != _FREE and (firsts[slot] != first or seconds[slot] != second):
        slot = (slot + np.uint64(1)) & mask
    return np.uint64(slot)


@compiled_leaf
def _enter(first: Hashes, second: Hashes, state: Bytes, firsts: Hashes, seconds: Hashes, states: Bytes) -> int:
    """Add those that are not there; returns how many."""
    added = 0
    for i in range(len(first)):
        slot = _slot_of(firsts, seconds, states, first[i], second[i])
        if states[slot] == _FREE:
            firsts[slot], seconds[slot], states[slot] = first[i], second[i], state[i]
            added += 1
    return added


@compiled_leaf
def _meet(
    first: Hashes, second: Hashes, firsts: Hashes, seconds: Hashes, states: Bytes, met: npt.NDArray[np.bool_]
) -> None:
    """Mark those that are there as met; ``met`` tells which were before."""
    for i in range(len(first)):
        slot = _slot_of(firsts, seconds, states, first[i], second[i])
        met[i] = states[slot] == _MET
        if states[slot] != _FREE:
            states[slot] = _MET


def import_id_of(content_key: str, now: int) -> str:
    """The id of an import that begins now (ms): by it its touchpoints say who brought them."""
    return f"{content_key[:12]}-{now:x}"


def marked(batch: pa.RecordBatch, known: npt.NDArray[np.bool_], import_id: str) -> pa.RecordBatch:
    """Canonical rows that name their import, those that are known marked as such."""
    told = {"import_id": pa.repeat(import_id, batch.num_rows), "known": pa.array(known, mask=~known)}
    for name, column in told.items():
        batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
    return batch


class KnownEvents:
    """Which events of a file are stored, or stand in it before: 34 to 68 bytes an event of the file.

    First ``expect`` every batch of the file, then ``load`` what is stored, then ``notice`` every batch in order.
    """

    def __init__(self) -> None:
        self._firsts: Hashes = np.zeros(1024, np.uint64)
        self._seconds: Hashes = np.zeros(1024, np.uint64)
        self._states: Bytes = np.zeros(1024, np.uint8)
        self._count = 0
        self._customers: set[str] = set()

    def expect(self, batch: pa.RecordBatch) -> None:
        """Take in which events a batch of canonical rows has."""
        first, second = _hashes(batch)
        while (self._count + len(first)) * 2 > len(self._firsts):
            self._grow()
        state = np.full(len(first), _EXPECTED, np.uint8)
        self._count += _enter(first, second, state, self._firsts, self._seconds, self._states)
        if len(self._customers) <= FEW_CUSTOMERS:
            # One more than few tells that they are many.
            self._customers.update(pc.unique(_customers(batch)[0]).slice(0, FEW_CUSTOMERS + 1).to_pylist())

    def load(self, sink: Sink, log: str = "") -> None:
        """Ask the reports which of the expected events they hold. Raises ReportsError.

        ``log``: identity of the log that the events are for, where the reports may hold those of former ones too: a log
        that is made anew knows nothing of what these brought.
        """
        if self._count == 0:
            return
        epochs = known_epochs(sink) if log else {}
        if epochs and log not in epochs:
            return
        epoch = epochs.get(log, 0)
        if len(self._customers) <= FEW_CUSTOMERS:
            self._store(sink.query(_OF_SOME, {"customers": sorted(self._customers), "epoch": epoch}))
            return
        shares = 1 + int(sink.query(_COUNT).column("n")[0].as_py()) // KNOWN_ROWS
        for share in range(shares):
            self._store(sink.query(_OF_A_SHARE, {"shares": shares, "share": share, "epoch": epoch}))

    def _store(self, stored: Any) -> None:
        if stored.num_rows:
            self._met(*(np.ascontiguousarray(stored.column(name).to_numpy()) for name in ("first", "second")))

    def notice(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Which rows of a batch are known; from now on all of them are. Only batches that were expected."""
        return self._met(*_hashes(batch))

    def _met(self, first: Hashes, second: Hashes) -> npt.NDArray[np.bool_]:
        met = np.zeros(len(first), np.bool_)
        _meet(first, second, self._firsts, self._seconds, self._states, met)
        return met

    def _grow(self) -> None:
        used = self._states != _FREE
        first, second, state = self._firsts[used], self._seconds[used], self._states[used]
        size = len(self._firsts) * 2
        self._firsts, self._seconds = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
        self._states = np.zeros(size, np.uint8)
        _enter(first, second, state, self._firsts, self._seconds, self._states)


def noticed(known: KnownEvents, batch: pa.RecordBatch, survey: Survey | None) -> npt.NDArray[np.bool_]:
    """Which rows of a batch are known; ``survey`` takes them all in.

    A row that the policy refuses makes nothing known: another of the same identity may be one that it takes.
    """
    if survey is None:
        return known.notice(batch)
    refused = survey.refuses(batch)
    seen = np.zeros(batch.num_rows, np.bool_)
    if refused.any():
        seen[~refused] = known.notice(batch.filter(pa.array(~refused)))
        survey.add(batch.filter(pa.array(~refused)), seen[~refused])
    else:
        seen = known.notice(batch)
        survey.add(batch, seen)
    return seen


def _customers(batch: pa.RecordBatch) -> tuple[Any, Any]:
    """(the id that each row names, its namespace), as the engine reads them: an empty one is none."""
    known = batch.column("customer_id")
    anonymous = pc.equal(pc.fill_null(pc.binary_length(known), 0), 0)
    named = pc.if_else(pc.fill_null(batch.column("is_account"), False), NAMESPACE_ACCOUNT, NAMESPACE_KNOWN)
    spaces = pc.if_else(anonymous, NAMESPACE_ANONYMOUS, named).cast(pa.uint8())
    return pc.if_else(anonymous, pc.fill_null(batch.column("anonymous_id"), ""), known), spaces


def _hashes(batch: pa.RecordBatch) -> tuple[Hashes, Hashes]:
    ids, spaces = _customers(batch)
    customers, events = text_bodies(ids), text_bodies(batch.column("event_id"))
    first, second = np.empty(batch.num_rows, np.uint64), np.empty(batch.num_rows, np.uint64)
    longest = sum(int(np.diff(each.offsets).max(initial=0)) for each in (customers, events))
    _hash_identities(
        spaces.to_numpy(zero_copy_only=False),
        customers.buffer,
        customers.offsets,
        events.buffer,
        events.offsets,
        np.empty(longest + _LONGEST_HEAD, np.uint8),
        first,
        second,
    )
    return first, second

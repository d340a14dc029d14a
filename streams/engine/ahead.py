"""Looking ahead: the memory of customers who come next is asked for while others are processed. Compiled.

The key of a record is its customer's id as a producer writes it. Where it isn't, only the hint is wrong.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from processors.hashing import xxh64
from processors.prefetch import LINE, ask_for_line
from processors.row.layout import ROW
from processors.row.namespaces import NAMESPACE_ACCOUNT, NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN, salt_of
from processors.words import Int
from schemas.reasons import OK
from streams.engine.rows import USED_ROWS, Table, id_start
from streams.engine.window import TOLD_COUNT, ask_for_identity, identity_of
from streams.log.records import (
    HEAD_CELLS,
    HEAD_KEY,
    HEAD_KEY_SIZE,
    HEAD_NEXT,
    HEAD_VALUE,
    HEAD_VALUE_SIZE,
    next_record,
)

AHEAD_FAR: Final = 12  # records ahead: the slot of the index
AHEAD_MIDDLE: Final = 8  # what is known of the customer
AHEAD_NEAR: Final = 4  # the id, and the row
AHEAD_SMALL: Final = 4_096  # fewer customers than this stay in the caches by themselves

VIEW_PLACE: Final = 0  # slots of the view: where the next record to look at begins
VIEW_LOOKED: Final = 1  # records of the span that were looked at
VIEW_HEAD: Final = 2
VIEW_KEYS: Final = VIEW_HEAD + HEAD_CELLS
VIEW_CELLS: Final = VIEW_KEYS + 16

_ROW_LINES: Final = 24  # what an ordinary touchpoint touches of a row
# What is read beyond these: where it begins, and how many lines it takes.
_BOUGHT: Final = int(ROW.fields["bought_at"][1]) if ROW.fields else 0
_TERMS: Final = int(ROW.fields["last_consent_at"][1]) if ROW.fields else 0  # counts of version 2, and what binds
_TERM_LINES: Final = 2
_CLOCKS: Final = int(ROW.fields["armed_at"][1]) if ROW.fields else 0
_CLOCK_LINES: Final = 2  # of the silences that rules wait for
_QUESTIONS: Final = int(ROW.fields["question_at"][1]) if ROW.fields else 0  # by a review also questions and consent
_QUESTION_LINES: Final = 2
_CONSENT: Final = int(ROW.fields["given_at"][1]) if ROW.fields else 0
_CONSENT_LINES: Final = 4
_PACKED_LINES: Final = 5  # what most packed rows take
_PROBES: Final = 8  # slots, which is a line of memory
_SEED: Final = np.uint64(0)
_MANY_EVENTS: Final = 65_536  # the index over fewer stays in the caches by itself
_FRAMING: Final = 5
_SHORTEST: Final = 2
_LONGER: Final = 0x81
_UPPER: Final = np.uint64(0xFFFFFFFF00000000)
_LOWER: Final = np.uint64(0x00000000FFFFFFFF)


@compiled_inline
def _candidate(table: Table, key: np.uint64) -> np.int64:
    """Number of the customer whose key this seems to be, -1 where nobody's is found near its first slot.

    A key does not say in which namespace its id is; the slot is the same in all of them.
    """
    slot = key & np.uint64(len(table.slots) - 1)
    for _ in range(_PROBES):
        word = table.slots[slot]
        if word == np.uint64(0):
            return np.int64(-1)
        differs = (word ^ key) & _UPPER
        if differs == np.uint64(0) or differs == salt_of(NAMESPACE_ANONYMOUS) or differs == salt_of(NAMESPACE_ACCOUNT):
            return np.int64((word & _LOWER) - np.uint64(1))
        slot = (slot + np.uint64(1)) & np.uint64(len(table.slots) - 1)
    return np.int64(-1)


@compiled_inline
def ask_for_place(table: Table, number: Int) -> None:
    """Ask for what says where a customer's row and id are."""
    ask_for_line(table.customers.ctypes.data + number * table.customers.itemsize)


@compiled_inline
def _ask_for_row(table: Table, number: Int, reviewed: bool) -> None:
    """Ask for what is read of a row, hot or packed; ``reviewed``: by a review or by timers."""
    place = table.customers[number].place
    if place >= 0:
        ask_for_line(table.hot.ctypes.data + place * table.hot.itemsize)
        first = table.rows.ctypes.data + place * table.rows.itemsize
        for line in range(_ROW_LINES):
            ask_for_line(first + line * LINE)
        ask_for_line(first + _BOUGHT)
        ask_for_line(first + _BOUGHT + LINE)
        for line in range(_TERM_LINES):
            ask_for_line(first + _TERMS + line * LINE)
        if reviewed:
            for line in range(_QUESTION_LINES):
                ask_for_line(first + _QUESTIONS + line * LINE)
            for line in range(_CONSENT_LINES):
                ask_for_line(first + _CONSENT + line * LINE)
        else:
            for line in range(_CLOCK_LINES):
                ask_for_line(first + _CLOCKS + line * LINE)
    else:
        first = table.arena.ctypes.data + ((-1 - place) << 3)
        for line in range(_PACKED_LINES):
            ask_for_line(first + line * LINE)
        ask_for_line(table.ids.ctypes.data + id_start(table, number))


@compiled_inline
def ask_for_review(table: Table, number: Int) -> None:
    """Ask for what a review reads of a customer's row."""
    _ask_for_row(table, number, True)


@compiled_inline
def _ask_for_event(buffer: npt.NDArray[np.uint8], head: npt.NDArray[Any], table: Table, key: np.uint64) -> None:
    """Ask for what the window of event identities is looked up in.

    A touchpoint begins with its event id, and goes on with its customer's. Where a writer's doesn't, or the
    customer is an account, only the hint is wrong.
    """
    place, size = head[HEAD_VALUE] + _FRAMING, head[HEAD_VALUE_SIZE] - _FRAMING
    # A length of up to 63 bytes takes one byte: twice itself.
    if size < _SHORTEST or buffer[place] & _LONGER != 0 or 1 + (np.int64(buffer[place]) >> 1) >= size:
        return
    end = place + 1 + (np.int64(buffer[place]) >> 1)
    salt = salt_of(NAMESPACE_KNOWN if buffer[end] != 0 else NAMESPACE_ANONYMOUS)
    ask_for_identity(table.window, identity_of(key ^ salt, xxh64(buffer, place + 1, end, _SEED)))


@compiled_inline
def look_ahead(buffer: npt.NDArray[np.uint8], stop: int, done: int, table: Table, view: npt.NDArray[Any]) -> None:
    """Before record ``done`` of a span that ends at ``stop``: ask for what the following ones will need.

    ``view``: int64 (VIEW,), to be zeroed but for PLACE where a span begins.
    """
    if table.used[USED_ROWS] < AHEAD_SMALL:
        return
    keys = view[VIEW_KEYS:]
    while view[VIEW_LOOKED] <= done + AHEAD_FAR and view[VIEW_PLACE] < stop:
        head = view[VIEW_HEAD:VIEW_KEYS]
        known = next_record(buffer, view[VIEW_PLACE], stop, head) == OK and head[HEAD_KEY_SIZE] > 0
        start = head[HEAD_KEY]
        key = xxh64(buffer, start, start + head[HEAD_KEY_SIZE], _SEED) if known else _SEED
        keys[view[VIEW_LOOKED] & 15] = np.int64(key)
        if known:
            ask_for_line(table.slots.ctypes.data + np.int64(key & np.uint64(len(table.slots) - 1)) * 8)
            if table.window.told[TOLD_COUNT] >= _MANY_EVENTS:
                _ask_for_event(buffer, head, table, key)
        view[VIEW_PLACE] = head[HEAD_NEXT]
        view[VIEW_LOOKED] += 1
    if done + AHEAD_MIDDLE < view[VIEW_LOOKED]:
        number = _candidate(table, np.uint64(keys[(done + AHEAD_MIDDLE) & 15]))
        if number >= 0:
            ask_for_place(table, number)
    if done + AHEAD_NEAR < view[VIEW_LOOKED]:
        number = _candidate(table, np.uint64(keys[(done + AHEAD_NEAR) & 15]))
        if number >= 0:
            ask_for_line(table.ids.ctypes.data + id_start(table, number))
            _ask_for_row(table, number, False)

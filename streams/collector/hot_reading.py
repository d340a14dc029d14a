"""The members of an event, found and read by the fast way: ids, times, calls. Compiled.

All of it is laid into its caller, as ``hot_event`` says.
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at
from schemas.limits import LONGEST
from streams.collector.hot_given import (
    BY_ITSELF,
    CALL,
    CALLS,
    IDENTIFY,
    PAGE,
    RECEIVED_AT,
    SCREEN,
    SENT,
    SENT_BY_EVENT,
    SENT_SAID,
    SHIFT,
    SINCE,
    TRACK,
    Given,
    Room,
)
from streams.collector.hot_names import (
    CODE_AT,
    CODE_AT_FIRST,
    CODE_CONTEXT,
    CODE_PROPERTIES,
    CODE_SENT_AT,
    CODE_TRAITS,
    CODE_TYPE,
    Known,
    code_of,
)
from streams.collector.hot_scan import (
    DECLINED,
    NULL,
    OBJECT,
    PARENT,
    TEXT,
    TYPE,
    VALUE,
    VALUE_STOP,
    Bytes,
    Places,
    deep_members,
    flat_members,
    name_end,
    next_member,
    stands_twice,
    value_end,
)
from streams.collector.splitting import CLOSE_OBJECT, OPEN_OBJECT, past_space
from streams.collector.times import DAY, LEAST_SKEW, MOST_BEHIND, QUEUED
from streams.imports.evidence import EITHER, FIRST
from streams.imports.times import NAMED, UNCLEAR, time_at

_MOST_ID: Final = LONGEST["event_id"]
_TRACK_WORD, _PAGE_WORD, _SCREEN_WORD, _IDENTIFY_WORD = (int.from_bytes(call.encode(), "little") for call in CALLS)


@compiled_inline
def is_there(table: Places, k: Int) -> bool:
    """Whether a member is there, and no null."""
    return bool(k >= 0 and table[k, TYPE] != NULL)


@compiled_inline
def size_of(table: Places, k: Int) -> Int:
    return np.int64(table[k, VALUE_STOP] - table[k, VALUE])


@compiled_inline
def is_clean(data: Bytes, start: Int, stop: Int) -> bool:
    """Whether there is nothing to trim: something stands there, and neither end is white space of any kind."""
    if stop <= start:
        return False
    first, last = byte_at(data, start), byte_at(data, stop - 1)
    return bool(0x20 < first < 0x7F and 0x20 < last < 0x7F)


@compiled_inline
def top_members(data: Bytes, at: Int, stop: Int, known: Known, room: Room, counts: Places) -> Int:  # noqa: C901
    """Read an event; returns its end, DECLINED. ``counts``: members of own, traits, context, top."""
    at = past_space(data, at + 1, stop)
    table, count = room.top, 0
    counts[0] = counts[1] = counts[2] = counts[3] = 0
    for i in range(room.top_at.size):
        room.top_at[i] = room.own_at[i] = room.context_at[i] = -1
    while True:
        if count == table.shape[0]:
            return DECLINED
        table[count, PARENT] = -1
        at = name_end(data, at, stop, table, count)
        if at < 0 or at >= stop:
            return DECLINED
        code = code_of(known, data, table, count)
        is_object = byte_at(data, at) == OPEN_OBJECT
        if is_object and (code == CODE_PROPERTIES or code == CODE_TRAITS or code == CODE_CONTEXT):  # noqa: SIM109
            table[count, TYPE], table[count, VALUE] = OBJECT, at
            if code == CODE_PROPERTIES:
                at, counts[0] = flat_members(data, at, stop, room.own, 0, -1, room.names, room.levels)
            elif code == CODE_TRAITS:
                at, counts[1] = flat_members(data, at, stop, room.traits, 0, -1, room.names, room.levels)
            else:
                at, counts[2] = deep_members(data, at, stop, room.context, room.names, room.levels)
            table[count, VALUE_STOP] = at
        else:
            at = value_end(data, at, stop, table, count, room.names, room.levels)
        if at < 0:
            return DECLINED
        if code >= 0:
            room.top_at[code] = count
        count += 1
        if stands_twice(table, 0, count):
            return DECLINED
        at, closed = next_member(data, at, stop, CLOSE_OBJECT)
        if at < 0:
            return DECLINED
        if closed:
            counts[3] = count
            break
    for k in range(counts[0]):
        code = code_of(known, data, room.own, k)
        if code >= 0:
            room.own_at[code] = k
    for k in range(counts[2]):
        if room.context[k, PARENT] == -1:
            code = code_of(known, data, room.context, k)
            if code >= 0:
                room.context_at[code] = k
    return at


@compiled_leaf
def child_of(known: Known, data: Bytes, table: Places, count: int, parent: Int, wanted: int) -> Int:
    """The member of a member that has this name, -1 where there is none."""
    for k in range(parent + 1, count):
        if table[k, PARENT] != parent:
            break
        if code_of(known, data, table, k) == wanted:
            return k
    return -1


@compiled_leaf
def size_of_id(data: Bytes, table: Places, k: Int) -> Int:
    """Size of an id; -1: there is none; -2: it is odd."""
    if not is_there(table, k):
        return -1
    if table[k, TYPE] != TEXT:
        return -2
    size = size_of(table, k)
    if size == 0:
        return -1
    return size if size <= _MOST_ID and is_clean(data, table[k, VALUE], table[k, VALUE_STOP]) else -2


@compiled_leaf
def _instant_in(data: Bytes, table: Places, k: Int) -> Int:
    """Ms of a time; -1: none is said; -2: it is odd."""
    if not is_there(table, k):
        return -1
    if table[k, TYPE] != TEXT:
        return -2
    start, stop = table[k, VALUE], table[k, VALUE_STOP]
    if start == stop:
        return -1
    if not is_clean(data, start, stop):
        return -2
    at, kind, way, _ = time_at(data, start, stop, FIRST)
    return at if at >= 0 and at > UNCLEAR and kind != NAMED and way != EITHER else np.int64(-2)


@compiled_inline
def occurred_at(data: Bytes, room: Room, given: Given) -> Int:
    """Ms; -2: it is odd."""
    numbers, top = given.numbers, room.top
    received = numbers[RECEIVED_AT]
    at = _instant_in(data, top, room.top_at[CODE_AT])
    if at == -1:
        at = _instant_in(data, top, room.top_at[CODE_AT_FIRST])
    if at == -2:
        return -2
    shift, since = numbers[SHIFT], numbers[SINCE]
    if numbers[SENT] != SENT_SAID and is_there(top, room.top_at[CODE_SENT_AT]):
        if numbers[SENT] != SENT_BY_EVENT:
            return -2
        sent = _instant_in(data, top, room.top_at[CODE_SENT_AT])
        if sent == -2:
            return -2
        if sent >= 0:
            shift = received - sent
            if abs(shift) < LEAST_SKEW or shift > MOST_BEHIND:
                shift = 0
            since = sent - QUEUED
    if at == -1:
        return np.int64(received)
    if shift != 0:
        at = at + shift if at > since else min(at, since + shift)
    return at if 0 <= at <= received + DAY else np.int64(-2)


@compiled_inline
def call_in(data: Bytes, room: Room, given: Given) -> int:
    told = given.numbers[CALL]
    if told != BY_ITSELF:
        return int(told)
    k = room.top_at[CODE_TYPE]
    if k < 0 or room.top[k, TYPE] != TEXT:
        return -2
    start, size = room.top[k, VALUE], size_of(room.top, k)
    first = byte_at(data, start)
    word = np.int64(0)
    if size > 8:
        return -2
    for i in range(size):
        word |= byte_at(data, start + i) << np.int64(8 * i)
    if first == 0x74:
        return TRACK if word == _TRACK_WORD else -2
    if first == 0x70:
        return PAGE if word == _PAGE_WORD else -2
    if first == 0x73:
        return SCREEN if word == _SCREEN_WORD else -2
    return IDENTIFY if word == _IDENTIFY_WORD else -2

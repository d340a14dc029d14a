"""The fast way of a whole request: its envelope, and its events one after the other. Compiled."""

from typing import Final

import numpy as np

from processors.compiled import compiled
from processors.words import Int, byte_at
from streams.collector.hot_event import translate_event
from streams.collector.hot_given import EVENT_ROOM, Given, Room
from streams.collector.hot_names import Known, Learned, identity_of
from streams.collector.hot_scan import (
    DECLINED,
    NAME_HEAD,
    NAME_TAIL,
    PARENT,
    Bytes,
    Places,
    name_end,
    next_member,
    stands_twice,
    value_end,
)
from streams.collector.requests import MOST_EVENT_BYTES
from streams.collector.splitting import CLOSE_ARRAY, CLOSE_OBJECT, OPEN_ARRAY, OPEN_OBJECT, past_space, past_value

NO_ROOM: Final = -2
"""There is not room enough for what comes out; with more, it is the same again."""
EVENT_TAKEN: Final = 1
REQUEST_CELLS: Final = 3
"""Of an event: start, stop, and EVENT_TAKEN or the depth of what was declined, negative."""
LONGEST_KEY: Final = 256
_BATCH_HEAD: Final = identity_of("batch")[0]


@compiled
def _events(data: Bytes, at: Int, stop: Int, known: Known, learned: Learned, given: Given, room: Room, spans: Places,
            out: Bytes, offsets: Places, keys: Bytes, key_offsets: Places, ends: Places) -> Int:  # fmt: skip
    """Translate the events of the list at ``at``; returns its end. ``ends[2]``: how many; ``ends[3]``: taken ones."""
    at = past_space(data, at + 1, stop)
    count, taken = 0, 0
    closed = at < stop and byte_at(data, at) == CLOSE_ARRAY
    if closed:
        at += 1
    while not closed:
        if count == spans.shape[0] or at >= stop:
            return DECLINED
        written, key_at = offsets[taken], key_offsets[taken]
        if written + MOST_EVENT_BYTES + EVENT_ROOM > out.size or key_at + LONGEST_KEY > keys.size:
            return NO_ROOM
        end: Int = np.int64(DECLINED)
        if byte_at(data, at) == OPEN_OBJECT:
            end = translate_event(data, at, stop, known, learned, given, room, out, written, keys, key_at, ends)
        spans[count, 0] = at
        if end >= 0:
            spans[count, 2] = EVENT_TAKEN
            taken += 1
            offsets[taken], key_offsets[taken] = ends[0], ends[1]
        else:
            end, depth = past_value(data, at, stop)
            spans[count, 2] = -depth
            if end < 0:
                return DECLINED
        spans[count, 1] = end
        count += 1
        at, closed = next_member(data, end, stop, CLOSE_ARRAY)
        if at < 0:
            return DECLINED
    ends[2], ends[3] = count, taken
    return at


@compiled
def translate_batch(data: Bytes, stop: int, known: Known, learned: Learned, given: Given, room: Room, envelope: Places,
                    spans: Places, out: Bytes, offsets: Places, keys: Bytes, key_offsets: Places,
                    ends: Places) -> int:  # fmt: skip
    """Translate ``{"batch": […], …}``; returns the number of members of ``envelope``, DECLINED, NO_ROOM."""
    at = past_space(data, 0, stop)
    if at >= stop or byte_at(data, at) != OPEN_OBJECT:
        return DECLINED
    at, count = past_space(data, at + 1, stop), 0
    ends[2] = -1
    while True:
        if count == envelope.shape[0]:
            return DECLINED
        envelope[count, PARENT] = -1
        at = name_end(data, at, stop, envelope, count)
        if at < 0 or at >= stop:
            return DECLINED
        is_batch = envelope[count, NAME_HEAD] == _BATCH_HEAD and envelope[count, NAME_TAIL] == 0
        if is_batch and byte_at(data, at) == OPEN_ARRAY:
            if ends[2] >= 0:
                return DECLINED
            at = _events(data, at, stop, known, learned, given, room, spans, out, offsets, keys, key_offsets, ends)
            if at < 0:
                return int(at)
        else:
            at = value_end(data, at, stop, envelope, count, room.names, room.levels)
        count += 1
        if at < 0 or stands_twice(envelope, 0, count):
            return DECLINED
        at, closed = next_member(data, at, stop, CLOSE_OBJECT)
        if at < 0:
            return DECLINED
        if closed:
            return count if past_space(data, at, stop) == stop and ends[2] >= 0 else DECLINED


@compiled
def translate_single(data: Bytes, stop: int, known: Known, learned: Learned, given: Given, room: Room, spans: Places,
                     out: Bytes, offsets: Places, keys: Bytes, key_offsets: Places, ends: Places) -> int:  # fmt: skip
    """Translate a request that is one event; returns 0, DECLINED."""
    at = past_space(data, 0, stop)
    if at >= stop or byte_at(data, at) != OPEN_OBJECT:
        return DECLINED
    end = translate_event(data, at, stop, known, learned, given, room, out, 0, keys, 0, ends)
    if end < 0 or past_space(data, end, stop) != stop:
        return DECLINED
    offsets[1], key_offsets[1] = ends[0], ends[1]
    ends[2] = ends[3] = 1
    spans[0, 0], spans[0, 1], spans[0, 2] = at, end, EVENT_TAKEN
    return 0

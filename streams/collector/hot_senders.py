"""With what an event was sent, as the fast way sees it: the channel, and whether by a robot. Compiled."""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at
from streams.collector.hot_given import (
    CHANNEL_FIXED,
    CHANNEL_OTHERWISE,
    FLAG_BOTS,
    HEADER_IS_BOT,
    MOBILE,
    SERVER,
    WEB,
    Given,
    Room,
)
from streams.collector.hot_names import (
    AGENTS,
    CODE_CHANNEL,
    CODE_LIBRARY,
    CODE_NAME,
    CODE_USER_AGENT,
    LIBRARIES,
    Known,
    Learned,
    learned_at,
)
from streams.collector.hot_reading import child_of, is_clean, is_there, size_of
from streams.collector.hot_scan import (
    OBJECT,
    TEXT,
    TYPE,
    VALUE,
    VALUE_STOP,
    Bytes,
    Places,
)

_WEB_NAMES: Final = tuple(int.from_bytes(name, "little") for name in (b"web", b"browser", b"client"))
_MOBILE_NAME: Final = int.from_bytes(b"mobile", "little")
_SERVER_NAME: Final = int.from_bytes(b"server", "little")


@compiled_leaf
def _channel_by_name(data: Bytes, start: Int, size: Int) -> int:
    """Which of the given channels an SDK means by its own word; -2: another."""
    if size > 7:
        return -2
    word = np.int64(0)
    for i in range(size):
        word |= byte_at(data, start + i) << np.int64(8 * i)
    for name in _WEB_NAMES:
        if word == name:
            return WEB
    if word == _MOBILE_NAME:
        return MOBILE
    return SERVER if word == _SERVER_NAME else -2


@compiled_inline
def channel_in(data: Bytes, room: Room, counts: Places, known: Known, learned: Learned, given: Given) -> Int:
    """The place of the channel in ``Given.places``; below -2: -3 - its number among what was learned; -2: odd."""
    if given.places[CHANNEL_FIXED, 1] >= 0:
        return CHANNEL_FIXED
    top, context = room.top, room.context
    k = room.top_at[CODE_CHANNEL]
    if is_there(top, k):
        if top[k, TYPE] != TEXT:
            return -2
        if size_of(top, k) > 0:
            return _channel_by_name(data, top[k, VALUE], size_of(top, k))
    k = room.context_at[CODE_CHANNEL]
    if is_there(context, k):
        if context[k, TYPE] != TEXT:
            return -2
        if size_of(context, k) > 0:
            return _channel_by_name(data, context[k, VALUE], size_of(context, k))
    k = room.context_at[CODE_LIBRARY]
    if not is_there(context, k):
        return CHANNEL_OTHERWISE
    if context[k, TYPE] != OBJECT:
        return -2
    k = child_of(known, data, context, counts[2], k, CODE_NAME)
    if not is_there(context, k):
        return CHANNEL_OTHERWISE
    if context[k, TYPE] != TEXT or not is_clean(data, context[k, VALUE], context[k, VALUE_STOP]):
        return -2
    number = learned_at(learned, LIBRARIES, data, context[k, VALUE], size_of(context, k))
    return -3 - number if number >= 0 else np.int64(-2)


@compiled_inline
def bot_in(data: Bytes, room: Room, learned: Learned, given: Given) -> int:
    """1, 0; -2: it was not learned yet."""
    if given.numbers[FLAG_BOTS] == 0:
        return 0
    k, context = room.context_at[CODE_USER_AGENT], room.context
    if not is_there(context, k) or (context[k, TYPE] == TEXT and size_of(context, k) == 0):
        return int(given.numbers[HEADER_IS_BOT])
    if context[k, TYPE] != TEXT or not is_clean(data, context[k, VALUE], context[k, VALUE_STOP]):
        return -2
    number = learned_at(learned, AGENTS, data, context[k, VALUE], size_of(context, k))
    return int(learned.entries[number, 5]) if number >= 0 else -2

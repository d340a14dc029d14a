"""The properties of an event as the fast way writes them, in the order of the slow one. Compiled."""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline
from processors.words import Int, byte_at, copy_bytes
from schemas.limits import LONGEST
from schemas.varint import write_long
from streams.collector.hot_given import (
    ADDRESS,
    BOT_NAME,
    CONTEXT_IP,
    CONTEXT_NAME,
    FALSE_TEXT,
    IDENTIFY,
    MOST_ENTRIES,
    PAGE,
    SCREEN,
    TRAITS_NAME,
    TRUE_TEXT,
    TRUSTED,
    Given,
    Room,
)
from streams.collector.hot_names import (
    CODE_CATEGORY,
    CODE_IP,
    CODE_LOCALE,
    CODE_NAME,
    CODE_TIMEZONE,
    CODE_TRAITS,
    NAME_UNKNOWN,
    NAMES,
    Known,
    code_of,
    identity_of,
)
from streams.collector.hot_reading import size_of
from streams.collector.hot_scan import (
    DECLINED,
    FALSE,
    NAME,
    NAME_HEAD,
    NAME_SIZE,
    NAME_TAIL,
    NULL,
    OBJECT,
    PARENT,
    TRUE,
    TYPE,
    VALUE,
    Bytes,
    Places,
)

_MOST_SUBNAME: Final = 64
_READ_BY_NAME: Final = np.array([name in NAMES[:20] for name in NAMES], np.bool_)
"""Of the top members: those that are no property (``properties._READ``)."""
_READ_BY_NAME.flags.writeable = False
_CONTEXT_HEAD: Final = identity_of("context.")[0]
_TRAITS_HEAD: Final = int.from_bytes(b"traits.", "little")
_SEVEN: Final = (1 << 56) - 1
_BOT_HEAD: Final = identity_of("bot")[0]
_MOST_PROPERTIES: Final = LONGEST["properties"]


@compiled_inline
def put_text(out: Bytes, at: Int, data: Bytes, start: Int, size: Int) -> Int:
    """A string of Avro."""
    return copy_bytes(data, start, size, out, write_long(out, at, size))


@compiled_inline
def put_given(out: Bytes, at: Int, given: Given, which: int) -> Int:
    return put_text(out, at, given.data, given.places[which, 0], given.places[which, 1])


@compiled_inline
def put_optional(out: Bytes, at: Int, data: Bytes, start: Int, size: Int) -> Int:
    """A union of null and string: null where ``size`` is negative."""
    if size < 0:
        out[np.uint64(at)] = 0
        return at + 1
    out[np.uint64(at)] = 2
    return put_text(out, at + 1, data, start, size)


@compiled_inline
def _is_plain_already(room: Room, count: int, head: Int, tail: Int, size: Int) -> bool:
    for i in range(count):
        if room.plain[i, 0] == head and room.plain[i, 1] == tail and room.plain[i, 2] == size:
            return True
    return False


@compiled_inline
def _put_value(out: Bytes, at: Int, data: Bytes, table: Places, k: Int, given: Given) -> Int:
    kind = table[k, TYPE]
    if kind == TRUE or kind == FALSE:  # noqa: SIM109 (Numba would build a tuple)
        return put_given(out, at, given, TRUE_TEXT if kind == TRUE else FALSE_TEXT)
    return put_text(out, at, data, table[k, VALUE], size_of(table, k))


@compiled_inline
def _put_plain(
    out: Bytes, at: Int, data: Bytes, table: Places, k: Int, given: Given, room: Room, progress: Places
) -> Int:
    """A property under its own name, unless one of that name is there; DECLINED where it could be taken for another's.

    ``progress``: entries so far, and plain names among them.
    """
    if table[k, TYPE] == NULL:
        return at
    head, tail = table[k, NAME_HEAD], table[k, NAME_TAIL]
    size = table[k, NAME_SIZE]
    if size >= 8 and (head == _CONTEXT_HEAD or (head & _SEVEN) == _TRAITS_HEAD):
        return DECLINED
    if size == 7 and (head & _SEVEN) == _TRAITS_HEAD:
        return DECLINED
    if _is_plain_already(room, progress[1], head, tail, size):
        # Of longer names only the ends are compared, so the same may be another.
        return at if size <= 16 else np.int64(DECLINED)
    if progress[0] == MOST_ENTRIES or progress[1] == room.plain.shape[0]:
        return DECLINED
    room.plain[progress[1], 0], room.plain[progress[1], 1] = head, tail
    room.plain[progress[1], 2] = size
    progress[0] += 1
    progress[1] += 1
    return _put_value(out, put_text(out, at, data, table[k, NAME], size), data, table, k, given)


@compiled_inline
def _put_prefixed(
    out: Bytes, at: Int, data: Bytes, table: Places, k: Int, given: Given, prefix: int, within: Int, progress: Places
) -> Int:
    """A property ``context.NAME``, ``context.OBJECT.NAME`` or ``traits.NAME``. ``within``: the object's member, -1."""
    if table[k, TYPE] == NULL:
        return at
    if progress[0] == MOST_ENTRIES:
        return DECLINED
    progress[0] += 1
    start, size = given.places[prefix, 0], given.places[prefix, 1]
    whole = size + table[k, NAME_SIZE]
    if within >= 0:
        whole += table[within, NAME_SIZE] + 1
    at = copy_bytes(given.data, start, size, out, write_long(out, at, whole))
    if within >= 0:
        at = copy_bytes(data, table[within, NAME], table[within, NAME_SIZE], out, at)
        out[np.uint64(at)] = 0x2E
        at += 1
    at = copy_bytes(data, table[k, NAME], table[k, NAME_SIZE], out, at)
    return _put_value(out, at, data, table, k, given)


@compiled_inline
def _put_traits(
    out: Bytes, at: Int, data: Bytes, call: int, room: Room, counts: Places, given: Given, progress: Places
) -> Int:
    context, mark = room.context, room.context_at[CODE_TRAITS]
    has = False
    if mark >= 0:
        for k in range(mark + 1, counts[2]):
            if context[k, PARENT] != mark:
                break
            has = True
            if call == IDENTIFY:
                at = _put_plain(out, at, data, context, k, given, room, progress)
            else:
                at = _put_prefixed(out, at, data, context, k, given, TRAITS_NAME, -1, progress)
            if at < 0:
                return DECLINED
    if has and counts[1] > 0 and call != IDENTIFY:
        # One of a name stands in both: the own one counts, at the place of the other.
        return DECLINED
    for k in range(counts[1]):
        if call == IDENTIFY:
            at = _put_plain(out, at, data, room.traits, k, given, room, progress)
        else:
            at = _put_prefixed(out, at, data, room.traits, k, given, TRAITS_NAME, -1, progress)
        if at < 0:
            return DECLINED
    return at


@compiled_inline
def _put_context(  # noqa: C901 (one pass, in the order of the slow way)
    out: Bytes, at: Int, data: Bytes, room: Room, counts: Places, known: Known, given: Given, progress: Places
) -> Int:
    table = room.context
    for k in range(counts[2]):
        within = table[k, PARENT]
        code = code_of(known, data, table, k if within < 0 else within)
        if code == CODE_TRAITS or code == CODE_IP:  # noqa: SIM109
            if code == CODE_IP and within < 0 and given.numbers[TRUSTED] != 0 and table[k, TYPE] != NULL:
                return DECLINED
            if within < 0 and table[k, TYPE] == OBJECT and code == CODE_IP:
                return DECLINED
            continue
        if within >= 0:
            if code == CODE_TIMEZONE or code == CODE_LOCALE:  # noqa: SIM109
                return DECLINED
            at = _put_prefixed(out, at, data, table, k, given, CONTEXT_NAME, within, progress)
        elif code == CODE_TIMEZONE or code == CODE_LOCALE:  # noqa: SIM109
            if table[k, TYPE] == OBJECT:
                return DECLINED
            at = _put_plain(out, at, data, table, k, given, room, progress)
        else:
            if table[k, NAME_SIZE] > _MOST_SUBNAME:
                return DECLINED
            for i in range(table[k, NAME], table[k, NAME] + table[k, NAME_SIZE]):
                if byte_at(data, i) == 0x2E:
                    return DECLINED
            if table[k, TYPE] != OBJECT:
                at = _put_prefixed(out, at, data, table, k, given, CONTEXT_NAME, -1, progress)
        if at < 0:
            return DECLINED
    if given.places[ADDRESS, 1] >= 0:
        if progress[0] == MOST_ENTRIES:
            return DECLINED
        progress[0] += 1
        at = put_given(out, put_given(out, at, given, CONTEXT_IP), given, ADDRESS)
    return at


@compiled_inline
def put_properties(  # noqa: C901 (one pass, in the order of the slow way)
    out: Bytes, at: Int, data: Bytes, call: int, used: Places, bot: int, room: Room, counts: Places, known: Known,
    given: Given, progress: Places,
) -> Int:  # fmt: skip
    """The map of properties; DECLINED. ``used``: of the own ones, those that have a field (their codes; -1: none)."""
    mark = at
    at += 1
    progress[0] = progress[1] = 0
    for k in range(counts[0]):
        if k == used[0] or k == used[1] or k == used[2]:
            continue
        at = _put_plain(out, at, data, room.own, k, given, room, progress)
        if at < 0:
            return DECLINED
    if call == PAGE or call == SCREEN:  # noqa: SIM109
        for code in (CODE_NAME, CODE_CATEGORY):
            k = room.top_at[code]
            if k >= 0:
                at = _put_plain(out, at, data, room.top, k, given, room, progress)
                if at < 0:
                    return DECLINED
    at = _put_traits(out, at, data, call, room, counts, given, progress)
    if at < 0:
        return DECLINED
    at = _put_context(out, at, data, room, counts, known, given, progress)
    if at < 0:
        return DECLINED
    for k in range(counts[3]):
        code = code_of(known, data, room.top, k)
        if code == NAME_UNKNOWN or not _READ_BY_NAME[code]:
            at = _put_plain(out, at, data, room.top, k, given, room, progress)
            if at < 0:
                return DECLINED
    if bot:
        if progress[0] == MOST_ENTRIES or _is_plain_already(room, progress[1], _BOT_HEAD, 0, 3):
            return DECLINED
        progress[0] += 1
        at = put_given(out, put_given(out, at, given, BOT_NAME), given, TRUE_TEXT)
    out[np.uint64(mark)] = 2 * progress[0]
    if progress[0] > 0:
        out[np.uint64(at)] = 0
        at += 1
    return at if at - mark <= _MOST_PROPERTIES else np.int64(DECLINED)

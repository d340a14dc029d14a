"""The fast way of an event: from JSON to the message that the slow way would write, byte for byte. Compiled.

No object is made. Whatever is not plain (see ``hot_scan``), would be refused, or needs something that was not learned
yet is declined, and goes the slow way (``events.py``), which says what everything means.

What takes many tables is laid into its caller: a call would copy the description of each, which was two fifths of all
time (measured).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, byte_at, copy_bytes
from schemas.limits import LONGEST
from schemas.varint import write_long
from streams.collector.hot_money import LINE_ROOM, NO_AMOUNT, absent, amount_of, currency_at, put_line
from streams.collector.hot_names import (
    AGENTS,
    CODES,
    EVENT_NAMES,
    LIBRARIES,
    NAME_UNKNOWN,
    NAMES,
    Known,
    Learned,
    code_of,
    identity_of,
    learned_at,
)
from streams.collector.hot_scan import (
    DECLINED,
    FALSE,
    MOST_MEMBERS,
    MOST_NAMES,
    MOST_NESTED,
    NAME,
    NAME_HEAD,
    NAME_SIZE,
    NAME_TAIL,
    NULL,
    NUMBER,
    OBJECT,
    PARENT,
    SCAN_CELLS,
    TEXT,
    TRUE,
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
from streams.collector.nobody import may_be_nobody
from streams.collector.splitting import CLOSE_OBJECT, OPEN_OBJECT, past_space
from streams.collector.times import DAY, LEAST_SKEW, MOST_BEHIND, QUEUED
from streams.imports.evidence import EITHER, FIRST
from streams.imports.times import NAMED, UNCLEAR, time_at

TRACK: Final = 0
PAGE: Final = 1
SCREEN: Final = 2
IDENTIFY: Final = 3
BY_ITSELF: Final = -1
"""In the place of a call: each event says its own."""
CALLS: Final = ("track", "page", "screen", "identify")

TOTALLED: Final = 1
REVIEWED: Final = 2
"""Flags of a learned kind: lines alone make an amount; ``rating`` is satisfaction."""

# What is the same for all events of a request, by its place in ``Given.numbers``.
CALL: Final = 0
RECEIVED_AT: Final = 1
TRUSTED: Final = 2
SENT: Final = 3
SHIFT: Final = 4
SINCE: Final = 5
FLAG_BOTS: Final = 6
HEADER_IS_BOT: Final = 7
MOST_EVENT: Final = 8
IGNORE_CONSENT: Final = 9
GIVEN_NUMBERS: Final = 10

# Whether, and when, the device has said to have sent its events (``SENT``).
SENT_UNSAID: Final = 0
SENT_SAID: Final = 1
SENT_BY_EVENT: Final = 2

# Texts of a request and its source, by their place in ``Given.places``.
HEADER: Final = 0
CHANNEL_FIXED: Final = 1
CHANNEL_OTHERWISE: Final = 2
CURRENCY: Final = 3
ADDRESS: Final = 4
KINDS: Final = 5  # of page, screen and identify: three of them
CONTEXT_NAME: Final = 8
TRAITS_NAME: Final = 9
CONTEXT_IP: Final = 10
BOT_NAME: Final = 11
TRUE_TEXT: Final = 12
FALSE_TEXT: Final = 13
WEB: Final = 14
MOBILE: Final = 15
SERVER: Final = 16
GIVEN_TEXTS: Final = 17

_MOST_ENTRIES: Final = 63
_MOST_SUBNAME: Final = 64
EVENT_ROOM: Final = 16_384 + LINE_ROOM
"""Bytes that an event may take beyond those that it has in JSON."""

_TYPE, _EVENT, _USER, _ANONYMOUS = CODES["type"], CODES["event"], CODES["userId"], CODES["anonymousId"]
_MESSAGE, _AT, _AT_FIRST = CODES["messageId"], CODES["timestamp"], CODES["originalTimestamp"]
_SENT_AT, _RECEIVED, _CONTEXT = CODES["sentAt"], CODES["receivedAt"], CODES["context"]
_PROPERTIES, _TRAITS, _CHANNEL = CODES["properties"], CODES["traits"], CODES["channel"]
_GROUP, _NAME_CODE, _CATEGORY, _METADATA = CODES["groupId"], CODES["name"], CODES["category"], CODES["_metadata"]
_REVENUE, _CURRENCY, _ORDER = CODES["revenue"], CODES["currency"], CODES["order_id"]
_PRODUCTS, _SKU, _PRODUCT = CODES["products"], CODES["sku"], CODES["product_id"]
_CAMPAIGN, _AGENT, _SATISFACTION, _RATING = (
    CODES["campaign"], CODES["agent_id"], CODES["satisfaction"], CODES["rating"],
)  # fmt: skip
_TIMEZONE, _LOCALE, _IP, _USER_AGENT = CODES["timezone"], CODES["locale"], CODES["ip"], CODES["userAgent"]
_LIBRARY, _CONSENT, _MANAGED, _BOT = CODES["library"], CODES["consent"], CODES["consentManagement"], CODES["bot"]
_READ_BY_NAME: Final = np.array([name in NAMES[:20] for name in NAMES], np.bool_)
"""Of the top members: those that are no property (``properties._READ``)."""
_READ_BY_NAME.flags.writeable = False
_CONTEXT_HEAD: Final = identity_of("context.")[0]
_TRAITS_HEAD: Final = int.from_bytes(b"traits.", "little")
_SEVEN: Final = (1 << 56) - 1
_BOT_HEAD: Final = identity_of("bot")[0]
_MOST_ID: Final = LONGEST["event_id"]
_MOST_SHORT: Final = LONGEST["order_id"]
_MOST_PROPERTIES: Final = LONGEST["properties"]
_TRACK_WORD, _PAGE_WORD, _SCREEN_WORD, _IDENTIFY_WORD = (int.from_bytes(call.encode(), "little") for call in CALLS)
_WEB_NAMES: Final = tuple(int.from_bytes(name, "little") for name in (b"web", b"browser", b"client"))
_MOBILE_NAME: Final = int.from_bytes(b"mobile", "little")
_SERVER_NAME: Final = int.from_bytes(b"server", "little")


class Given(NamedTuple):
    """What holds for a whole request: ``numbers`` int64[10]; ``data`` with texts, of which ``places`` int64[17, 2] has
    start and size (-1: there is none); ``decimals`` int8[26³] of each currency's minor unit, -1 of what is none."""

    numbers: Places
    data: Bytes
    places: Places
    decimals: npt.NDArray[np.int8]


class Room(NamedTuple):
    """Tables for one event: members of the top, the properties, the traits, the context; where each known name stands
    in them; names inside of nested values; and the names that are properties already. ``counts`` int64[4]: members of
    own, traits, context, top. ``progress`` int64[2]: properties so far, and plain names among them. ``used`` int64[3]:
    the own members that have a field."""

    top: Places
    own: Places
    traits: Places
    context: Places
    top_at: Places
    own_at: Places
    context_at: Places
    names: Places
    levels: Places
    plain: Places
    counts: Places
    progress: Places
    used: Places


@compiled_inline
def _some(table: Places, k: Int) -> bool:
    """Whether a member is there, and no null."""
    return bool(k >= 0 and table[k, TYPE] != NULL)


@compiled_inline
def _size(table: Places, k: Int) -> Int:
    return np.int64(table[k, VALUE_STOP] - table[k, VALUE])


@compiled_inline
def _is_clean(data: Bytes, start: Int, stop: Int) -> bool:
    """Whether there is nothing to trim: something stands there, and neither end is white space of any kind."""
    if stop <= start:
        return False
    first, last = byte_at(data, start), byte_at(data, stop - 1)
    return bool(0x20 < first < 0x7F and 0x20 < last < 0x7F)


@compiled_inline
def _put(out: Bytes, at: Int, data: Bytes, start: Int, size: Int) -> Int:
    """A string of Avro."""
    return copy_bytes(data, start, size, out, write_long(out, at, size))


@compiled_inline
def _put_given(out: Bytes, at: Int, given: Given, which: int) -> Int:
    return _put(out, at, given.data, given.places[which, 0], given.places[which, 1])


@compiled_inline
def _put_optional(out: Bytes, at: Int, data: Bytes, start: Int, size: Int) -> Int:
    """A union of null and string: null where ``size`` is negative."""
    if size < 0:
        out[np.uint64(at)] = 0
        return at + 1
    out[np.uint64(at)] = 2
    return _put(out, at + 1, data, start, size)


@compiled_inline
def _top_members(data: Bytes, at: Int, stop: Int, known: Known, room: Room, counts: Places) -> Int:  # noqa: C901
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
        if is_object and (code == _PROPERTIES or code == _TRAITS or code == _CONTEXT):  # noqa: SIM109
            table[count, TYPE], table[count, VALUE] = OBJECT, at
            if code == _PROPERTIES:
                at, counts[0] = flat_members(data, at, stop, room.own, 0, -1, room.names, room.levels)
            elif code == _TRAITS:
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
def _child(known: Known, data: Bytes, table: Places, count: int, parent: Int, wanted: int) -> Int:
    """The member of a member that has this name, -1 where there is none."""
    for k in range(parent + 1, count):
        if table[k, PARENT] != parent:
            break
        if code_of(known, data, table, k) == wanted:
            return k
    return -1


@compiled_leaf
def _text_of_id(data: Bytes, table: Places, k: Int) -> Int:
    """Size of an id; -1: there is none; -2: it is odd."""
    if not _some(table, k):
        return -1
    if table[k, TYPE] != TEXT:
        return -2
    size = _size(table, k)
    if size == 0:
        return -1
    return size if size <= _MOST_ID and _is_clean(data, table[k, VALUE], table[k, VALUE_STOP]) else -2


@compiled_leaf
def _instant(data: Bytes, table: Places, k: Int) -> Int:
    """Ms of a time; -1: none is said; -2: it is odd."""
    if not _some(table, k):
        return -1
    if table[k, TYPE] != TEXT:
        return -2
    start, stop = table[k, VALUE], table[k, VALUE_STOP]
    if start == stop:
        return -1
    if not _is_clean(data, start, stop):
        return -2
    at, kind, way, _ = time_at(data, start, stop, FIRST)
    return at if at >= 0 and at > UNCLEAR and kind != NAMED and way != EITHER else np.int64(-2)


@compiled_inline
def _occurred(data: Bytes, room: Room, given: Given) -> Int:
    """Ms; -2: it is odd."""
    numbers, top = given.numbers, room.top
    received = numbers[RECEIVED_AT]
    at = _instant(data, top, room.top_at[_AT])
    if at == -1:
        at = _instant(data, top, room.top_at[_AT_FIRST])
    if at == -2:
        return -2
    shift, since = numbers[SHIFT], numbers[SINCE]
    if numbers[SENT] != SENT_SAID and _some(top, room.top_at[_SENT_AT]):
        if numbers[SENT] != SENT_BY_EVENT:
            return -2
        sent = _instant(data, top, room.top_at[_SENT_AT])
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
def _call_of(data: Bytes, room: Room, given: Given) -> int:
    told = given.numbers[CALL]
    if told != BY_ITSELF:
        return int(told)
    k = room.top_at[_TYPE]
    if k < 0 or room.top[k, TYPE] != TEXT:
        return -2
    start, size = room.top[k, VALUE], _size(room.top, k)
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
def _channel(data: Bytes, room: Room, counts: Places, known: Known, learned: Learned, given: Given) -> Int:
    """The place of the channel in ``Given.places``; below -2: -3 - its number among what was learned; -2: odd."""
    if given.places[CHANNEL_FIXED, 1] >= 0:
        return CHANNEL_FIXED
    top, context = room.top, room.context
    k = room.top_at[_CHANNEL]
    if _some(top, k):
        if top[k, TYPE] != TEXT:
            return -2
        if _size(top, k) > 0:
            return _channel_by_name(data, top[k, VALUE], _size(top, k))
    k = room.context_at[_CHANNEL]
    if _some(context, k):
        if context[k, TYPE] != TEXT:
            return -2
        if _size(context, k) > 0:
            return _channel_by_name(data, context[k, VALUE], _size(context, k))
    k = room.context_at[_LIBRARY]
    if not _some(context, k):
        return CHANNEL_OTHERWISE
    if context[k, TYPE] != OBJECT:
        return -2
    k = _child(known, data, context, counts[2], k, _NAME_CODE)
    if not _some(context, k):
        return CHANNEL_OTHERWISE
    if context[k, TYPE] != TEXT or not _is_clean(data, context[k, VALUE], context[k, VALUE_STOP]):
        return -2
    number = learned_at(learned, LIBRARIES, data, context[k, VALUE], _size(context, k))
    return -3 - number if number >= 0 else np.int64(-2)


@compiled_inline
def _is_bot(data: Bytes, room: Room, learned: Learned, given: Given) -> int:
    """1, 0; -2: it was not learned yet."""
    if given.numbers[FLAG_BOTS] == 0:
        return 0
    k, context = room.context_at[_USER_AGENT], room.context
    if not _some(context, k) or (context[k, TYPE] == TEXT and _size(context, k) == 0):
        return int(given.numbers[HEADER_IS_BOT])
    if context[k, TYPE] != TEXT or not _is_clean(data, context[k, VALUE], context[k, VALUE_STOP]):
        return -2
    number = learned_at(learned, AGENTS, data, context[k, VALUE], _size(context, k))
    return int(learned.entries[number, 5]) if number >= 0 else -2


@compiled_inline
def _is_plain_already(room: Room, count: int, head: Int, tail: Int) -> bool:
    for i in range(count):
        if room.plain[i, 0] == head and room.plain[i, 1] == tail:
            return True
    return False


@compiled_inline
def _put_value(out: Bytes, at: Int, data: Bytes, table: Places, k: Int, given: Given) -> Int:
    kind = table[k, TYPE]
    if kind == TRUE or kind == FALSE:  # noqa: SIM109 (Numba would build a tuple)
        return _put_given(out, at, given, TRUE_TEXT if kind == TRUE else FALSE_TEXT)
    return _put(out, at, data, table[k, VALUE], _size(table, k))


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
    if _is_plain_already(room, progress[1], head, tail):
        # Of longer names only the ends are compared, so the same may be another.
        return at if size <= 16 else np.int64(DECLINED)
    if progress[0] == _MOST_ENTRIES or progress[1] == room.plain.shape[0]:
        return DECLINED
    room.plain[progress[1], 0], room.plain[progress[1], 1] = head, tail
    progress[0] += 1
    progress[1] += 1
    return _put_value(out, _put(out, at, data, table[k, NAME], size), data, table, k, given)


@compiled_inline
def _put_prefixed(
    out: Bytes, at: Int, data: Bytes, table: Places, k: Int, given: Given, prefix: int, within: Int, progress: Places
) -> Int:
    """A property ``context.NAME``, ``context.OBJECT.NAME`` or ``traits.NAME``. ``within``: the object's member, -1."""
    if table[k, TYPE] == NULL:
        return at
    if progress[0] == _MOST_ENTRIES:
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
    context, mark = room.context, room.context_at[_TRAITS]
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
        if code == _TRAITS or code == _IP:  # noqa: SIM109
            if code == _IP and within < 0 and given.numbers[TRUSTED] != 0 and table[k, TYPE] != NULL:
                return DECLINED
            if within < 0 and table[k, TYPE] == OBJECT and code == _IP:
                return DECLINED
            continue
        if within >= 0:
            if code == _TIMEZONE or code == _LOCALE:  # noqa: SIM109
                return DECLINED
            at = _put_prefixed(out, at, data, table, k, given, CONTEXT_NAME, within, progress)
        elif code == _TIMEZONE or code == _LOCALE:  # noqa: SIM109
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
        if progress[0] == _MOST_ENTRIES:
            return DECLINED
        progress[0] += 1
        at = _put_given(out, _put_given(out, at, given, CONTEXT_IP), given, ADDRESS)
    return at


@compiled_inline
def _put_properties(  # noqa: C901 (one pass, in the order of the slow way)
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
        for code in (_NAME_CODE, _CATEGORY):
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
        if progress[0] == _MOST_ENTRIES or _is_plain_already(room, progress[1], _BOT_HEAD, 0):
            return DECLINED
        progress[0] += 1
        at = _put_given(out, _put_given(out, at, given, BOT_NAME), given, TRUE_TEXT)
    out[np.uint64(mark)] = 2 * progress[0]
    if progress[0] > 0:
        out[np.uint64(at)] = 0
        at += 1
    return at if at - mark <= _MOST_PROPERTIES else np.int64(DECLINED)


@compiled_inline
def _is_odd(room: Room, given: Given) -> bool:
    """Whether something stands there that only the slow way knows what to make of."""
    top, own, context = room.top, room.own, room.context
    for code in (_PROPERTIES, _TRAITS, _CONTEXT):
        k = room.top_at[code]
        if _some(top, k) and top[k, TYPE] != OBJECT:
            return True
    if _some(top, room.top_at[_GROUP]) or _some(context, room.context_at[_GROUP]):
        return True
    if given.numbers[TRUSTED] != 0 and _some(top, room.top_at[_RECEIVED]):
        return True
    asked = _some(context, room.context_at[_CONSENT]) or _some(context, room.context_at[_MANAGED])
    if asked and given.numbers[IGNORE_CONSENT] == 0:
        return True
    k = room.context_at[_TRAITS]
    if _some(context, k) and context[k, TYPE] != OBJECT:
        return True
    for code in (_CHANNEL, _CAMPAIGN, _AGENT, _SATISFACTION, _PRODUCTS):
        if _some(own, room.own_at[code]):
            return True
    return False


def room_for_an_event() -> Room:
    """Tables of the sizes that an event may have."""
    members = [np.zeros((MOST_MEMBERS, SCAN_CELLS), np.int64) for _ in range(4)]
    places = [np.zeros(len(NAMES), np.int64) for _ in range(3)]
    nested = [np.zeros((MOST_NAMES, 3), np.int64), np.zeros(MOST_NESTED, np.int64)]
    rest = [np.zeros((_MOST_ENTRIES, 2), np.int64), *(np.zeros(size, np.int64) for size in (4, 2, 3))]
    return Room(*members, *places, *nested, *rest)


@compiled_leaf
def translate_event(  # noqa: C901 (one pass, in the order of the slow way)
    data: Bytes, start: Int, stop: Int, known: Known, learned: Learned, given: Given, room: Room, out: Bytes,
    at: Int, keys: Bytes, key_at: Int, ends: Places,
) -> Int:  # fmt: skip
    """Write the message of the event that begins at ``start`` to ``out[at:]`` and its key; returns the event's end.

    ``ends`` int64[2]: where message and key end, then. DECLINED, and nothing counts of what was written.
    """
    counts, progress, used = room.counts, room.progress, room.used
    end = _top_members(data, start, stop, known, room, counts)
    if end < 0 or end - start > given.numbers[MOST_EVENT] or _is_odd(room, given):
        return DECLINED
    call = _call_of(data, room, given)
    if call < 0:
        return DECLINED
    top, own = room.top, room.own
    message, user, anonymous = room.top_at[_MESSAGE], room.top_at[_USER], room.top_at[_ANONYMOUS]
    message_size, user_size = _text_of_id(data, top, message), _text_of_id(data, top, user)
    anonymous_size = _text_of_id(data, top, anonymous)
    if message_size < 0 or user_size == -2 or anonymous_size == -2 or (user_size < 0 and anonymous_size < 0):
        return DECLINED
    if user_size > 0 and may_be_nobody(data, top[user, VALUE], user_size):
        return DECLINED
    if anonymous_size > 0 and may_be_nobody(data, top[anonymous, VALUE], anonymous_size):
        return DECLINED
    occurred = _occurred(data, room, given)
    bot = _is_bot(data, room, learned, given)
    channel = _channel(data, room, counts, known, learned, given)
    if occurred < 0 or bot < 0 or channel == -2:
        return DECLINED
    kind: Int = np.int64(-1)
    kind_flags: Int = np.int64(0)
    if call == TRACK:
        k = room.top_at[_EVENT]
        if k < 0 or top[k, TYPE] != TEXT:
            return DECLINED
        kind = learned_at(learned, EVENT_NAMES, data, top[k, VALUE], _size(top, k))
        if kind < 0:
            return DECLINED
        kind_flags = learned.entries[kind, 5]
    if kind_flags & REVIEWED and _some(own, room.own_at[_RATING]):
        return DECLINED
    # Money.
    currency_start: Int = np.int64(0)
    currency_size: Int = np.int64(-1)
    currency_given = False
    k = room.own_at[_CURRENCY]
    decimals: Int = np.int64(2)
    used[0], used[1], used[2] = k, -1, -1
    if _some(own, k) and not (own[k, TYPE] == TEXT and _size(own, k) == 0):
        if own[k, TYPE] != TEXT:
            return DECLINED
        currency_start, currency_size = own[k, VALUE], _size(own, k)
        decimals = currency_at(data, currency_start, currency_size, given.decimals)
    elif given.places[CURRENCY, 1] >= 0:
        currency_start, currency_size, currency_given = given.places[CURRENCY, 0], given.places[CURRENCY, 1], True
        decimals = currency_at(given.data, currency_start, currency_size, given.decimals)
    if decimals < 0:
        return DECLINED
    amount: Int = np.int64(NO_AMOUNT)
    for code in range(_REVENUE, _REVENUE + 3):
        k = room.own_at[code]
        if not _some(own, k) or (own[k, TYPE] == TEXT and _size(own, k) == 0):
            continue
        if own[k, TYPE] != NUMBER:
            return DECLINED
        amount = amount_of(data, own[k, VALUE], own[k, VALUE_STOP], decimals)
        if amount == NO_AMOUNT:
            return DECLINED
        used[1] = k
        break
    has_line = not absent(own, room.own_at[_SKU]) or not absent(own, room.own_at[_PRODUCT])
    if has_line and amount == NO_AMOUNT and kind_flags & TOTALLED:
        return DECLINED
    # The message.
    at = copy_bytes(given.data, given.places[HEADER, 0], given.places[HEADER, 1], out, at)
    at = _put(out, at, data, top[message, VALUE], message_size)
    at = _put_optional(out, at, data, top[user, VALUE] if user_size >= 0 else 0, user_size)
    at = _put_optional(out, at, data, top[anonymous, VALUE] if anonymous_size >= 0 else 0, anonymous_size)
    at = write_long(out, write_long(out, at, occurred), given.numbers[RECEIVED_AT])
    if call == TRACK:
        at = _put(out, at, learned.data, learned.entries[kind, 3], learned.entries[kind, 4])
    else:
        at = _put_given(out, at, given, KINDS + call - 1)
    if channel >= 0:
        at = _put_optional(out, at, given.data, given.places[channel, 0], given.places[channel, 1])
    else:
        number = -3 - channel
        if learned.entries[number, 4] == 0:
            at = _put_optional(
                out, at, given.data, given.places[CHANNEL_OTHERWISE, 0], given.places[CHANNEL_OTHERWISE, 1]
            )
        else:
            at = _put_optional(out, at, learned.data, learned.entries[number, 3], learned.entries[number, 4])
    if amount == NO_AMOUNT:
        out[np.uint64(at)] = 0
        at += 1
    else:
        out[np.uint64(at)] = 2
        at = write_long(out, at + 1, amount)
    if currency_given:
        at = _put_optional(out, at, given.data, currency_start, currency_size)
    else:
        at = _put_optional(out, at, data, currency_start, currency_size)
    out[np.uint64(at)] = 0  # cost
    out[np.uint64(at + 1)] = 0  # margin
    at += 2
    k = room.context_at[_CAMPAIGN]
    named: Int = np.int64(-1)
    if _some(room.context, k) and room.context[k, TYPE] == OBJECT:
        named = _child(known, data, room.context, counts[2], k, _NAME_CODE)
    if named >= 0 and room.context[named, TYPE] == TEXT and _size(room.context, named) > 0:
        size = _size(room.context, named)
        first, last = room.context[named, VALUE], room.context[named, VALUE_STOP]
        if size > _MOST_SHORT or not _is_clean(data, first, last):
            return DECLINED
        at = _put_optional(out, at, data, first, size)
    else:
        at = _put_optional(out, at, data, 0, -1)
    k = room.own_at[_ORDER]
    if _some(own, k) and not (own[k, TYPE] == TEXT and _size(own, k) == 0):
        if (
            own[k, TYPE] != TEXT
            or _size(own, k) > _MOST_SHORT
            or not _is_clean(data, own[k, VALUE], own[k, VALUE_STOP])
        ):
            return DECLINED
        at = _put_optional(out, at, data, own[k, VALUE], _size(own, k))
        used[2] = k
    else:
        at = _put_optional(out, at, data, 0, -1)
    if has_line:
        at = put_line(data, own, room.own_at, decimals, out, at)
        if at < 0:
            return DECLINED
    else:
        out[np.uint64(at)] = 0
        at += 1
    out[np.uint64(at)] = 0  # agent_id
    out[np.uint64(at + 1)] = 0  # satisfaction
    at = _put_properties(out, at + 2, data, call, used, bot, room, counts, known, given, progress)
    if at < 0:
        return DECLINED
    out[np.uint64(at)] = 0  # import_id
    out[np.uint64(at + 1)] = 0  # known
    ends[0] = at + 2
    who, size = (user, user_size) if user_size >= 0 else (anonymous, anonymous_size)
    ends[1] = copy_bytes(data, top[who, VALUE], size, keys, key_at)
    return end

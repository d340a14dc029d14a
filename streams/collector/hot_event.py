"""The fast way of an event: from JSON to the message that the slow way would write, byte for byte. Compiled.

No object is made. Whatever is not plain (see ``hot_scan``), would be refused, or needs something that was not learned
yet is declined, and goes the slow way (``events.py``), which says what everything means.

What takes many tables is laid into its caller: a call would copy the description of each, which was two fifths of all
time (measured).
"""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.words import Int, copy_bytes
from schemas.limits import LONGEST
from schemas.nobody import may_be_nobody
from schemas.varint import write_long
from streams.collector.hot_given import (
    CHANNEL_OTHERWISE,
    CURRENCY,
    HEADER,
    IGNORE_CONSENT,
    KINDS,
    MOST_EVENT,
    RECEIVED_AT,
    REVIEWED,
    TOTALLED,
    TRACK,
    TRUSTED,
    Given,
    Room,
)
from streams.collector.hot_money import NO_AMOUNT, absent, amount_of, currency_at, put_line
from streams.collector.hot_names import (
    CODE_AGENT,
    CODE_ANONYMOUS,
    CODE_ANONYMOUS_SNAKE,
    CODE_CAMPAIGN,
    CODE_CHANNEL,
    CODE_CONSENT,
    CODE_CONTEXT,
    CODE_CURRENCY,
    CODE_DISCOUNT,
    CODE_EVENT,
    CODE_GROUP,
    CODE_MANAGED,
    CODE_MESSAGE,
    CODE_NAME,
    CODE_ORDER,
    CODE_OTHERWISE,
    CODE_PRODUCT,
    CODE_PRODUCTS,
    CODE_PROPERTIES,
    CODE_RATING,
    CODE_RECEIVED,
    CODE_REVENUE,
    CODE_SATISFACTION,
    CODE_SKU,
    CODE_TRAITS,
    CODE_USER,
    CODE_USER_SNAKE,
    EVENT_NAMES,
    Known,
    Learned,
    learned_at,
)
from streams.collector.hot_properties import put_given, put_optional, put_properties, put_text
from streams.collector.hot_reading import (
    call_in,
    child_of,
    is_clean,
    is_there,
    occurred_at,
    size_of,
    size_of_id,
    top_members,
)
from streams.collector.hot_scan import DECLINED, NUMBER, OBJECT, TEXT, TYPE, VALUE, VALUE_STOP, Bytes, Places
from streams.collector.hot_senders import bot_in, channel_in

_MOST_SHORT: Final = LONGEST["order_id"]
_ODD_AMOUNT: Final = NO_AMOUNT + 1
"""Of what only the slow way can read; no amount is so large."""


@compiled_inline
def _is_called_otherwise(room: Room) -> bool:
    """Whether something may have another name, or be written in another way, than the fast way knows."""
    own, context = room.own, room.context
    for code in range(CODE_OTHERWISE, CODE_DISCOUNT):
        if is_there(own, room.own_at[code]):
            return True
    k = room.own_at[CODE_DISCOUNT]
    if is_there(own, k) and own[k, TYPE] == TEXT:
        return True
    if is_there(room.top, room.top_at[CODE_USER_SNAKE]) or is_there(room.top, room.top_at[CODE_ANONYMOUS_SNAKE]):
        return True
    k = room.context_at[CODE_CAMPAIGN]
    return is_there(context, k) and context[k, TYPE] != OBJECT


@compiled_inline
def _is_odd(room: Room, given: Given) -> bool:
    """Whether something stands there that only the slow way knows what to make of."""
    top, own, context = room.top, room.own, room.context
    for code in (CODE_PROPERTIES, CODE_TRAITS, CODE_CONTEXT):
        k = room.top_at[code]
        if is_there(top, k) and top[k, TYPE] != OBJECT:
            return True
    if is_there(top, room.top_at[CODE_GROUP]) or is_there(context, room.context_at[CODE_GROUP]):
        return True
    if given.numbers[TRUSTED] != 0 and is_there(top, room.top_at[CODE_RECEIVED]):
        return True
    asked = is_there(context, room.context_at[CODE_CONSENT]) or is_there(context, room.context_at[CODE_MANAGED])
    if asked and given.numbers[IGNORE_CONSENT] == 0:
        return True
    k = room.context_at[CODE_TRAITS]
    if is_there(context, k) and context[k, TYPE] != OBJECT:
        return True
    for code in (CODE_CHANNEL, CODE_CAMPAIGN, CODE_AGENT, CODE_SATISFACTION, CODE_PRODUCTS):
        if is_there(own, room.own_at[code]):
            return True
    return _is_called_otherwise(room)


@compiled_inline
def _currency_of(data: Bytes, room: Room, given: Given) -> tuple[Int, Int, Int, bool]:
    """(decimals of the currency, -1 of what is none; its text, of size -1 where none is said; whether the source's)."""
    own, k = room.own, room.own_at[CODE_CURRENCY]
    if is_there(own, k) and not (own[k, TYPE] == TEXT and size_of(own, k) == 0):
        if own[k, TYPE] != TEXT:
            return np.int64(-1), np.int64(0), np.int64(-1), False
        start, size = own[k, VALUE], size_of(own, k)
        return currency_at(data, start, size, given.decimals), start, size, False
    start, size = given.places[CURRENCY, 0], given.places[CURRENCY, 1]
    if size < 0:
        return np.int64(2), np.int64(0), np.int64(-1), False
    return currency_at(given.data, start, size, given.decimals), start, size, True


@compiled_inline
def _amount_of(data: Bytes, room: Room, decimals: Int) -> Int:
    """Minor units of what the event is worth, by the first of its names that says it; NO_AMOUNT; _ODD_AMOUNT."""
    own = room.own
    for code in range(CODE_REVENUE, CODE_REVENUE + 3):
        k = room.own_at[code]
        if not is_there(own, k) or (own[k, TYPE] == TEXT and size_of(own, k) == 0):
            continue
        if own[k, TYPE] != NUMBER:
            return np.int64(_ODD_AMOUNT)
        amount = amount_of(data, own[k, VALUE], own[k, VALUE_STOP], decimals)
        room.used[1] = k
        return amount if amount != NO_AMOUNT else np.int64(_ODD_AMOUNT)
    return np.int64(NO_AMOUNT)


@compiled_inline
def _put_amount(out: Bytes, at: Int, amount: Int) -> Int:
    if amount == NO_AMOUNT:
        out[np.uint64(at)] = 0
        return at + 1
    out[np.uint64(at)] = 2
    return write_long(out, at + 1, amount)


@compiled_inline
def _put_channel(out: Bytes, at: Int, learned: Learned, given: Given, channel: Int) -> Int:
    """The channel, as ``channel_in`` has said it."""
    places = given.places
    if channel >= 0:
        return put_optional(out, at, given.data, places[channel, 0], places[channel, 1])
    number = -3 - channel
    if learned.entries[number, 4] == 0:
        otherwise = CHANNEL_OTHERWISE
        return put_optional(out, at, given.data, places[otherwise, 0], places[otherwise, 1])
    return put_optional(out, at, learned.data, learned.entries[number, 3], learned.entries[number, 4])


@compiled_inline
def _put_short(out: Bytes, at: Int, data: Bytes, table: Places, k: Int) -> Int:
    """A text that has a field of its own; DECLINED where it is longer than that may be, or would be trimmed."""
    if size_of(table, k) > _MOST_SHORT or not is_clean(data, table[k, VALUE], table[k, VALUE_STOP]):
        return np.int64(DECLINED)
    return put_optional(out, at, data, table[k, VALUE], size_of(table, k))


@compiled_inline
def _put_campaign(out: Bytes, at: Int, data: Bytes, room: Room, known: Known) -> Int:
    """The name of the context's campaign; DECLINED."""
    context, k = room.context, room.context_at[CODE_CAMPAIGN]
    named: Int = np.int64(-1)
    if is_there(context, k) and context[k, TYPE] == OBJECT:
        named = child_of(known, data, context, room.counts[2], k, CODE_NAME)
    if named < 0 or context[named, TYPE] != TEXT or size_of(context, named) == 0:
        return put_optional(out, at, data, 0, -1)
    if may_be_nobody(data, context[named, VALUE], size_of(context, named)):
        return np.int64(DECLINED)
    return _put_short(out, at, data, context, named)


@compiled_inline
def _put_order(out: Bytes, at: Int, data: Bytes, room: Room) -> Int:
    """The id of the order; DECLINED."""
    own, k = room.own, room.own_at[CODE_ORDER]
    if not is_there(own, k) or (own[k, TYPE] == TEXT and size_of(own, k) == 0):
        return put_optional(out, at, data, 0, -1)
    if own[k, TYPE] != TEXT:
        return np.int64(DECLINED)
    if may_be_nobody(data, own[k, VALUE], size_of(own, k)):
        return np.int64(DECLINED)
    room.used[2] = k
    return _put_short(out, at, data, own, k)


@compiled_leaf
def translate_event(  # noqa: C901 (one pass, in the order of the slow way)
    data: Bytes, start: Int, stop: Int, known: Known, learned: Learned, given: Given, room: Room, out: Bytes,
    at: Int, keys: Bytes, key_at: Int, ends: Places,
) -> Int:  # fmt: skip
    """Write the message of the event that begins at ``start`` to ``out[at:]`` and its key; returns the event's end.

    ``ends`` int64[2]: where message and key end, then. DECLINED, and nothing counts of what was written.
    """
    counts, progress, used = room.counts, room.progress, room.used
    end = top_members(data, start, stop, known, room, counts)
    if end < 0 or end - start > given.numbers[MOST_EVENT] or _is_odd(room, given):
        return DECLINED
    call = call_in(data, room, given)
    if call < 0:
        return DECLINED
    top, own = room.top, room.own
    message, user, anonymous = room.top_at[CODE_MESSAGE], room.top_at[CODE_USER], room.top_at[CODE_ANONYMOUS]
    message_size, user_size = size_of_id(data, top, message), size_of_id(data, top, user)
    anonymous_size = size_of_id(data, top, anonymous)
    if message_size < 0 or user_size == -2 or anonymous_size == -2 or (user_size < 0 and anonymous_size < 0):
        return DECLINED
    if may_be_nobody(data, top[message, VALUE], message_size):
        return DECLINED
    if user_size > 0 and may_be_nobody(data, top[user, VALUE], user_size):
        return DECLINED
    if anonymous_size > 0 and may_be_nobody(data, top[anonymous, VALUE], anonymous_size):
        return DECLINED
    occurred = occurred_at(data, room, given)
    bot = bot_in(data, room, learned, given)
    channel = channel_in(data, room, counts, known, learned, given)
    if occurred < 0 or bot < 0 or channel == -2:
        return DECLINED
    kind: Int = np.int64(-1)
    kind_flags: Int = np.int64(0)
    if call == TRACK:
        k = room.top_at[CODE_EVENT]
        if k < 0 or top[k, TYPE] != TEXT:
            return DECLINED
        kind = learned_at(learned, EVENT_NAMES, data, top[k, VALUE], size_of(top, k))
        if kind < 0:
            return DECLINED
        kind_flags = learned.entries[kind, 5]
    if kind_flags & REVIEWED and is_there(own, room.own_at[CODE_RATING]):
        return DECLINED
    # Money.
    used[0], used[1], used[2] = room.own_at[CODE_CURRENCY], -1, -1
    decimals, currency, currency_size, currency_given = _currency_of(data, room, given)
    if decimals < 0:
        return DECLINED
    amount = _amount_of(data, room, decimals)
    if amount == _ODD_AMOUNT:
        return DECLINED
    has_line = not absent(own, room.own_at[CODE_SKU]) or not absent(own, room.own_at[CODE_PRODUCT])
    if (amount == NO_AMOUNT or amount == 0) and kind_flags & TOTALLED:
        return DECLINED
    # The message.
    at = copy_bytes(given.data, given.places[HEADER, 0], given.places[HEADER, 1], out, at)
    at = put_text(out, at, data, top[message, VALUE], message_size)
    at = put_optional(out, at, data, top[user, VALUE] if user_size >= 0 else 0, user_size)
    at = put_optional(out, at, data, top[anonymous, VALUE] if anonymous_size >= 0 else 0, anonymous_size)
    at = write_long(out, write_long(out, at, occurred), given.numbers[RECEIVED_AT])
    if call == TRACK:
        at = put_text(out, at, learned.data, learned.entries[kind, 3], learned.entries[kind, 4])
    else:
        at = put_given(out, at, given, KINDS + call - 1)
    at = _put_channel(out, at, learned, given, channel)
    at = _put_amount(out, at, amount)
    if currency_given:
        at = put_optional(out, at, given.data, currency, currency_size)
    else:
        at = put_optional(out, at, data, currency, currency_size)
    out[np.uint64(at)] = 0  # cost
    out[np.uint64(at + 1)] = 0  # margin
    at += 2
    at = _put_campaign(out, at, data, room, known)
    if at < 0:
        return DECLINED
    at = _put_order(out, at, data, room)
    if at < 0:
        return DECLINED
    if has_line:
        at = put_line(data, own, room.own_at, decimals, out, at)
        if at < 0:
            return DECLINED
    else:
        out[np.uint64(at)] = 0
        at += 1
    out[np.uint64(at)] = 0  # agent_id
    out[np.uint64(at + 1)] = 0  # satisfaction
    at = put_properties(out, at + 2, data, call, used, bot, room, counts, known, given, progress)
    if at < 0:
        return DECLINED
    out[np.uint64(at)] = 0  # import_id
    out[np.uint64(at + 1)] = 0  # known
    out[np.uint64(at + 2)] = 0  # is_account
    ends[0] = at + 3
    who, size = (user, user_size) if user_size >= 0 else (anonymous, anonymous_size)
    ends[1] = copy_bytes(data, top[who, VALUE], size, keys, key_at)
    return end

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
    CODE_CAMPAIGN,
    CODE_CHANNEL,
    CODE_CONSENT,
    CODE_CONTEXT,
    CODE_CURRENCY,
    CODE_EVENT,
    CODE_GROUP,
    CODE_MANAGED,
    CODE_MESSAGE,
    CODE_NAME,
    CODE_ORDER,
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
from streams.collector.nobody import may_be_nobody

_MOST_SHORT: Final = LONGEST["order_id"]


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
    return False


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
    currency_start: Int = np.int64(0)
    currency_size: Int = np.int64(-1)
    currency_given = False
    k = room.own_at[CODE_CURRENCY]
    decimals: Int = np.int64(2)
    used[0], used[1], used[2] = k, -1, -1
    if is_there(own, k) and not (own[k, TYPE] == TEXT and size_of(own, k) == 0):
        if own[k, TYPE] != TEXT:
            return DECLINED
        currency_start, currency_size = own[k, VALUE], size_of(own, k)
        decimals = currency_at(data, currency_start, currency_size, given.decimals)
    elif given.places[CURRENCY, 1] >= 0:
        currency_start, currency_size, currency_given = given.places[CURRENCY, 0], given.places[CURRENCY, 1], True
        decimals = currency_at(given.data, currency_start, currency_size, given.decimals)
    if decimals < 0:
        return DECLINED
    amount: Int = np.int64(NO_AMOUNT)
    for code in range(CODE_REVENUE, CODE_REVENUE + 3):
        k = room.own_at[code]
        if not is_there(own, k) or (own[k, TYPE] == TEXT and size_of(own, k) == 0):
            continue
        if own[k, TYPE] != NUMBER:
            return DECLINED
        amount = amount_of(data, own[k, VALUE], own[k, VALUE_STOP], decimals)
        if amount == NO_AMOUNT:
            return DECLINED
        used[1] = k
        break
    has_line = not absent(own, room.own_at[CODE_SKU]) or not absent(own, room.own_at[CODE_PRODUCT])
    if has_line and amount == NO_AMOUNT and kind_flags & TOTALLED:
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
    if channel >= 0:
        at = put_optional(out, at, given.data, given.places[channel, 0], given.places[channel, 1])
    else:
        number = -3 - channel
        if learned.entries[number, 4] == 0:
            at = put_optional(
                out, at, given.data, given.places[CHANNEL_OTHERWISE, 0], given.places[CHANNEL_OTHERWISE, 1]
            )
        else:
            at = put_optional(out, at, learned.data, learned.entries[number, 3], learned.entries[number, 4])
    if amount == NO_AMOUNT:
        out[np.uint64(at)] = 0
        at += 1
    else:
        out[np.uint64(at)] = 2
        at = write_long(out, at + 1, amount)
    if currency_given:
        at = put_optional(out, at, given.data, currency_start, currency_size)
    else:
        at = put_optional(out, at, data, currency_start, currency_size)
    out[np.uint64(at)] = 0  # cost
    out[np.uint64(at + 1)] = 0  # margin
    at += 2
    k = room.context_at[CODE_CAMPAIGN]
    named: Int = np.int64(-1)
    if is_there(room.context, k) and room.context[k, TYPE] == OBJECT:
        named = child_of(known, data, room.context, counts[2], k, CODE_NAME)
    if named >= 0 and room.context[named, TYPE] == TEXT and size_of(room.context, named) > 0:
        size = size_of(room.context, named)
        first, last = room.context[named, VALUE], room.context[named, VALUE_STOP]
        if size > _MOST_SHORT or not is_clean(data, first, last):
            return DECLINED
        at = put_optional(out, at, data, first, size)
    else:
        at = put_optional(out, at, data, 0, -1)
    k = room.own_at[CODE_ORDER]
    if is_there(own, k) and not (own[k, TYPE] == TEXT and size_of(own, k) == 0):
        if (
            own[k, TYPE] != TEXT
            or size_of(own, k) > _MOST_SHORT
            or not is_clean(data, own[k, VALUE], own[k, VALUE_STOP])
        ):
            return DECLINED
        at = put_optional(out, at, data, own[k, VALUE], size_of(own, k))
        used[2] = k
    else:
        at = put_optional(out, at, data, 0, -1)
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
    ends[0] = at + 2
    who, size = (user, user_size) if user_size >= 0 else (anonymous, anonymous_size)
    ends[1] = copy_bytes(data, top[who, VALUE], size, keys, key_at)
    return end

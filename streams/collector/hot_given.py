"""What the fast way of an event is given: what holds for its request, and tables that have room for its members."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.collector.hot_money import LINE_ROOM
from streams.collector.hot_names import NAMES
from streams.collector.hot_scan import MOST_MEMBERS, MOST_NAMES, MOST_NESTED, SCAN_CELLS, Bytes, Places

TRACK: Final = 0
PAGE: Final = 1
SCREEN: Final = 2
IDENTIFY: Final = 3
BY_ITSELF: Final = -1
"""In the place of a call: each event says its own."""
CALLS: Final = ("track", "page", "screen", "identify")

TOTALLED: Final = 1
REVIEWED: Final = 2
"""Flags of a learned kind: without an amount it goes the slow way; ``rating`` is satisfaction."""

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

MOST_ENTRIES: Final = 63
EVENT_ROOM: Final = 16_384 + LINE_ROOM
"""Bytes that an event may take beyond those that it has in JSON."""


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


def room_for_an_event() -> Room:
    """Tables of the sizes that an event may have."""
    members = [np.zeros((MOST_MEMBERS, SCAN_CELLS), np.int64) for _ in range(4)]
    places = [np.zeros(len(NAMES), np.int64) for _ in range(3)]
    nested = [np.zeros((MOST_NAMES, 3), np.int64), np.zeros(MOST_NESTED, np.int64)]
    rest = [np.zeros((MOST_ENTRIES, 3), np.int64), *(np.zeros(size, np.int64) for size in (4, 2, 3))]
    return Room(*members, *places, *nested, *rest)

"""What the fast way has of each source: texts and numbers for compiled code, and what was learned of its events."""

from typing import Any, Final

import numpy as np

from processors.policy.policy import exponent
from streams.collector.channels import channel_by_library
from streams.collector.events import Arrival, kind_of_call
from streams.collector.hot_given import (
    ADDRESS,
    CALL,
    CALLS,
    FLAG_BOTS,
    GIVEN_NUMBERS,
    GIVEN_TEXTS,
    HEADER_IS_BOT,
    IGNORE_CONSENT,
    MOST_EVENT,
    RECEIVED_AT,
    REVIEWED,
    SENT,
    SHIFT,
    SINCE,
    TOTALLED,
    TRUSTED,
    Given,
)
from streams.collector.hot_names import (
    AGENTS,
    EVENT_NAMES,
    LIBRARIES,
    Learned,
    nothing_learned,
    remember,
)
from streams.collector.hot_scan import PADDING
from streams.collector.problems import EventRefused
from streams.collector.products import TOTALLED as TOTALLED_KINDS
from streams.collector.requests import MOST_EVENT_BYTES
from streams.collector.sources import FLAG, IGNORE, Source
from streams.collector.texts import text_or_none
from streams.collector.times import Skew
from streams.collector.visitors import address_of, is_bot
from streams.collector.vocabulary import KIND_OF_TYPE
from streams.imports.currencies import CODES as CURRENCIES
from streams.imports.pricing import code_of as currency_code

_ADDRESS_BYTES: Final = 64


class SourceTables:
    """What holds for all requests of a source."""

    def __init__(self, source: Source, header: bytes, decimals: Any) -> None:
        self.source = source
        texts: list[bytes | None] = [
            header,
            source.channel.encode() or None,
            b"server" if source.trusted else b"web",
            source.currency.encode() or None,
            b" " * _ADDRESS_BYTES,
            *(source.kinds.get(call, KIND_OF_TYPE[call]).encode() for call in CALLS[1:]),
            b"context.",
            b"traits.",
            b"context.ip",
            b"bot",
            b"true",
            b"false",
            b"web",
            b"mobile",
            b"server",
        ]
        assert len(texts) == GIVEN_TEXTS
        data = bytearray()
        places = np.zeros((GIVEN_TEXTS, 2), np.int64)
        for which, text in enumerate(texts):
            places[which] = (len(data), -1 if text is None else len(text))
            data += text or b""
        self.given = Given(
            np.zeros(GIVEN_NUMBERS, np.int64),
            np.frombuffer(bytearray(data + b"\0" * PADDING), np.uint8),
            places,
            decimals,
        )
        self.learned = nothing_learned()
        numbers = self.given.numbers
        numbers[TRUSTED], numbers[FLAG_BOTS] = source.trusted, source.bots == FLAG
        numbers[IGNORE_CONSENT], numbers[MOST_EVENT] = source.consent == IGNORE, MOST_EVENT_BYTES

    def arrive(self, arrival: Arrival, call: int, sent: int, skew: Skew) -> None:
        """What holds for this request."""
        numbers, places = self.given.numbers, self.given.places
        numbers[CALL], numbers[RECEIVED_AT] = call, arrival.received_at
        numbers[SENT], numbers[SHIFT], numbers[SINCE] = sent, skew.shift, skew.since
        numbers[HEADER_IS_BOT] = not self.source.trusted and is_bot(arrival.user_agent)
        # What a server passes on says itself from where it came.
        told = None if self.source.trusted else address_of(arrival.address, self.source)
        places[ADDRESS, 1] = -1 if told is None else len(told)
        if told is not None:
            self.given.data[places[ADDRESS, 0] : places[ADDRESS, 0] + len(told)] = np.frombuffer(
                told.encode(), np.uint8
            )


def learn_from(event: dict[str, Any], source: Source, learned: Learned) -> None:
    """Remember what an event that was declined says of names, agents and libraries, if it says something."""
    name = event.get("event")
    if isinstance(name, str) and len(name) <= 256:
        try:
            kind = kind_of_call(event, "track", source)
        except EventRefused:
            kind = ""
        if 0 < len(kind.encode()) <= 128:
            flags = (TOTALLED if kind in TOTALLED_KINDS else 0) | (REVIEWED if kind == "product_reviewed" else 0)
            remember(learned, EVENT_NAMES, name, kind, flags)
    context = event.get("context")
    if not isinstance(context, dict):
        return
    agent = text_or_none(context.get("userAgent"))
    if agent is not None and len(agent) <= 1024:
        remember(learned, AGENTS, agent, "", int(is_bot(agent)))
    library = context.get("library")
    named = text_or_none(library.get("name")) if isinstance(library, dict) else None
    if named is not None and len(named) <= 256:
        remember(learned, LIBRARIES, named, channel_by_library(named) or "", 0)


def decimals_by_code() -> Any:
    """int8[26³]: decimals of the minor unit of each code of three letters, -1 of what is none."""
    table = np.full(26**3, -1, np.int8)
    for code in CURRENCIES:
        # A code that is read as another one goes the slow way.
        if currency_code(code) == code:
            place = 0
            for letter in code:
                place = place * 26 + ord(letter) - 65
            table[place] = exponent(code)
    table.flags.writeable = False
    return table

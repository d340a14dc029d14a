"""What a touchpoint says of how its customer may be reached, and what rules of the policy make of it. Compiled."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.hashing import xxh64
from processors.lifecycle.facts import Cause, Out
from processors.lifecycle.stages import exit_at
from processors.policy.rules import CONSENT, CUSTOMER_EXIT, FIRM_EXIT, PURCHASE, REFUSAL, TIE_CLOSED, Rules, Vocabulary
from processors.row.contact import Contact
from processors.row.layout import NEVER, Row
from processors.row.outreach import note_consent, note_zone
from processors.triggers.firing import heed, look
from processors.triggers.zones import zone_number
from schemas.decode import ABSENT
from schemas.maps import find_text, find_texts
from schemas.touchpoint import CHANNEL, PROPERTIES

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int64]

_SEED: Final = np.uint64(0)
# XXH64 of the words that name a channel which needs consent, in the order of processors.triggers.fields.CHANNELS.
_EMAIL: Final = np.uint64(0xCD21E430CCB5B0D3)
_SMS: Final = np.uint64(0x1681EB8996F4C01A)
_PUSH: Final = np.uint64(0x84E96B2AA71380C3)
_CHANNEL_NAME: Final = np.uint64(0xCE263A2509534E9C)


@compiled_leaf
def _channel_in(buffer: Bytes, start: int, length: int) -> int:
    """The channel that a text names, from 1 on; 0: none that needs consent."""
    if length <= 0:
        return 0
    word = np.uint64(xxh64(buffer, start, start + length, _SEED))
    if word == _EMAIL:
        return 1
    if word == _SMS:
        return 2
    return 3 if word == _PUSH else 0


@compiled_leaf
def _property(buffer: Bytes, slots: Slots, name: np.uint64) -> tuple[int, int]:
    if slots[PROPERTIES, 1] == ABSENT:
        return 0, -1
    return find_text(buffer, slots[PROPERTIES, 0], slots[PROPERTIES, 1], name)


@compiled_leaf
def _channel_of(buffer: Bytes, slots: Slots) -> int:
    """What consent is about: as properties.channel says, else the channel of the touchpoint; 0: neither names one."""
    start, length = _property(buffer, slots, _CHANNEL_NAME)
    named = _channel_in(buffer, start, length)
    if named > 0 or slots[CHANNEL, 1] == ABSENT:
        return named
    return _channel_in(buffer, slots[CHANNEL, 0], slots[CHANNEL, 1])


@compiled_apart
def hear_consent(buffer: Bytes, slots: Slots, row: Row, flags: int, at: int) -> None:
    """Consent given or withdrawn. Where no channel is named, what is given is for email, what is withdrawn for all."""
    stay_apart()
    channel = _channel_of(buffer, slots)
    if flags & CONSENT:
        note_consent(row, channel if channel > 0 else 1, at, True)
    if flags & REFUSAL:
        note_consent(row, channel, at, False)


@compiled_leaf
def _two_digits(buffer: Bytes, at: int) -> int:
    tens, units = int(buffer[at]) - 48, int(buffer[at + 1]) - 48
    return tens * 10 + units if 0 <= tens <= 9 and 0 <= units <= 9 else -1


@compiled_leaf
def _month_and_day(buffer: Bytes, start: int, length: int) -> int:
    """Of a date of ISO 8601 (``1984-02-29``), 32 × month + day; 0: it is none."""
    if length < 10 or buffer[start + 4] != 45 or buffer[start + 7] != 45:
        return 0
    month, day = _two_digits(buffer, start + 5), _two_digits(buffer, start + 8)
    return month * 32 + day if 1 <= month <= 12 and 1 <= day <= 31 else 0


@compiled_leaf
def _hear_traits(buffer: Bytes, slots: Slots, row: Row, rules: Rules, at: int) -> None:
    place, size, start, length = find_texts(
        buffer,
        slots[PROPERTIES, 0],
        slots[PROPERTIES, 1],
        np.uint64(rules.zone_name),
        np.uint64(rules.birthday_name),
    )
    zone = zone_number(rules, buffer, place, size)
    if zone > 0:
        note_zone(row, at, zone)
    birthday = _month_and_day(buffer, start, length)
    if birthday > 0:
        row.birthday = max(np.int64(row.birthday), birthday)


@compiled_apart
def follow_rules(
    buffer: Bytes,
    slots: Slots,
    row: Row,
    rules: Rules,
    words: Vocabulary,
    out: Out,
    cause: Cause,
    contact: Contact,
    kind: int,
    flags: int,
    time: int,
) -> None:
    """What rules make of a touchpoint that was just met. ``flags``: those of its kind."""
    stay_apart()
    at = contact.at
    now = max(time, int(row.judged_at), at)
    if slots[PROPERTIES, 1] != ABSENT:
        _hear_traits(buffer, slots, row, rules, at)
    fires, arms, ends = 0, 0, 0
    # Of a purchase whose money came back, or that is none for its amount, the kind says nothing.
    if kind >= 0 and (flags & PURCHASE == 0 or contact.flags & PURCHASE != 0):
        meaning = words.meanings[kind]
        fires, arms, ends = int(meaning.fires), int(meaning.arms), int(meaning.ends)
    refused = _channel_of(buffer, slots) if contact.flags & REFUSAL else -1
    leaves = contact.flags & (CUSTOMER_EXIT | FIRM_EXIT | TIE_CLOSED) != 0
    left = leaves and exit_at(row, row.episode_at) != NEVER
    if arms != 0 or ends != 0 or refused >= 0 or left:
        heed(row, rules, out, cause, at, now, arms, ends, refused, left)
    look(row, rules, out, cause, now, fires, at)

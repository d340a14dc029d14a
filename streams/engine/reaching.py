"""What a touchpoint says of how its customer may be reached, and what rules of the policy make of it. Compiled."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.lifecycle.facts import Cause, Out
from processors.lifecycle.stages import exit_at
from processors.policy.rules import CONSENT, CUSTOMER_EXIT, FIRM_EXIT, PURCHASE, REFUSAL, TIE_CLOSED, Rules, Vocabulary
from processors.row.contact import Contact
from processors.row.layout import CONSENTS, NEVER, Row
from processors.row.outreach import may_reach, note_consent
from processors.triggers.firing import look_at, set_clocks, staged, stop_waiting
from processors.triggers.settled import timers_after
from processors.triggers.withdrawing import take_back, taken_back
from schemas.decode import ABSENT
from schemas.maps import find_text
from schemas.touchpoint import CHANNEL, PROPERTIES
from streams.engine.hearing import hear_properties

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int64]

_SEED: Final = np.uint64(0)
# XXH64 of the words that name a channel which needs consent, in the order of processors.triggers.fields.CHANNELS.
_EMAIL: Final = np.uint64(0xCD21E430CCB5B0D3)
_SMS: Final = np.uint64(0x1681EB8996F4C01A)
_PUSH: Final = np.uint64(0x84E96B2AA71380C3)
_CHANNEL_NAME: Final = np.uint64(0xCE263A2509534E9C)
_EVERY_CHANNEL: Final = (1 << CONSENTS) - 1


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
def _refused(buffer: Bytes, slots: Slots, row: Row, flags: int, declined: int) -> int:
    """Bits of the channels over which nothing may go out any more, for what the touchpoint said."""
    refused = 0
    if flags & REFUSAL:
        channel = _channel_of(buffer, slots)
        refused = 1 << channel if channel > 0 else _EVERY_CHANNEL
    for channel in range(1, CONSENTS):
        if declined & (1 | 1 << channel) and not may_reach(row, channel):
            refused |= 1 << channel
    return refused


@compiled_inline
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
    """What rules make of a touchpoint that was just met. ``flags``: those of its kind.

    Laid into its caller: where facts go and the vocabulary are a hundred words to hand on to a function that is called.
    """
    at = contact.at
    now = max(time, int(row.judged_at), at)
    declined, moved = 0, 0
    if slots[PROPERTIES, 1] > 1:
        birthday = row.birthday
        declined = hear_properties(buffer, int(slots[PROPERTIES, 0]), int(slots[PROPERTIES, 1]), row, rules, at)
        if row.birthday != birthday:
            moved = int(rules.timers_born)
    fires, ends, clocked = 0, 0, 0
    # Of a purchase whose money came back, or that is none for its amount, the kind says nothing.
    if kind >= 0 and (flags & PURCHASE == 0 or contact.flags & PURCHASE != 0):
        meaning = words.meanings[kind]
        fires, ends = int(meaning.fires), int(meaning.ends)
        if meaning.arms | meaning.ends != 0:
            set_clocks(row, rules, at, int(meaning.arms), ends)
            clocked = int(meaning.arms) | ends
        waiting = ends & int(rules.timers) & ~int(rules.timers_quiet)
        if waiting != 0:
            stop_waiting(row, rules, at, waiting)
    refused, left = 0, False
    if contact.flags & (REFUSAL | CUSTOMER_EXIT | FIRM_EXIT | TIE_CLOSED) != 0 or declined != 0:
        refused = _refused(buffer, slots, row, contact.flags, declined)
        leaves = contact.flags & (CUSTOMER_EXIT | FIRM_EXIT | TIE_CLOSED) != 0
        left = leaves and exit_at(row, row.episode_at) != NEVER
    if ends != 0 or refused != 0 or left:
        taken = taken_back(row, rules, ends, refused, left, now)
        if taken != 0:
            take_back(row, rules, out.room, cause, taken, now)
    if rules.timers_staged != 0 and staged(out.room):
        moved |= int(rules.timers_staged)
    timers = timers_after(row, rules, at, contact.flags, clocked, moved, now)
    if fires != 0 or timers != 0 or out.room.happenings > 0:
        look_at(row, rules, out.room, cause, now, fires, at, timers)

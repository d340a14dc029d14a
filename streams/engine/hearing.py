"""What the properties of a touchpoint tell of its customer: time zone, birthday, what the policy names, consent.

One walk over the map. Compiled.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import xxh64
from processors.policy.rules import Rules
from processors.row.layout import TRAITS, Row
from processors.row.outreach import note_preference, note_zone
from processors.row.traits import note_trait
from processors.triggers.traits import channel_of_category, folded_hash, trait_value
from processors.triggers.zones import zone_number
from schemas.varint import read_long

Bytes = npt.NDArray[np.uint8]

_SEED: Final = np.uint64(0)
_QUOTE: Final = 34
_BACKSLASH: Final = 92
_COLON: Final = 58
_T: Final = 116
# XXH64 of processors.triggers.traits.PREFERENCES, ALLOWED and DENIED.
_PREFERENCES: Final = np.uint64(0x3D2880C597D02E8C)
_ALLOWED: Final = np.uint64(0x81C35198374D39E6)
_DENIED: Final = np.uint64(0xE5EA9A92988C4724)
_BY_CATEGORY: Final = 0
_EACH_YES: Final = 1
_EACH_NO: Final = 2


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
def _hear_preferences(buffer: Bytes, start: int, stop: int, row: Row, rules: Rules, at: int, how: int) -> int:
    """The categories in the JSON of a consent manager; what is no ``true`` is a no. Returns bits of channels: a no."""
    i, declined = start, 0
    while i < stop:
        if buffer[i] != _QUOTE:
            i += 1
            continue
        first = i = i + 1
        while i < stop and buffer[i] != _QUOTE:
            i += 2 if buffer[i] == _BACKSLASH else 1
        if i >= stop:
            break
        word, i = folded_hash(buffer, first, i), i + 1
        while i < stop and buffer[i] == 32:
            i += 1
        named = i < stop and buffer[i] == _COLON
        if named:
            i += 1
            while i < stop and buffer[i] == 32:
                i += 1
        # In a list of ids what has a value is a provider, whose own list follows.
        if named != (how == _BY_CATEGORY):
            continue
        channel = channel_of_category(rules, word)
        if channel >= 0:
            yes = how == _EACH_YES or (how == _BY_CATEGORY and i < stop and buffer[i] == _T)
            note_preference(row, channel, at, yes)
            if not yes:
                declined |= 1 << channel
    return declined


@compiled_inline
def _hear(buffer: Bytes, named: np.uint64, start: int, length: int, row: Row, rules: Rules, at: int) -> int:
    if named == np.uint64(rules.zone_name):
        zone = zone_number(rules, buffer, start, length)
        if zone > 0:
            note_zone(row, at, zone)
    if named == np.uint64(rules.birthday_name):
        birthday = _month_and_day(buffer, start, length)
        if birthday > 0:
            row.birthday = max(np.int64(row.birthday), birthday)
    for i in range(rules.trait_count):
        if named in (np.uint64(rules.trait_hashes[i]), np.uint64(rules.trait_hashes[TRAITS + i])):
            value = trait_value(int(rules.trait_types[i]), buffer, start, length)
            if not np.isnan(value):
                note_trait(row, int(rules.trait_keys[i]), at, value)
    if rules.consent_count > 0:
        if named == _PREFERENCES:
            return _hear_preferences(buffer, start, start + length, row, rules, at, _BY_CATEGORY)
        if named == _ALLOWED:
            return _hear_preferences(buffer, start, start + length, row, rules, at, _EACH_YES)
        if named == _DENIED:
            return _hear_preferences(buffer, start, start + length, row, rules, at, _EACH_NO)
    return 0


@compiled_inline
def hear_properties(buffer: Bytes, start: int, length: int, row: Row, rules: Rules, at: int) -> int:
    """Note what the properties of a touchpoint at ``at`` (ms) tell; the map is ``buffer[start:start + length]``.

    Returns bits of channels to which a consent manager said no; bit 0: to all of them.
    """
    stop, here, declined = start + length, np.int64(start), 0
    while here < stop:
        count, here = read_long(buffer, here, stop)
        if count < 0:
            _, here = read_long(buffer, here, stop)
            count = -count
        if count == 0:
            break
        for _ in range(count):
            size, name = read_long(buffer, here, stop)
            value_size, value = read_long(buffer, name + size, stop)
            # Most names have a length that none of those has that are listened to, and need no hash.
            if np.uint64(rules.name_lengths) >> np.uint64(size & 63) & np.uint64(1):
                named = np.uint64(xxh64(buffer, int(name), int(name + size), _SEED))
                declined |= _hear(buffer, named, int(value), int(value_size), row, rules, at)
            here = value + value_size
    return declined

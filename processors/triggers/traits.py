"""Properties of a customer that the policy names: ``[properties]``, and categories of consent managers: ``[consent]``.

``plan = "string"`` in ``[properties]`` lets conditions ask ``properties.plan == 'gold'``. A value is a number to
compiled code: see ``processors.row.traits``.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.hashing import avalanche, xxh64
from processors.policy.keys import TEXTS, Problem, choice, problem
from processors.policy.rules import CONSENT_WORDS, Rules
from processors.row.layout import NONE, TRAITS
from processors.triggers.fields import CHANNELS

Bytes = npt.NDArray[np.uint8]

IS_STRING: Final = 0
IS_NUMBER: Final = 1
IS_BOOLEAN: Final = 2
TYPES: Final = ("string", "number", "boolean")
TRAITS_PREFIX: Final = "traits."
"""Of what a collector calls properties that a call's context tells of its customer."""
_LONGEST_NAME: Final = 200
CONSENT_KEYS: Final = ("all", *CHANNELS[1:])
"""What categories speak of, at its number: see ``processors.row.outreach``."""
_TYPE: Final = choice(*TYPES)
_MOST_DIGITS: Final = 18
_MOST_EXPONENT: Final = 400

# The properties in which a collector hands on what consent managers said, by the JSON that each holds.
PREFERENCES: Final = "context.consent.categoryPreferences"  # {"category": true, …}
ALLOWED: Final = "context.consentManagement.allowedConsentIds"  # ["id", …], or by provider
DENIED: Final = "context.consentManagement.deniedConsentIds"


def declared(document: Mapping[str, Any]) -> dict[str, str]:
    """The properties that a policy names as it should, and the type of each."""
    given = document.get("properties")
    return {name: kind for name, kind in given.items() if kind in TYPES} if isinstance(given, dict) else {}


def named_by(document: Mapping[str, Any]) -> dict[str, str]:
    """All that it names, so that what is wrong with one's type is told once and not at each condition."""
    given = document.get("properties")
    return {**dict.fromkeys(given, TYPES[0]), **declared(document)} if isinstance(given, dict) else {}


def check_properties(text: str, document: Mapping[str, Any], version: int) -> list[Problem]:
    """What is wrong with ``[properties]`` and ``[consent]``."""
    problems = []
    for table in ("properties", "consent"):
        given = document.get(table)
        if given is None:
            continue
        if not isinstance(given, dict):
            problems.append(problem(text, (table,), "must be a table"))
        elif version < 2:
            problems.append(problem(text, (table,), "needs version = 2 at the head of the policy"))
        else:
            problems += _check_names(text, given) if table == "properties" else _check_consent(text, given)
    return problems


def _check_names(text: str, given: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, kind in given.items():
        if not isinstance(kind, str) or not _TYPE.accepts(kind):
            problems.append(problem(text, ("properties", name), f"= {kind!r}: expected {_TYPE.expected}"))
        if not 0 < len(name.encode()) <= _LONGEST_NAME:
            problems.append(problem(text, ("properties", name), f"is no name of 1 to {_LONGEST_NAME} bytes"))
    if len(given) > TRAITS:
        problems.append(problem(text, ("properties",), f"names {len(given)}; a row remembers {TRAITS} at most"))
    keys = {trait_key(name) for name in given}
    if len(keys) < len(given):
        problems.append(problem(text, ("properties",), "names two whose hashes are the same: name one differently"))
    return problems


def _check_consent(text: str, given: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    whose: dict[int, str] = {}
    for channel, words in given.items():
        path = ("consent", channel)
        if channel not in CONSENT_KEYS:
            problems.append(problem(text, path, f"is no channel (one of {', '.join(CONSENT_KEYS)})"))
        elif not TEXTS.accepts(words):
            problems.append(problem(text, path, f"= {words!r}: expected {TEXTS.expected}"))
        else:
            for word in words:
                if '"' in word or "\\" in word:
                    problems.append(problem(text, path, f"names {word!r}: a category has no quotes and backslashes"))
                if whose.setdefault(_folded(word), channel) != channel:
                    problems.append(problem(text, path, f"names {word!r}, as {whose[_folded(word)]} does"))
    if sum(len(words) for words in given.values() if TEXTS.accepts(words)) > CONSENT_WORDS - len(CHANNELS):
        most = CONSENT_WORDS - len(CHANNELS)
        problems.append(problem(text, ("consent",), f"names more than {most} categories"))
    return problems


def _folded(word: str) -> int:
    data = np.frombuffer(word.encode(), np.uint8)
    return int(folded_hash(data, 0, len(data)))


def _xxh64(text: str) -> int:
    data = np.frombuffer(text.encode(), np.uint8)
    return int(xxh64(data, 0, len(data), np.uint64(0)))


def trait_key(name: str) -> int:
    """By which a row remembers a property; never 0."""
    return (_xxh64(name) & 0xFFFFFFFF) or 1


def value_of_text(text: str) -> float:
    """What stands for a text: the upper 53 bits of its XXH64."""
    return float(_xxh64(text) >> 11)


def packed_traits(document: Mapping[str, Any], listened: tuple[str, ...]) -> dict[str, Any]:
    """The fields of ``processors.policy.rules.RULES`` that tell what to listen to; ``listened``: further names."""
    names = declared(document)
    keys, types, hashes = np.zeros(TRAITS, np.int64), np.zeros(TRAITS, np.int64), np.zeros(2 * TRAITS, np.uint64)
    for i, (name, kind) in enumerate(names.items()):
        keys[i], types[i] = trait_key(name), TYPES.index(kind)
        hashes[i], hashes[TRAITS + i] = _xxh64(name), _xxh64(TRAITS_PREFIX + name)
    categories = _categories(document)
    words, channels = np.zeros(CONSENT_WORDS, np.uint64), np.zeros(CONSENT_WORDS, np.int64)
    for i, (word, channel) in enumerate(categories.items()):
        words[i], channels[i] = word, channel
    everything = [*listened, *names, *(TRAITS_PREFIX + name for name in names)]
    everything += [PREFERENCES, ALLOWED, DENIED] if categories else []
    lengths = 0
    for name in everything:
        lengths |= 1 << (len(name.encode()) & 63)
    return {
        "name_lengths": np.uint64(lengths),
        "trait_count": len(names),
        "trait_keys": keys,
        "trait_types": types,
        "trait_hashes": hashes,
        "consent_count": len(categories),
        "consent_words": words,
        "consent_channels": channels,
    }


def _categories(document: Mapping[str, Any]) -> dict[int, int]:
    """Hash of each category that speaks of a channel, and the channel: those that are called like one, unless told."""
    found = {_folded(channel): i for i, channel in enumerate(CHANNELS) if i > 0}
    for channel, words in document.get("consent", {}).items():
        found.update({_folded(word): CONSENT_KEYS.index(channel) for word in words})
    return found


@compiled_leaf
def folded_hash(buffer: Bytes, start: int, stop: int) -> np.uint64:
    """A hash of a text that tells no difference between small and capital letters of ASCII (FNV-1a)."""
    h = np.uint64(0xCBF29CE484222325)
    for i in range(start, stop):
        letter = np.uint64(buffer[i])
        if np.uint64(65) <= letter <= np.uint64(90):
            letter |= np.uint64(0x20)
        h = np.uint64((h ^ letter) * np.uint64(0x100000001B3))
    return avalanche(h)


@compiled_leaf
def channel_of_category(rules: Rules, word: np.uint64) -> int:
    """Of what a category speaks: 0: of everything, else a channel; -1: the policy does not name it."""
    for i in range(rules.consent_count):
        if np.uint64(rules.consent_words[i]) == word:
            return int(rules.consent_channels[i])
    return -1


@compiled_leaf
def _power(buffer: Bytes, at: int, stop: int) -> int:
    """The exponent that ``buffer[at:stop]`` tells; 0 of nothing, NONE of what is no exponent."""
    if at == stop:
        return 0
    if int(buffer[at]) | 0x20 != 101 or at + 1 == stop:
        return NONE
    at += 1
    down = buffer[at] == 45
    at += int(down or buffer[at] == 43)
    if at == stop:
        return NONE
    power = 0
    while at < stop:
        letter = int(buffer[at])
        if not 48 <= letter <= 57:
            return NONE
        power = min(power * 10 + letter - 48, _MOST_EXPONENT)
        at += 1
    return -power if down else power


@compiled_leaf
def _scaled(mantissa: int, exponent: int, power: int) -> float:
    """A mantissa times a power of ten; nan where it is beyond doubles, or there is no power."""
    if power == NONE:
        return np.nan
    exponent += power
    if mantissa == 0 or exponent < -_MOST_EXPONENT:
        return 0.0
    value = float(mantissa)
    # In two steps where one power of ten is no double.
    while exponent < -300:
        value /= 1e300
        exponent += 300
    if exponent < 0:
        return float(value / 10.0**-exponent)
    value = value * 10.0**exponent if exponent <= 300 else np.inf
    return np.nan if np.isinf(value) else float(value)


@compiled_leaf
def number_of(buffer: Bytes, start: int, length: int) -> float:
    """The number that a whole text is in decimals, such as ``-12.5`` or ``1e3``; nan: it is none.

    Exact up to 15 significant digits and a power of ten of 22 (Clinger 1990), which is what JSON numbers mostly are.
    """
    stop, at = start + length, start
    negative = at < stop and buffer[at] == 45
    at += int(negative)
    digits, kept, mantissa, exponent, fraction = 0, 0, np.int64(0), 0, False
    while at < stop:
        letter = int(buffer[at])
        if 48 <= letter <= 57:
            digits += 1
            if kept < _MOST_DIGITS:
                mantissa = np.int64(mantissa * 10 + (letter - 48))
                kept += int(mantissa > 0)
                exponent -= int(fraction)
            else:
                exponent += int(not fraction)
        elif letter == 46 and not fraction:
            fraction = True
        else:
            break
        at += 1
    if digits == 0:
        return np.nan
    value = _scaled(int(mantissa), exponent, _power(buffer, at, stop))
    return -value if negative and value != 0.0 else value


@compiled_leaf
def _truth_of(buffer: Bytes, start: int, length: int) -> float:
    """1 of true, yes and 1, 0 of false, no and 0, whatever their letters' case; nan of anything else."""
    word = np.int64(0)
    if length > 5:
        return np.nan
    for i in range(start, start + length):
        word = np.int64(word << 8 | np.int64(buffer[i]) | (0x20 if buffer[i] >= 65 else 0))
    if word in (0x74727565, 0x796573, 0x31):
        return 1.0
    if word in (0x66616C7365, 0x6E6F, 0x30):
        return 0.0
    return np.nan


@compiled_leaf
def trait_value(kind: int, buffer: Bytes, start: int, length: int) -> float:
    """The value of a property of a type out of the text that a touchpoint has; nan: it is none of that type."""
    if kind == IS_NUMBER:
        return number_of(buffer, start, length)
    if kind == IS_BOOLEAN:
        return _truth_of(buffer, start, length)
    return float(np.uint64(xxh64(buffer, start, start + length, np.uint64(0))) >> np.uint64(11))

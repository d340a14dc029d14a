"""Facts as messages, straight from their arrays: what has to be in its topic within milliseconds. Compiled.

The columns of the reports would do as well, and the encoder of batches after them; but the two take two milliseconds
however few facts there are, and a worker says those of each partition up to forty times a second (measured: half of its
time at a tenth of full load). A test holds every message against that encoder's.

Source: Avro specification 1.12, "Binary Encoding", and Confluent's wire format.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline
from processors.row.layout import NEVER, NONE
from processors.words import Int, copy_bytes, put_word
from schemas.bodies import Bodies, bodies_of
from schemas.registry import Registry
from schemas.varint import write_long
from schemas.wire import HEADER
from streams.engine.naming import Naming
from streams.engine.results import Applied
from streams.outputs.output import Messages

ID_BYTES: Final = 33  # a length, and 32 digits
LONG_BYTES: Final = 10  # at most
_ID_LENGTH: Final = 32
_HASH_LENGTH: Final = 16

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class Policies(NamedTuple):
    """The hashes of the policies by which the facts of a fetch were judged, each as Avro writes a string."""

    since: Numbers  # offsets at which the second and the following came into force
    hashes: Bytes  # one after another …
    ends: Numbers  # … and where each begins, and the last ends
    longest: int


class Words(NamedTuple):
    """Words that stand for codes, each as Avro writes a string."""

    text: Bytes  # one after another …
    starts: Numbers  # … and where each begins, and the last ends
    head: Bytes  # of every message: Confluent's wire format


class Customers(NamedTuple):
    """Those of an array of facts: ``ids`` has all ids, and each of theirs begins at one of ``starts``."""

    ids: Bytes
    starts: Numbers
    lengths: Numbers
    namespaces: Numbers


class Room(NamedTuple):
    """Where messages and their keys are written."""

    keys: Bytes
    key_ends: Numbers
    bodies: Bytes
    ends: Numbers


@compiled_inline
def put_text(out: Bytes, at: Int, source: Bytes, start: Int, length: Int) -> np.int64:
    """A string: its length, and its bytes."""
    return copy_bytes(source, start, length, out, write_long(out, at, length))


@compiled_inline
def put_word_of(out: Bytes, at: Int, which: Int, words: Words) -> np.int64:
    """The word of a code."""
    return copy_bytes(words.text, words.starts[which], words.starts[which + 1] - words.starts[which], out, at)


@compiled_inline
def _eight_digits(value: np.uint64) -> np.int64:
    """32 bits as 8 hexadecimal digits in ASCII, the highest in the lowest byte; all at once, without a table."""
    x = (value >> np.uint64(16)) | ((value & np.uint64(0xFFFF)) << np.uint64(32))
    x = ((x >> np.uint64(8)) & np.uint64(0x000000FF000000FF)) | ((x & np.uint64(0x000000FF000000FF)) << np.uint64(16))
    x = ((x >> np.uint64(4)) & np.uint64(0x000F000F000F000F)) | ((x & np.uint64(0x000F000F000F000F)) << np.uint64(8))
    letters = ((x + np.uint64(0x0606060606060606)) >> np.uint64(4)) & np.uint64(0x0101010101010101)
    return np.int64(x + np.uint64(0x3030303030303030) + letters * np.uint64(39))


@compiled_inline
def _put_digits(out: Bytes, at: Int, value: np.uint64) -> np.int64:
    put_word(out, at, _eight_digits(value >> np.uint64(32)), 8)
    put_word(out, at + 8, _eight_digits(value & np.uint64(0xFFFFFFFF)), 8)
    return np.int64(at + 16)


@compiled_inline
def put_id(out: Bytes, at: Int, customer: np.uint64, fact: np.uint64) -> np.int64:
    """The id of a fact, 32 hexadecimal digits: the hash of the customer's id, then that of the fact."""
    at = write_long(out, at, _ID_LENGTH)
    return _put_digits(out, _put_digits(out, at, customer), fact)


@compiled_inline
def put_hash(out: Bytes, at: Int, value: np.uint64) -> np.int64:
    """A hash of 16 hexadecimal digits; empty for 0, which stands for none."""
    if value == np.uint64(0):
        return write_long(out, at, 0)
    return _put_digits(out, write_long(out, at, _HASH_LENGTH), value)


@compiled_inline
def put_instant(out: Bytes, at: Int, value: Int) -> np.int64:
    """A nullable one: the branch of the union, then the value if there is one."""
    if value in (NONE, NEVER):
        return write_long(out, at, 0)
    return write_long(out, write_long(out, at, 1), value)


@compiled_inline
def put_policy(out: Bytes, at: Int, offset: Int, policies: Policies) -> np.int64:
    """The hash of the policy that was in force at a log offset."""
    policy = 0
    while policy < len(policies.since) and policies.since[policy] <= offset:
        policy += 1
    return copy_bytes(
        policies.hashes, policies.ends[policy], policies.ends[policy + 1] - policies.ends[policy], out, at
    )


@compiled_inline
def put_head(out: Bytes, at: Int, words: Words) -> np.int64:
    """The five bytes before the body."""
    for k in range(len(words.head)):
        out[at + k] = words.head[k]
    return np.int64(at + len(words.head))


def _string(text: str) -> bytes:
    """As Avro writes it: its length as a zig-zag varint, and its bytes."""
    body = text.encode()
    left, length = 2 * len(body), bytearray()
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    return bytes([*length, left]) + body


def strings_of(words: Sequence[str]) -> Bodies:
    """Words as Avro writes strings."""
    return bodies_of([_string(word) for word in words])


def words_of(strings: Bodies, registry: Registry, record: str) -> Words:
    """What is the same in all messages of a record."""
    return Words(strings.buffer, strings.offsets, np.frombuffer(HEADER.pack(0, registry.id_of(record)), np.uint8))


@lru_cache(maxsize=16)
def _one_policy(hash_of_policy: str) -> Policies:
    return _policies((hash_of_policy,), np.zeros(0, np.int64))


def _policies(hashes: Sequence[str], since: Numbers) -> Policies:
    strings = strings_of(hashes)
    return Policies(since, strings.buffer, strings.offsets, int(np.diff(strings.offsets).max()))


def policies_of(applied: Applied) -> Policies:
    """Those by which the facts of a fetch were judged."""
    if not applied.policies:
        return _one_policy(applied.policy.hash)
    hashes = [applied.policy.hash, *(change.policy.hash for change in applied.policies)]
    return _policies(hashes, np.array([change.offset for change in applied.policies], np.int64))


def customers_of(facts: Any, partition: Naming) -> Customers:
    """Whose facts these are, by the ``row`` of each."""
    return Customers(partition.table.ids, *partition.ids(facts["row"]), partition.namespaces(facts["row"]))


def new_room(facts: Sequence[Any], partition: Naming, longest: int, extra: int = 0) -> Room:
    """Room for arrays of facts with a ``row`` each.

    ``longest``: bytes of a message at most, its customer's id aside; ``extra``: what all of them may have besides.
    """
    key_bytes = sum(int(partition.ids(some["row"])[1].sum()) for some in facts)
    count = sum(map(len, facts))
    ends, key_ends = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    bodies = np.empty(count * longest + extra + key_bytes, np.uint8)
    return Room(np.empty(key_bytes, np.uint8), key_ends, bodies, ends)


def messages_in(room: Room) -> Messages:
    """What was written."""
    return Messages(Bodies(room.keys, room.key_ends), Bodies(room.bodies[: room.ends[-1]], room.ends))

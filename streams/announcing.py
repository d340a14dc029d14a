"""Transitions as messages, straight from the facts: what has to be in its topic within milliseconds. Compiled.

The columns of the reports would do as well, and the encoder of batches after them; but the two take two milliseconds
however few transitions there are, and a worker announces those of each partition up to forty times a second (measured:
half of its time at a tenth of full load). A test holds every message against that encoder's.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled, compiled_inline
from processors.lifecycle.facts import CAUSES, FACT
from processors.lifecycle.stages import DISSOLUTION, STAGES
from processors.row.layout import NEVER, NONE
from processors.words import Int, copy_bytes
from schemas.bodies import Bodies
from schemas.registry import Registry
from schemas.varint import write_long
from schemas.wire import HEADER
from streams.engine.partition import Partition
from streams.engine.results import Applied

_WORDS: Final = tuple(word.encode() for word in (*STAGES, *CAUSES))
_TEXT: Final = np.frombuffer(b"".join(_WORDS), np.uint8)
_STARTS: Final = np.cumsum([0, *(len(word) for word in _WORDS)])
_FIRST_CAUSE: Final = len(STAGES)
_DIGITS: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_ID_BYTES: Final = 33  # a length, and 32 digits
_MOST: Final = 192  # bytes of a message, but for ids of customer, event, policy and superseded transitions

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class _Words(NamedTuple):
    text: Bytes  # the names of stages and causes, one after another …
    starts: Numbers  # … and where each begins
    digits: Bytes
    head: Bytes  # of every message: Confluent's wire format


class _Policies(NamedTuple):
    since: Numbers  # offsets at which the second and the following came into force
    hashes: Bytes  # shape (policies, length)


class Slices(NamedTuple):
    """Where the ids of the facts' customers begin, and their lengths."""

    starts: Numbers
    lengths: Numbers


class _Room(NamedTuple):
    keys: Bytes
    key_ends: Numbers
    bodies: Bytes
    ends: Numbers


@compiled_inline
def _put_text(out: Bytes, at: Int, source: Bytes, start: Int, length: Int) -> np.int64:
    return copy_bytes(source, start, length, out, write_long(out, at, length))


@compiled_inline
def _put_digits(out: Bytes, at: Int, value: np.uint64, digits: Bytes) -> np.int64:
    for i in range(16):
        out[at + i] = digits[(value >> np.uint64(60 - 4 * i)) & np.uint64(15)]
    return np.int64(at + 16)


@compiled_inline
def _put_id(out: Bytes, at: Int, customer: np.uint64, fact: np.uint64, digits: Bytes) -> np.int64:
    at = write_long(out, at, 32)
    return _put_digits(out, _put_digits(out, at, customer, digits), fact, digits)


@compiled_inline
def _put_word(out: Bytes, at: Int, which: Int, words: _Words) -> np.int64:
    return _put_text(out, at, words.text, words.starts[which], words.starts[which + 1] - words.starts[which])


@compiled_inline
def _put_instant(out: Bytes, at: Int, value: Int) -> np.int64:
    """A nullable one: the branch of the union, then the value if there is one."""
    if value in (NONE, NEVER):
        return write_long(out, at, 0)
    return write_long(out, write_long(out, at, 1), value)


@compiled_inline
def _put_evidence(out: Bytes, at: Int, fact: Any, buffer: Bytes) -> np.int64:
    at = _put_text(out, at, buffer, fact.event_start, max(fact.event_length, 0))
    at = write_long(out, write_long(out, at, fact.purchases), fact.weeks)
    at = _put_instant(out, at, fact.first_purchase_at)
    at = _put_instant(out, at, fact.last_purchase_at)
    return _put_instant(out, at, fact.last_sign_at)


@compiled_inline
def _put_change(out: Bytes, at: Int, fact: Any, words: _Words) -> np.int64:
    at = write_long(out, write_long(out, at, fact.at), fact.known_at)
    at = _put_word(out, _put_word(out, at, fact.from_stage, words), fact.to_stage, words)
    at = write_long(out, _put_word(out, at, fact.cause + _FIRST_CAUSE, words), fact.episode)
    out[at] = np.uint8(fact.from_stage == DISSOLUTION and fact.episode > 1)
    at += 1
    # An array: the number of its items, the items, and zero for its end; empty, it is its end.
    if fact.superseded > 0:
        at = write_long(out, at, fact.superseded)
        for i in range(fact.superseded):
            at = _put_id(out, at, fact.customer, fact.supersedes[i], words.digits)
    return write_long(out, at, 0)


@compiled
def _write(
    facts: Any,
    ids: Bytes,
    slices: Slices,
    buffer: Bytes,
    policies: _Policies,
    words: _Words,
    room: _Room,
    first: int,
) -> None:
    """The facts of a fetch as the messages number ``first`` and following, and their keys."""
    at, key_at = room.ends[first], room.key_ends[first]
    out = room.bodies
    for i in range(len(facts)):
        fact = facts[i]
        start, length = slices.starts[i], slices.lengths[i]
        for k in range(len(words.head)):
            out[at + k] = words.head[k]
        at = _put_id(out, at + len(words.head), fact.customer, fact.id, words.digits)
        at = _put_text(out, at, ids, start, length)
        at = _put_evidence(out, _put_change(out, at, fact, words), fact, buffer)
        policy = 0
        while policy < len(policies.since) and policies.since[policy] <= fact.offset:
            policy += 1
        at = _put_text(out, at, policies.hashes[policy], 0, policies.hashes.shape[1])
        key_at = copy_bytes(ids, start, length, room.keys, key_at)
        room.ends[first + i + 1], room.key_ends[first + i + 1] = at, key_at


def _policies(applied: Applied) -> _Policies:
    hashes = [applied.policy.hash, *(change.policy.hash for change in applied.policies)]
    return _Policies(
        np.array([change.offset for change in applied.policies], np.int64),
        np.frombuffer("".join(hashes).encode(), np.uint8).reshape(len(hashes), -1),
    )


def _room(applied: Sequence[Applied], partition: Partition) -> _Room:
    count = key_bytes = most = 0
    for each in applied:
        facts = each.facts
        key_bytes += int(partition.ids(facts["row"])[1].sum())
        most += int(np.maximum(facts["event_length"], 0).sum()) + _ID_BYTES * int(facts["superseded"].sum())
        most += len(facts) * (_MOST + len(each.policy.hash))
        count += len(facts)
    ends, key_ends = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    return _Room(np.empty(key_bytes, np.uint8), key_ends, np.empty(most + key_bytes, np.uint8), ends)


def transition_messages(
    applied: Sequence[Applied], partition: Partition, registry: Registry
) -> tuple[Bodies, Bodies] | None:
    """(keys, messages) of the transitions of fetches of a partition, in the order of publication; None: there are none.

    Source: ``schemas/records/transition.1.avsc``, Avro specification 1.12, and Confluent's wire format.
    """
    moved = [each for each in applied if len(each.facts)]
    if not moved:
        return None
    table = partition.table
    head = np.frombuffer(HEADER.pack(0, registry.id_of("Transition")), np.uint8)
    words, room = _Words(_TEXT, _STARTS, _DIGITS, head), _room(moved, partition)
    first = 0
    for each in moved:
        facts = np.asarray(each.facts, FACT).view(np.recarray)
        slices = Slices(*partition.ids(facts["row"]))
        _write(facts, table.ids, slices, each.buffer, _policies(each), words, room, first)
        first += len(facts)
    return Bodies(room.keys, room.key_ends), Bodies(room.bodies[: room.ends[-1]], room.ends)

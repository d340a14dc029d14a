"""Transitions: every change of stage, as rows and as messages."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from processors.compiled import compiled, compiled_inline
from processors.lifecycle.facts import CAUSES, FACT, SUPERSEDED
from processors.lifecycle.stages import DISSOLUTION, STAGES
from processors.row.namespaces import NAMESPACES
from processors.words import Int, copy_bytes
from schemas.registry import Registry
from schemas.varint import write_long
from streams.engine.naming import Naming
from streams.engine.results import Applied
from streams.outputs.columns import fact_ids, instants, names, one_column, policy_hashes, slices
from streams.outputs.output import Messages, Output, Results, Rows, Topic
from streams.outputs.writing import (
    ID_BYTES,
    LONG_BYTES,
    Bytes,
    Customers,
    Policies,
    Room,
    Words,
    customers_of,
    messages_in,
    new_room,
    policies_of,
    put_head,
    put_id,
    put_instant,
    put_policy,
    put_text,
    put_word_of,
    strings_of,
    words_of,
)
from streams.reports.tables import TRANSITIONS as COLUMNS

TOPIC: Final = Topic("transitions.v1", "Transition")
_STRINGS: Final = strings_of([*STAGES, *CAUSES, *NAMESPACES])
_FIRST_CAUSE: Final = len(STAGES)
_FIRST_NAMESPACE: Final = len(STAGES) + len(CAUSES)
# Of a message at most, but for ids of customer, event and superseded transitions, and the hash of the policy.
_LONGEST: Final = 5 + ID_BYTES + 4 * int(np.diff(_STRINGS.offsets).max()) + 14 * LONG_BYTES


def transitions_table(applied: Sequence[Applied], partition: Naming) -> pa.Table:
    """The transitions of fetches of a partition, in the order of publication; columns ``reports.tables.TRANSITIONS``.

    Of several at once: a table costs a millisecond however few rows it has (measured).
    """
    facts = np.concatenate([each.facts for each in applied])
    return pa.table(
        {
            "id": fact_ids(facts["customer"], facts["id"]),
            "namespace": names(partition.namespaces(facts["row"]), NAMESPACES),
            "customer_id": slices(partition.table.ids, *partition.ids(facts["row"])),
            "at": instants(facts["at"]),
            "known_at": instants(facts["known_at"]),
            "from_stage": names(facts["from_stage"], STAGES),
            "to_stage": names(facts["to_stage"], STAGES),
            "cause": names(facts["cause"], CAUSES),
            "episode": facts["episode"],
            "win_back": (facts["from_stage"] == DISSOLUTION) & (facts["episode"] > 1),
            "supersedes": _superseded(facts),
            "evidence_event_id": one_column(
                [slices(each.buffer, each.facts["event_start"], each.facts["event_length"]) for each in applied]
            ),
            "evidence_purchases": facts["purchases"],
            "evidence_weeks": facts["weeks"],
            "evidence_first_purchase_at": instants(facts["first_purchase_at"]),
            "evidence_last_purchase_at": instants(facts["last_purchase_at"]),
            "evidence_last_sign_at": instants(facts["last_sign_at"]),
            "policy_hash": one_column([policy_hashes(each, each.facts["offset"]) for each in applied]),
            "epoch": np.full(len(facts), partition.epoch, np.int64),
            "partition": np.full(len(facts), partition.number, np.int32),
            "offset": facts["offset"],
        },
        schema=COLUMNS,
    )


def _superseded(facts: Any) -> pa.Array:
    filled = np.arange(SUPERSEDED) < facts["superseded"][:, None]
    customers = np.broadcast_to(facts["customer"][:, None], filled.shape)[filled]
    offsets = np.zeros(len(facts) + 1, np.int32)
    np.cumsum(facts["superseded"], out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), fact_ids(customers, facts["supersedes"][filled]))


@compiled_inline
def _put_evidence(out: Bytes, at: Int, fact: Any, buffer: Bytes) -> np.int64:
    at = put_text(out, at, buffer, fact.event_start, max(fact.event_length, 0))
    at = write_long(out, write_long(out, at, fact.purchases), fact.weeks)
    at = put_instant(out, at, fact.first_purchase_at)
    at = put_instant(out, at, fact.last_purchase_at)
    return put_instant(out, at, fact.last_sign_at)


@compiled_inline
def _put_change(out: Bytes, at: Int, fact: Any, words: Words) -> np.int64:
    at = write_long(out, write_long(out, at, fact.at), fact.known_at)
    at = put_word_of(out, put_word_of(out, at, fact.from_stage, words), fact.to_stage, words)
    at = write_long(out, put_word_of(out, at, fact.cause + _FIRST_CAUSE, words), fact.episode)
    out[at] = np.uint8(fact.from_stage == DISSOLUTION and fact.episode > 1)
    at += 1
    # An array: the number of its items, the items, and zero for its end; empty, it is its end.
    if fact.superseded > 0:
        at = write_long(out, at, fact.superseded)
        for i in range(fact.superseded):
            at = put_id(out, at, fact.customer, fact.supersedes[i])
    return write_long(out, at, 0)


@compiled
def _write(
    facts: Any, whose: Customers, buffer: Bytes, policies: Policies, words: Words, room: Room, first: int
) -> None:
    """The facts of a fetch as the messages number ``first`` and following, and their keys."""
    at, key_at = room.ends[first], room.key_ends[first]
    out = room.bodies
    for i in range(len(facts)):
        fact = facts[i]
        start, length = whose.starts[i], whose.lengths[i]
        at = put_id(out, put_head(out, at, words), fact.customer, fact.id)
        at = put_text(out, at, whose.ids, start, length)
        at = _put_evidence(out, _put_change(out, at, fact, words), fact, buffer)
        at = put_policy(out, at, fact.offset, policies)
        at = put_word_of(out, at, _FIRST_NAMESPACE + np.int64(whose.namespaces[i]), words)
        key_at = copy_bytes(whose.ids, start, length, room.keys, key_at)
        room.ends[first + i + 1], room.key_ends[first + i + 1] = at, key_at


def transition_messages(applied: Sequence[Applied], partition: Naming, registry: Registry) -> Messages | None:
    """The transitions of fetches of a partition, in the order of publication, keyed by customer; None: there are none.

    Source: ``schemas/records/transition.2.avsc``.
    """
    moved = [each for each in applied if len(each.facts)]
    if not moved:
        return None
    words = words_of(_STRINGS, registry, TOPIC.record)
    told = [(np.asarray(each.facts, FACT), each.buffer, policies_of(each)) for each in moved]
    extra = sum(
        int(np.maximum(facts["event_length"], 0).sum()) + ID_BYTES * int(facts["superseded"].sum())
        for facts, _, _ in told
    )
    longest = _LONGEST + max(policies.longest for _, _, policies in told)
    room = new_room([facts for facts, _, _ in told], partition, longest, extra)
    first = 0
    for facts, buffer, policies in told:
        whose = customers_of(facts, partition)
        _write(facts.view(np.recarray), whose, buffer, policies, words, room, first)
        first += len(facts)
    return messages_in(room)


def _rows(results: Results) -> Iterable[Rows]:
    moved = [each for each in results.applied if len(each.facts)]
    return [Rows("transitions_raw", transitions_table(moved, results.partition))] if moved else []


def _messages(results: Results) -> Messages | None:
    return transition_messages(results.applied, results.partition, results.registry)


TRANSITIONS: Final = Output("transitions", TOPIC, rows=_rows, messages=_messages)

"""Judgements beside the stage: every change of one, as rows and as messages."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from processors.compiled import compiled
from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS
from processors.lifecycle.facts import JUDGED
from processors.row.namespaces import NAMESPACES
from processors.words import copy_bytes, put_word
from schemas.registry import Registry
from schemas.varint import write_long
from streams.engine.naming import Naming
from streams.engine.results import Applied
from streams.outputs.columns import fact_ids, hashes, instants, names, one_column, policy_hashes, slices
from streams.outputs.output import Messages, Output, Results, Rows, Topic
from streams.outputs.writing import (
    ID_BYTES,
    LONG_BYTES,
    Customers,
    Numbers,
    Policies,
    Room,
    Words,
    customers_of,
    messages_in,
    new_room,
    policies_of,
    put_hash,
    put_head,
    put_id,
    put_instant,
    put_policy,
    put_text,
    put_word_of,
    strings_of,
    words_of,
)
from streams.reports.tables import JUDGEMENTS as COLUMNS

TOPIC: Final = Topic("judgements.v1", "Judgement")
_ALL_WORDS: Final = tuple(word for words in JUDGEMENT_WORDS for word in words)
_FIRST_WORD: Final = np.cumsum([0, *(len(words) for words in JUDGEMENT_WORDS[:-1])]).astype(np.int64)
_STRINGS: Final = strings_of([*JUDGEMENT_NAMES, *_ALL_WORDS, *NAMESPACES])
_FIRST_NAMESPACE: Final = len(JUDGEMENT_NAMES) + len(_ALL_WORDS)
# Of each judgement: where the words of its values begin among the strings, behind the names.
_PLACES: Final = _FIRST_WORD + len(JUDGEMENT_NAMES)
_NUMBER_BYTES: Final = 8
# Of a message at most, but for the customer's id and the hash of the policy.
_LONGEST: Final = 5 + 2 * ID_BYTES + 4 * int(np.diff(_STRINGS.offsets).max()) + 6 * LONG_BYTES + _NUMBER_BYTES


def judgements_table(applied: Sequence[Applied], partition: Naming) -> pa.Table:
    """The judgements that changed in fetches of a partition, in the order of publication; columns ``JUDGEMENTS``."""
    judged = np.concatenate([each.judged for each in applied])
    which = judged["judgement"].astype(np.int64)
    return pa.table(
        {
            "id": fact_ids(judged["customer"], judged["id"]),
            "namespace": names(partition.namespaces(judged["row"]), NAMESPACES),
            "customer_id": slices(partition.table.ids, *partition.ids(judged["row"])),
            "judgement": names(judged["judgement"], JUDGEMENT_NAMES),
            "before": names(_FIRST_WORD[which] + judged["before"], _ALL_WORDS, np.int16),
            "after": names(_FIRST_WORD[which] + judged["after"], _ALL_WORDS, np.int16),
            "at": instants(judged["at"]),
            "known_at": instants(judged["known_at"]),
            "evidence_event": hashes(judged["evidence_event"]),
            "evidence_at": instants(judged["evidence_at"]),
            "evidence_count": judged["evidence_count"],
            "evidence_value": judged["evidence_value"],
            "policy_hash": one_column([policy_hashes(each, each.judged["offset"]) for each in applied]),
            "epoch": np.full(len(judged), partition.epoch, np.int64),
            "partition": np.full(len(judged), partition.number, np.int32),
            "offset": judged["offset"],
        },
        schema=COLUMNS,
    )


@compiled
def _write(
    judged: Any,
    values: Numbers,
    whose: Customers,
    policies: Policies,
    words: Words,
    places: Numbers,
    room: Room,
    first: int,
) -> None:
    """The judgements of a fetch as the messages number ``first`` and following, and their keys.

    ``values``: the bits of each ``evidence_value``.
    """
    at, key_at = room.ends[first], room.key_ends[first]
    out = room.bodies
    for i in range(len(judged)):
        fact = judged[i]
        start, length = whose.starts[i], whose.lengths[i]
        at = put_id(out, put_head(out, at, words), fact.customer, fact.id)
        at = put_text(out, at, whose.ids, start, length)
        at = put_word_of(out, at, fact.judgement, words)
        place = places[fact.judgement]
        # One byte each: outside compiled code they would overflow before they are widened.
        at = put_word_of(out, at, place + np.int64(fact.before), words)
        at = put_word_of(out, at, place + np.int64(fact.after), words)
        at = write_long(out, write_long(out, at, fact.at), fact.known_at)
        at = put_instant(out, put_hash(out, at, fact.evidence_event), fact.evidence_at)
        at = write_long(out, at, fact.evidence_count)
        put_word(out, at, values[i], _NUMBER_BYTES)
        at = put_policy(out, at + _NUMBER_BYTES, fact.offset, policies)
        at = put_word_of(out, at, _FIRST_NAMESPACE + np.int64(whose.namespaces[i]), words)
        key_at = copy_bytes(whose.ids, start, length, room.keys, key_at)
        room.ends[first + i + 1], room.key_ends[first + i + 1] = at, key_at


def judgement_messages(applied: Sequence[Applied], partition: Naming, registry: Registry) -> Messages | None:
    """The judgements that changed in fetches of a partition, in the order of publication, keyed by customer.

    None: there are none. Source: ``schemas/records/judgement.2.avsc``.
    """
    some = [each for each in applied if len(each.judged)]
    if not some:
        return None
    words = words_of(_STRINGS, registry, TOPIC.record)
    told = [(np.asarray(each.judged, JUDGED), policies_of(each)) for each in some]
    longest = _LONGEST + max(policies.longest for _, policies in told)
    room = new_room([judged for judged, _ in told], partition, longest)
    first = 0
    for judged, policies in told:
        values = np.ascontiguousarray(judged["evidence_value"]).view(np.int64)
        whose = customers_of(judged, partition)
        _write(judged.view(np.recarray), values, whose, policies, words, _PLACES, room, first)
        first += len(judged)
    return messages_in(room)


def _rows(results: Results) -> Iterable[Rows]:
    some = [each for each in results.applied if len(each.judged)]
    return [Rows("judgements_raw", judgements_table(some, results.partition))] if some else []


def _messages(results: Results) -> Messages | None:
    return judgement_messages(results.applied, results.partition, results.registry)


JUDGEMENTS: Final = Output("judgements", TOPIC, rows=_rows, messages=_messages)

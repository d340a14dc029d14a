"""Facts as tables: what came of a fetch, in the columns of the reports."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS
from processors.lifecycle.facts import CAUSES, SUPERSEDED
from processors.lifecycle.stages import DISSOLUTION, STAGES
from processors.policy.meanings import complete, minor
from processors.policy.policy import Policy, exponent
from streams.columns import hashes, identities, instants, names, slices
from streams.engine.outcomes import REJECT_DETAILS, REJECT_NAMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PolicyChange
from streams.reports.tables import JUDGEMENTS, MEANINGS, POLICIES, REJECTS, TRANSITIONS

_ALL_WORDS = tuple(word for words in JUDGEMENT_WORDS for word in words)
_FIRST_WORD = np.cumsum([0, *(len(words) for words in JUDGEMENT_WORDS[:-1])]).astype(np.int16)
# By code; there is none for some numbers.
_REASONS, _DETAILS = (
    tuple(words.get(code, "") for code in range(max(words) + 1)) for words in (REJECT_NAMES, REJECT_DETAILS)
)


def transitions_table(applied: Sequence[Applied], partition: Partition) -> pa.Table:
    """The transitions of fetches of a partition, in the order of publication; columns ``reports.tables.TRANSITIONS``.

    Of several at once: a table costs a millisecond however few rows it has (measured).
    """
    facts, table = _all([each.facts for each in applied]), partition.table
    return pa.table(
        {
            "id": identities(facts["customer"], facts["id"]),
            "customer_id": slices(table.ids, *partition.ids(facts["row"])),
            "at": instants(facts["at"]),
            "known_at": instants(facts["known_at"]),
            "from_stage": names(facts["from_stage"], STAGES),
            "to_stage": names(facts["to_stage"], STAGES),
            "cause": names(facts["cause"], CAUSES),
            "episode": facts["episode"],
            "win_back": (facts["from_stage"] == DISSOLUTION) & (facts["episode"] > 1),
            "supersedes": _superseded(facts),
            "evidence_event_id": _all_of(
                [slices(each.buffer, each.facts["event_start"], each.facts["event_length"]) for each in applied]
            ),
            "evidence_purchases": facts["purchases"],
            "evidence_weeks": facts["weeks"],
            "evidence_first_purchase_at": instants(facts["first_purchase_at"]),
            "evidence_last_purchase_at": instants(facts["last_purchase_at"]),
            "evidence_last_sign_at": instants(facts["last_sign_at"]),
            "policy_hash": _all_of([_policies(each, each.facts["offset"]) for each in applied]),
            "partition": np.full(len(facts), partition.number, np.int32),
            "offset": facts["offset"],
        },
        schema=TRANSITIONS,
    )


def _all(facts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return facts[0] if len(facts) == 1 else np.concatenate(facts)


def _all_of(columns: Sequence[pa.Array]) -> pa.Array:
    return columns[0] if len(columns) == 1 else pa.concat_arrays(columns)


def _superseded(facts: Any) -> pa.Array:
    filled = np.arange(SUPERSEDED) < facts["superseded"][:, None]
    customers = np.broadcast_to(facts["customer"][:, None], filled.shape)[filled]
    offsets = np.zeros(len(facts) + 1, np.int32)
    np.cumsum(facts["superseded"], out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), identities(customers, facts["supersedes"][filled]))


def _policies(applied: Applied, offsets: npt.NDArray[np.int64]) -> pa.Array:
    if not applied.policies:
        return pa.repeat(applied.policy.hash, len(offsets))
    hashes = [applied.policy.hash, *(change.policy.hash for change in applied.policies)]
    since = np.array([change.offset for change in applied.policies], np.int64)
    codes = pa.array(np.searchsorted(since, offsets, "right").astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(hashes)).cast(pa.string())


def rejects_table(applied: Applied, source: str) -> pa.Table:
    """The rejects of a fetch; ``source`` names the topic. Columns ``reports.tables.REJECTS``."""
    rejects = applied.rejects
    return pa.table(
        {
            "reason": names(rejects["reason"], _REASONS),
            "detail": names(rejects["reason"], _DETAILS),
            "source": pa.repeat(source, len(rejects)),
            "position": rejects["offset"],
            "partition": np.full(len(rejects), applied.partition, np.int32),
            "at": instants(np.maximum(rejects["time"], 0)),
            "payload": slices(applied.buffer, rejects["start"], rejects["length"], pa.binary()),
        },
        schema=REJECTS,
    )


def policies_table(changes: list[PolicyChange]) -> pa.Table:
    """Policies as they came into force; columns ``reports.tables.POLICIES``."""
    policies: list[Policy] = [change.policy for change in changes]
    return pa.table(
        {
            "hash": [policy.hash for policy in policies],
            "text": [policy.text for policy in policies],
            "model": [policy.model for policy in policies],
            **{name: [getattr(policy.rules, name) for policy in policies] for name in ("r", "alpha", "a", "b")},
            "unit_ms": [policy.rules.unit_ms for policy in policies],
            "threshold": [policy.rules.threshold for policy in policies],
            "horizon_ms": [policy.rules.horizon_ms for policy in policies],
            "currency": [policy.currency for policy in policies],
            "minimum_minor": [policy.rules.minimum_minor for policy in policies],
            "rate_currencies": [_codes(policy.vocabulary.currency_codes) for policy in policies],
            "rates": [policy.vocabulary.currency_rates.tolist() for policy in policies],
            "known_at": instants(np.maximum([change.known_at for change in changes], 0)),
            "offset": [change.offset for change in changes],
        },
        schema=POLICIES,
    )


def _codes(codes: npt.NDArray[np.int64]) -> list[str]:
    """ISO 4217 codes out of the integers that compiled code compares."""
    return [int(code).to_bytes(3, "big").decode("ascii") for code in codes]


def judgements_table(applied: Sequence[Applied], partition: Partition) -> pa.Table:
    """The judgements that changed in fetches of a partition, in the order of publication; columns ``JUDGEMENTS``."""
    judged, table = _all([each.judged for each in applied]), partition.table
    which = judged["judgement"].astype(np.int64)
    return pa.table(
        {
            "id": identities(judged["customer"], judged["id"]),
            "customer_id": slices(table.ids, *partition.ids(judged["row"])),
            "judgement": names(judged["judgement"], JUDGEMENT_NAMES),
            "before": names(_FIRST_WORD[which] + judged["before"], _ALL_WORDS, np.int16),
            "after": names(_FIRST_WORD[which] + judged["after"], _ALL_WORDS, np.int16),
            "at": instants(judged["at"]),
            "known_at": instants(judged["known_at"]),
            "evidence_event": hashes(judged["evidence_event"]),
            "evidence_at": instants(judged["evidence_at"]),
            "evidence_count": judged["evidence_count"],
            "evidence_value": judged["evidence_value"],
            "policy_hash": _all_of([_policies(each, each.judged["offset"]) for each in applied]),
            "partition": np.full(len(judged), partition.number, np.int32),
            "offset": judged["offset"],
        },
        schema=JUDGEMENTS,
    )


def meanings_table(changes: list[PolicyChange]) -> pa.Table:
    """What the kinds of policies mean, as they came into force; columns ``reports.tables.MEANINGS``."""
    rows = [
        _meaning_row(change.policy, kind, complete(meaning))
        for change in changes
        for kind, meaning in change.policy.kinds.items()
    ]
    return pa.Table.from_pylist(rows, schema=MEANINGS)


def _meaning_row(policy: Policy, kind: str, meaning: dict[str, Any]) -> dict[str, Any]:
    told = {name: "" if meaning[name] is None else meaning[name] for name in MEANINGS.names if name in meaning}
    cost = minor(meaning["cost"], exponent(policy.currency))
    return {**told, "policy_hash": policy.hash, "kind": kind, "cost_minor": cost}

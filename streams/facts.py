"""Facts as tables: what came of a fetch, and profiles, in the columns of the reports."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.facts import CAUSES, SUPERSEDED
from processors.policy import Policy
from processors.stages import DISSOLUTION, STAGES
from processors.standing import standings
from streams.columns import identities, instants, names, slices
from streams.engine.outcomes import DETAILS, NAMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PolicyChange
from streams.reports.tables import PROFILES, REJECTS, TRANSITIONS


def transitions_table(applied: Applied, partition: Partition) -> pa.Table:
    """The transitions of a fetch, in the order of publication; columns ``reports.tables.TRANSITIONS``."""
    facts, table = applied.facts, partition.table
    return pa.table(
        {
            "id": identities(facts["customer"], facts["id"]),
            "customer_id": slices(
                table.ids, table.rows["id_start"][facts["row"]], table.rows["id_length"][facts["row"]]
            ),
            "at": instants(facts["at"]),
            "known_at": instants(facts["known_at"]),
            "from_stage": names(facts["from_stage"], STAGES),
            "to_stage": names(facts["to_stage"], STAGES),
            "cause": names(facts["cause"], CAUSES),
            "episode": facts["episode"],
            "win_back": (facts["from_stage"] == DISSOLUTION) & (facts["episode"] > 1),
            "supersedes": _superseded(facts),
            "evidence_event_id": slices(applied.buffer, facts["event_start"], facts["event_length"]),
            "evidence_purchases": facts["purchases"],
            "evidence_weeks": facts["weeks"],
            "evidence_first_purchase_at": instants(facts["first_purchase_at"]),
            "evidence_last_purchase_at": instants(facts["last_purchase_at"]),
            "evidence_last_sign_at": instants(facts["last_sign_at"]),
            "policy_hash": _policies(applied, facts["offset"]),
            "partition": np.full(len(facts), applied.partition, np.int32),
            "offset": facts["offset"],
        },
        schema=TRANSITIONS,
    )


def _superseded(facts: Any) -> pa.Array:
    filled = np.arange(SUPERSEDED) < facts["superseded"][:, None]
    customers = np.broadcast_to(facts["customer"][:, None], filled.shape)[filled]
    offsets = np.zeros(len(facts) + 1, np.int32)
    np.cumsum(facts["superseded"], out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), identities(customers, facts["supersedes"][filled]))


def _policies(applied: Applied, offsets: npt.NDArray[np.int64]) -> pa.Array:
    hashes = [applied.policy.hash, *(change.policy.hash for change in applied.policies)]
    since = np.array([change.offset for change in applied.policies], np.int64)
    codes = pa.array(np.searchsorted(since, offsets, "right").astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(hashes)).cast(pa.string())


def rejects_table(applied: Applied, source: str) -> pa.Table:
    """The rejects of a fetch; ``source`` names the topic. Columns ``reports.tables.REJECTS``."""
    rejects = applied.rejects
    reasons = rejects["reason"].tolist()
    return pa.table(
        {
            "reason": [NAMES[reason] for reason in reasons],
            "detail": [DETAILS[reason] for reason in reasons],
            "source": [source] * len(reasons),
            "position": rejects["offset"],
            "partition": np.full(len(reasons), applied.partition, np.int32),
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
            "known_at": instants(np.maximum([change.known_at for change in changes], 0)),
            "offset": [change.offset for change in changes],
        }
    )


def profiles_table(partition: Partition, numbers: npt.NDArray[np.int64]) -> pa.Table:
    """Profiles of the rows with these numbers, as of the instant of each one's last record; columns ``PROFILES``."""
    rows = partition.table.rows[numbers]
    rules = partition.policy.rules
    as_of = np.maximum(rows.last_at, rows.judged_at)
    figures, days = np.empty((len(rows), 3)), np.empty(len(rows), np.int32)
    standings(rows, rules, as_of, figures, days)
    stage = rows.stage.astype(np.int64)
    since = rows.entered_at[np.arange(len(rows)), np.maximum(stage - 1, 0)]
    alive, risk, value = (pa.array(figures[:, i], from_pandas=True) for i in range(3))
    return pa.table(
        {
            "customer_id": slices(partition.table.ids, rows.id_start, rows.id_length),
            "stage": names(rows.stage, STAGES),
            "stage_since": instants(since),
            "episode": rows.episode,
            "win_back": rows.episode > 1,
            "p_alive": alive,
            "churn_risk": risk,
            "expected_value_minor": value,
            "touchpoints": rows.touchpoints.astype(np.int64),
            "purchases": rows.purchases.astype(np.int64),
            "purchase_days": days,
            "spend_minor": rows.spend_minor,
            "currency": pa.repeat(partition.policy.currency, len(rows)),
            "first_at": instants(rows.first_at),
            "last_at": instants(rows.last_at),
            "first_purchase_at": instants(rows.first_purchase_at),
            "last_purchase_at": instants(rows.last_purchase_at),
            "next_due_at": instants(rows.due_at),
            "interaction": rows.interaction,
            "engagement": rows.engagement,
            "as_of": instants(as_of),
            "policy_hash": pa.repeat(partition.policy.hash, len(rows)),
            "partition": np.full(len(rows), partition.number, np.int32),
            "offset": rows.offset,
        },
        schema=PROFILES,
    )

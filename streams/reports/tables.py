"""What is inserted where: the Arrow schema of every raw table, and the columns of a touchpoint."""

from typing import Final

import pyarrow as pa

INSTANT: Final = pa.timestamp("ms", tz="UTC")


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


_POSITION: Final = [_required("partition", pa.int32()), _required("offset", pa.int64())]

TRANSITIONS: Final = pa.schema(
    [
        _required("id", pa.string()),
        _required("customer_id", pa.string()),
        _required("at", INSTANT),
        _required("known_at", INSTANT),
        _required("from_stage", pa.string()),
        _required("to_stage", pa.string()),
        _required("cause", pa.string()),
        _required("episode", pa.int32()),
        _required("win_back", pa.bool_()),
        _required("supersedes", pa.list_(pa.string())),
        _required("evidence_event_id", pa.string()),
        _required("evidence_purchases", pa.int32()),
        _required("evidence_weeks", pa.int32()),
        pa.field("evidence_first_purchase_at", INSTANT),
        pa.field("evidence_last_purchase_at", INSTANT),
        pa.field("evidence_last_sign_at", INSTANT),
        _required("policy_hash", pa.string()),
        *_POSITION,
    ]
)

PROFILES: Final = pa.schema(
    [
        _required("customer_id", pa.string()),
        _required("stage", pa.string()),
        pa.field("stage_since", INSTANT),
        _required("episode", pa.int32()),
        _required("win_back", pa.bool_()),
        pa.field("p_alive", pa.float64()),
        pa.field("churn_risk", pa.float64()),
        pa.field("expected_value_minor", pa.float64()),
        _required("touchpoints", pa.int64()),
        _required("purchases", pa.int64()),
        _required("purchase_days", pa.int32()),
        _required("spend_minor", pa.int64()),
        _required("currency", pa.string()),
        _required("first_at", INSTANT),
        _required("last_at", INSTANT),
        pa.field("first_purchase_at", INSTANT),
        pa.field("last_purchase_at", INSTANT),
        pa.field("next_due_at", INSTANT),
        _required("interaction", pa.float64()),
        _required("engagement", pa.float64()),
        _required("as_of", INSTANT),
        _required("policy_hash", pa.string()),
        *_POSITION,
    ]
)

REJECTS: Final = pa.schema(
    [
        _required("reason", pa.string()),
        _required("detail", pa.string()),
        _required("source", pa.string()),
        _required("position", pa.int64()),
        _required("partition", pa.int32()),
        _required("at", INSTANT),
        _required("payload", pa.binary()),
    ]
)

POLICIES: Final = pa.schema(
    [
        _required("hash", pa.string()),
        _required("text", pa.string()),
        _required("model", pa.string()),
        *(_required(name, pa.float64()) for name in ("r", "alpha", "a", "b")),
        _required("unit_ms", pa.int64()),
        _required("threshold", pa.float64()),
        _required("horizon_ms", pa.int64()),
        _required("currency", pa.string()),
        _required("known_at", INSTANT),
        _required("offset", pa.int64()),
    ]
)

TABLES: Final = {
    "transitions_raw": TRANSITIONS,
    "profiles_raw": PROFILES,
    "rejects_raw": REJECTS,
    "policies_raw": POLICIES,
}

# ClickHouse matches the fields of an Avro container by name to these columns of touchpoints_raw, of these types.
TOUCHPOINT_COLUMNS: Final = {
    "event_id": "String",
    "customer_id": "Nullable(String)",
    "anonymous_id": "Nullable(String)",
    "occurred_at": "DateTime64(3, 'UTC')",
    "received_at": "DateTime64(3, 'UTC')",
    "kind": "String",
    "channel": "Nullable(String)",
    "amount_minor": "Nullable(Int64)",
    "currency": "Nullable(String)",
    "cost_minor": "Nullable(Int64)",
    "margin_minor": "Nullable(Int64)",
    "campaign": "Nullable(String)",
    "order_id": "Nullable(String)",
    "lines": "Array(Tuple(sku String, category Nullable(String), quantity Int32, amount_minor Nullable(Int64)))",
    "agent_id": "Nullable(String)",
    "satisfaction": "Nullable(Float64)",
    "properties": "Map(String, String)",
}

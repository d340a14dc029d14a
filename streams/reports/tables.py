"""What is inserted where: the Arrow schema of every raw table, and the columns of a touchpoint."""

from typing import Final

import pyarrow as pa

from schemas.fields import FIELDS, LINE, Field, FieldType

INSTANT: Final = pa.timestamp("ms", tz="UTC")


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


def _all(kind: pa.DataType, names: str) -> list[pa.Field]:
    return [_required(name, kind) for name in names.split()]


_INTEGER, _COUNT, _NUMBER, _TEXT, _TRUTH = pa.int64(), pa.int32(), pa.float64(), pa.string(), pa.bool_()
_TEXTS: Final = pa.list_(_TEXT)

# Of the log that they come from, and where in it: offsets of two logs say nothing of which row is the newer one.
_POSITION: Final = [
    _required("epoch", pa.int64()),
    _required("partition", pa.int32()),
    _required("offset", pa.int64()),
]

TRANSITIONS: Final = pa.schema(
    [
        _required("id", pa.string()),
        _required("namespace", pa.string()),
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
        _required("namespace", pa.string()),
        _required("customer_id", pa.string()),
        _required("stage", pa.string()),
        pa.field("stage_since", INSTANT),
        _required("episode", pa.int32()),
        _required("win_back", pa.bool_()),
        pa.field("p_alive", pa.float64()),
        pa.field("churn_risk", pa.float64()),
        pa.field("p_return", pa.float64()),
        pa.field("expected_purchases", pa.float64()),
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
        *_all(_INTEGER, "margin_minor cost_minor refunded_minor"),
        *_all(_COUNT, "discounted returned_orders gifts two_way outbound individual referrals complaints unmapped"),
        *_all(_COUNT, "disclosures"),
        *_all(_NUMBER, "commitment_contribution commitment_investment commitment_consistency"),
        *_all(_TEXT, "ended_by end_reason"),
        pa.field("end_at", INSTANT),
        _required("end_evidence_event", _TEXT),
        pa.field("end_evidence_at", INSTANT),
        _required("let_go", _TEXTS),
        *_all(_INTEGER, "deal_seeker_cost_minor norm_violator_cost_minor high_maintenance_cost_minor"),
        *_all(_INTEGER, "out_of_target_cost_minor"),
        *_all(_NUMBER, "bond_intellectual bond_emotional"),
        *_all(_TEXT, "bond_type bond_strength"),
        *_all(_NUMBER, "giving exchanges"),
        _required("relationship_type", _TEXT),
        *_all(_NUMBER, "interest_long interest_short"),
        _required("active_months", _COUNT),
        _required("involvement", _TEXT),
        _required("two_way_per_quarter", _NUMBER),
        pa.field("individualisation", _NUMBER),
        *_all(_NUMBER, "trust_brand trust_third_party_rating trust_security_and_privacy trust_technology"),
        *_all(_NUMBER, "trust_fulfilment trust_support_and_service trust_knowledge"),
        *_all(_TEXTS, "trust_signs trust_evidence_events"),
        _required("trust_evidence_at", pa.list_(_INTEGER)),
        _required("clv_minor", _NUMBER),
        _required("value_tier", _TEXT),
        *_all(_NUMBER, "mix_personal_assistance mix_dedicated_personal_assistance mix_self_service"),
        *_all(_NUMBER, "mix_automated_service mix_community mix_co_creation"),
        *_all(_TEXT, "observed_category recommended_category recommendation_reason motivation next_step need"),
        *_all(_TEXT, "segment risk_band"),
        _required("has_left", pa.bool_()),
        _required("longest_gap", _COUNT),
        *_all(_NUMBER, "recent_cost_minor recent_referrals"),
        _required("consent", _TEXTS),
        _required("properties", pa.map_(pa.string(), pa.float64())),
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
        _required("records", pa.int64()),
        _required("payload_bytes", pa.int64()),
        _required("payload_sha256", pa.string()),
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
        _required("minimum_minor", _INTEGER),
        _required("rate_currencies", _TEXTS),
        _required("rates", pa.list_(_NUMBER)),
        _required("version", pa.uint8()),
        _required("return_horizon_ms", _INTEGER),
        _required("return_below", _NUMBER),
        _required("calibration", pa.list_(_NUMBER)),
        *_all(_NUMBER, "spend_p spend_q spend_gamma_minor"),
        _required("value_horizon_ms", _INTEGER),
        *_all(_NUMBER, "annual_rate margin_share"),
        _required("referral_minor", _INTEGER),
        *_all(_NUMBER, "referrals service_minor prior_days memory_half_life"),
        *_all(pa.list_(_NUMBER), "ahead_made ahead_worth ahead_reach"),
        _required("zone_data", _TEXT),
        _required("known_at", INSTANT),
        _required("epoch", pa.int64()),
        _required("offset", pa.int64()),
    ]
)

JUDGEMENTS: Final = pa.schema(
    [
        *_all(_TEXT, "id namespace customer_id judgement before after"),
        *_all(INSTANT, "at known_at"),
        _required("evidence_event", _TEXT),
        pa.field("evidence_at", INSTANT),
        _required("evidence_count", _INTEGER),
        _required("evidence_value", _NUMBER),
        _required("policy_hash", _TEXT),
        *_POSITION,
    ]
)

MEANINGS: Final = pa.schema(
    [
        *_all(_TEXT, "policy_hash kind initiative"),
        _required("engagement", _NUMBER),
        _required("category", _TEXT),
        *_all(_TRUTH, "two_way individual purchase investment contribution giving refund return cancellation discount"),
        *_all(_TRUTH, "question answer complaint resolution failure rival disclosure referral acquisition gift"),
        *_all(_TEXT, "trust bond exit tie"),
        _required("cost_minor", _INTEGER),
        _required("marketing", _TRUTH),
        _required("consent", _TEXT),
    ]
)

IDENTITIES: Final = pa.schema(
    [
        *_all(_TEXT, "id fact customer_id namespace into_id into_namespace holder_id holder_namespace why made_by"),
        *_all(INSTANT, "at known_at"),
        *_POSITION,
    ]
)

LOGS: Final = pa.schema([_required("id", _TEXT), _required("epoch", _INTEGER), _required("known_at", INSTANT)])

DELIVERIES: Final = pa.schema(
    [
        *_all(_TEXT, "endpoint id namespace customer_id rule"),
        _required("at", INSTANT),
        _required("state", _TEXT),
        _required("attempts", _COUNT),
        _required("due_at", INSTANT),
        _required("status", _COUNT),
        _required("why", _TEXT),
        _required("changed_at", INSTANT),
    ]
)

EDITIONS: Final = pa.schema(
    [_required("number", _INTEGER), _required("left_out", _TEXTS), _required("known_at", INSTANT)]
)

IMPORTS: Final = pa.schema(
    [
        *_all(_TEXT, "id file sha256 mapping mapping_digest"),
        *_all(_INTEGER, "rows known rejects customers purchases"),
        _required("currencies", _TEXTS),
        *_all(pa.list_(_INTEGER), "money_in_minor money_back_minor"),
        *_all(INSTANT, "first_at last_at at"),
    ]
)

TRIGGERS: Final = pa.schema(
    [
        *_all(_TEXT, "id namespace customer_id rule"),
        _required("rule_version", _COUNT),
        _required("channel", _TEXT),
        _required("transactional", _TRUTH),
        *_all(_TEXT, "outcome arm"),
        *_all(INSTANT, "at known_at"),
        pa.field("takes_back", _TEXT),
        pa.field("valid_until", INSTANT),
        *_all(_NUMBER, "window_days hold_out"),
        _required("cause", _TEXT),
        pa.field("transition_id", _TEXT),
        *_all(_TEXT, "subject before after stage value_tier recommended_category next_step"),
        pa.field("churn_risk", _NUMBER),
        pa.field("expected_purchases", _NUMBER),
        pa.field("expected_value_minor", _NUMBER),
        pa.field("expected_margin_minor", _NUMBER),
        pa.field("clv_minor", _NUMBER),
        _required("spend_minor", _INTEGER),
        _required("purchases", _COUNT),
        pa.field("last_purchase_at", INSTANT),
        *_all(_TEXT, "zone evidence_event_id policy_hash"),
        *_POSITION,
    ]
)

TABLES: Final = {
    "editions_raw": EDITIONS,
    "transitions_raw": TRANSITIONS,
    "profiles_raw": PROFILES,
    "rejects_raw": REJECTS,
    "policies_raw": POLICIES,
    "judgements_raw": JUDGEMENTS,
    "meanings_raw": MEANINGS,
    "identities_raw": IDENTITIES,
    "logs_raw": LOGS,
    "deliveries_raw": DELIVERIES,
    "imports_raw": IMPORTS,
    "triggers_raw": TRIGGERS,
}

# Columns of text with few different values: as a dictionary they take a tenth of the bytes on their way in.
FEW_VALUES: Final = frozenset({
    "namespace", "judgement", "before", "after", "policy_hash", "from_stage", "to_stage", "cause", "rule", "channel",
    "outcome", "arm", "subject", "stage", "zone", "value_tier", "recommended_category", "next_step",
})  # fmt: skip

_CLICKHOUSE: Final = {
    FieldType.TEXT: "String",
    FieldType.KIND: "String",
    FieldType.CURRENCY: "String",
    FieldType.INSTANT: "DateTime64(3, 'UTC')",
    FieldType.MONEY: "Int64",
    FieldType.COUNT: "Int32",
    FieldType.NUMBER: "Float64",
    FieldType.TRUTH: "Bool",
    FieldType.PROPERTIES: "Map(String, String)",
}


def clickhouse_type(field: Field) -> str:
    """The type of a touchpoint's field as a column of touchpoints_raw."""
    if field.type is FieldType.LINES:
        return f"Array(Tuple({', '.join(f'{part.name} {clickhouse_type(part)}' for part in LINE)}))"
    name = _CLICKHOUSE[field.type]
    return name if field.required else f"Nullable({name})"


# ClickHouse matches the fields of an Avro container by name to these columns of touchpoints_raw, of these types.
TOUCHPOINT_COLUMNS: Final = {field.name: clickhouse_type(field) for field in FIELDS if field.reported}

# Before them stands where each touchpoint is, and in which log: its place is part of the key.
PLACE_COLUMNS: Final = {"log_partition": "Int32", "log_offset": "Int64", "log_epoch": "Int64"}

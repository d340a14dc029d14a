"""Rows for the tables of the reports: an example of each, to be changed where a test needs it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from streams.payloads import kept
from streams.reports.tables import TABLES

START = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)


def day(number: float) -> datetime:
    """START and so many days."""
    return START + timedelta(days=number)


def transition(**changed: Any) -> dict[str, Any]:
    example = {
        "id": "0" * 32,
        "namespace": "known",
        "customer_id": "ann",
        "at": day(0),
        "known_at": day(0),
        "from_stage": "none",
        "to_stage": "awareness",
        "cause": "touchpoint",
        "episode": 1,
        "win_back": False,
        "supersedes": [],
        "evidence_event_id": "e1",
        "evidence_purchases": 1,
        "evidence_weeks": 1,
        "evidence_first_purchase_at": day(0),
        "evidence_last_purchase_at": day(0),
        "evidence_last_sign_at": None,
        "policy_hash": "p1",
        "partition": 0,
        "offset": 7,
    }
    return example | changed


def profile(**changed: Any) -> dict[str, Any]:
    example = {
        "namespace": "known",
        "customer_id": "ann",
        "stage": "exploration",
        "stage_since": day(0),
        "episode": 1,
        "win_back": False,
        "p_alive": 0.75,
        "churn_risk": 0.5,
        "p_return": 0.5,
        "expected_purchases": 1.25,
        "expected_value_minor": 1234.5,
        "touchpoints": 4,
        "purchases": 3,
        "purchase_days": 2,
        "spend_minor": 4990,
        "currency": "EUR",
        "first_at": day(0),
        "last_at": day(30),
        "first_purchase_at": day(1),
        "last_purchase_at": day(29),
        "next_due_at": None,
        "interaction": 1.5,
        "engagement": 0.25,
        "margin_minor": 1497,
        "cost_minor": 300,
        "refunded_minor": 0,
        "discounted": 1,
        "returned_orders": 0,
        "gifts": 0,
        "two_way": 1,
        "outbound": 2,
        "individual": 1,
        "referrals": 0,
        "complaints": 0,
        "unmapped": 0,
        "disclosures": 1,
        "commitment_contribution": 0.0,
        "commitment_investment": 0.5,
        "commitment_consistency": 0.25,
        "ended_by": "",
        "end_reason": "",
        "end_at": None,
        "end_evidence_event": "",
        "end_evidence_at": None,
        "let_go": [],
        "deal_seeker_cost_minor": 0,
        "norm_violator_cost_minor": 0,
        "high_maintenance_cost_minor": 0,
        "out_of_target_cost_minor": 0,
        "bond_intellectual": 2.5,
        "bond_emotional": 0.5,
        "bond_type": "intellectual",
        "bond_strength": "weak",
        "giving": 0.0,
        "exchanges": 2.5,
        "relationship_type": "exchange",
        "interest_long": 3.5,
        "interest_short": 1.25,
        "active_months": 2,
        "involvement": "situational",
        "two_way_per_quarter": 0.5,
        "individualisation": 0.5,
        "trust_brand": 0.0,
        "trust_third_party_rating": 0.0,
        "trust_security_and_privacy": 0.0,
        "trust_technology": 0.0,
        "trust_fulfilment": 0.5,
        "trust_support_and_service": 0.0,
        "trust_knowledge": 0.0,
        "trust_signs": ["none"] * 4 + ["positive"] + ["none"] * 2,
        "trust_evidence_events": [""] * 4 + ["00000000000000e1"] + [""] * 2,
        "trust_evidence_at": [0] * 4 + [1_767_614_400_250] + [0] * 2,
        "clv_minor": 25_000.5,
        "value_tier": "middle",
        "mix_personal_assistance": 0.5,
        "mix_dedicated_personal_assistance": 0.0,
        "mix_self_service": 1.5,
        "mix_automated_service": 0.25,
        "mix_community": 0.0,
        "mix_co_creation": 0.0,
        "observed_category": "self_service",
        "recommended_category": "automated_service",
        "recommendation_reason": "rich_data",
        "motivation": "expansion",
        "next_step": "cross_sell",
        "need": "price",
        "segment": "middle/price",
        "consent": ["email"],
        "properties": [("seats", 3.0)],
        "risk_band": "low",
        "has_left": False,
        "longest_gap": 28,
        "recent_cost_minor": 250.5,
        "recent_referrals": 0.0,
        "as_of": day(31),
        "policy_hash": "p1",
        "partition": 0,
        "offset": 7,
    }
    return example | changed


# A policy from before the numbers by which chances and values are computed for any instant.
AHEAD: dict[str, Any] = {
    **dict.fromkeys(("version", "return_horizon_ms", "value_horizon_ms", "referral_minor"), 0),
    **dict.fromkeys(("return_below", "spend_p", "spend_q", "spend_gamma_minor", "annual_rate", "margin_share"), 0.0),
    **dict.fromkeys(("referrals", "service_minor", "prior_days", "memory_half_life"), 0.0),
    **{key: [] for key in ("calibration", "ahead_made", "ahead_worth", "ahead_reach")},
}


def policy(**changed: Any) -> dict[str, Any]:
    example = {
        "hash": "p1",
        "text": 'name = "commerce"\n',
        "model": "mbgnbd",
        "r": 0.525,
        "alpha": 6.183,
        "a": 0.891,
        "b": 1.614,
        "unit_ms": 7 * 86_400_000,
        "threshold": 0.5,
        "horizon_ms": 91 * 86_400_000,
        "currency": "EUR",
        "minimum_minor": 1,
        "rate_currencies": ["EUR", "USD", "JPY"],
        "rates": [1.0, 0.5, 0.625],
        **AHEAD,
        "zone_data": "2026f",
        "known_at": day(0),
        "offset": 0,
    }
    return example | changed


def judgement(**changed: Any) -> dict[str, Any]:
    example = {
        "id": "0" * 32,
        "namespace": "known",
        "customer_id": "ann",
        "judgement": "value_tier",
        "before": "low",
        "after": "middle",
        "at": day(0),
        "known_at": day(1),
        "evidence_event": "00000000000000e1",
        "evidence_at": day(0),
        "evidence_count": 3,
        "evidence_value": 25_000.5,
        "policy_hash": "p1",
        "partition": 0,
        "offset": 7,
    }
    return example | changed


def trigger(**changed: Any) -> dict[str, Any]:
    example = {
        "id": "0" * 32,
        "namespace": "known",
        "customer_id": "ann",
        "rule": "welcome",
        "rule_version": 1,
        "channel": "email",
        "transactional": False,
        "outcome": "sent",
        "arm": "treated",
        "at": day(0),
        "known_at": day(0),
        "takes_back": None,
        "valid_until": day(3),
        "window_days": 14.0,
        "hold_out": 0.1,
        "cause": "touchpoint",
        "transition_id": None,
        "subject": "",
        "before": "",
        "after": "",
        "stage": "exploration",
        "value_tier": "low",
        "recommended_category": "self_service",
        "next_step": "remind",
        "churn_risk": 0.5,
        "expected_purchases": 1.0,
        "expected_value_minor": 1000.0,
        "expected_margin_minor": 300.0,
        "clv_minor": 2000.0,
        "spend_minor": 4990,
        "purchases": 3,
        "last_purchase_at": None,
        "zone": "UTC",
        "evidence_event_id": "e1",
        "policy_hash": "p1",
        "epoch": 0,
        "partition": 0,
        "offset": 7,
    }
    return example | changed


def meaning(**changed: Any) -> dict[str, Any]:
    """What a kind of touchpoint means by a policy; nothing, where a test does not say otherwise."""
    example: dict[str, Any] = {
        "policy_hash": "p1",
        "kind": "page_viewed",
        "initiative": "none",
        "engagement": 0.0,
        "category": "none",
        **{field.name: False for field in TABLES["meanings_raw"] if field.type == pa.bool_()},
        "trust": "",
        "bond": "",
        "exit": "",
        "tie": "",
        "consent": "",
        "cost_minor": 0,
    }
    return example | changed


def reject(**changed: Any) -> dict[str, Any]:
    example = {
        "reason": "bad_time",
        "detail": "line 7: 31 February",
        "source": "orders.csv",
        "position": 7,
        "partition": 0,
        "at": day(0),
        "payload": b"ann,2026-02-31",
    }
    told: dict[str, Any] = example | changed
    return {"records": 1} | kept(told["payload"]) | told


def table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the table of that name takes them; of a log without an epoch unless one is told."""
    standing = {"epoch": 0} if "epoch" in TABLES[name].names else {}
    return pa.Table.from_pylist([standing | row for row in rows], schema=TABLES[name])


def slices(bodies: Sequence[bytes]) -> tuple[Any, Any, Any]:
    """Bodies one after the other, and where each starts and stops."""
    stops = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    starts = stops - np.array([len(body) for body in bodies], np.int64)
    return np.frombuffer(b"".join(bodies), np.uint8), starts, stops

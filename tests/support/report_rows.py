"""Rows for the tables of the reports: an example of each, to be changed where a test needs it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from streams.reports.tables import POLICIES, PROFILES, REJECTS, TRANSITIONS

START = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)


def day(number: float) -> datetime:
    """START and so many days."""
    return START + timedelta(days=number)


def transition(**changed: Any) -> dict[str, Any]:
    example = {
        "id": "0" * 32,
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
        "customer_id": "ann",
        "stage": "exploration",
        "stage_since": day(0),
        "episode": 1,
        "win_back": False,
        "p_alive": 0.75,
        "churn_risk": 0.5,
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
        "as_of": day(31),
        "policy_hash": "p1",
        "partition": 0,
        "offset": 7,
    }
    return example | changed


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
        "known_at": day(0),
        "offset": 0,
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
    return example | changed


_SCHEMAS = {
    "transitions_raw": TRANSITIONS,
    "profiles_raw": PROFILES,
    "policies_raw": POLICIES,
    "rejects_raw": REJECTS,
}


def table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the table of that name takes them."""
    return pa.Table.from_pylist(list(rows), schema=_SCHEMAS[name])


def slices(bodies: Sequence[bytes]) -> tuple[Any, Any, Any]:
    """Bodies one after the other, and where each starts and stops."""
    stops = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    starts = stops - np.array([len(body) for body in bodies], np.int64)
    return np.frombuffer(b"".join(bodies), np.uint8), starts, stops

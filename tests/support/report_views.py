"""Small companies for the views: rows of several tables at once, and the paths of customers by stage and day."""

import io
from collections.abc import Sequence
from typing import Any

import fastavro

from processors.policy.policy import hash_of
from schemas.registry import FileRegistry
from streams.reports.container import Places, container
from streams.reports.sink import Sink

from .report_rows import day, slices, table, transition

REGISTRY = FileRegistry()
SCHEMA = REGISTRY.schema(REGISTRY.id_of("Touchpoint"))
OPTIONAL = ("channel", "amount_minor", "currency", "cost_minor", "margin_minor", "campaign", "order_id", "agent_id")


def packed(
    touchpoints: Sequence[dict[str, Any]], schema: dict[str, Any] = SCHEMA, places: Places | None = None
) -> bytes:
    """Touchpoints as an Avro object container."""
    parsed = fastavro.parse_schema(schema)
    bodies = []
    for touchpoint in touchpoints:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, touchpoint)
        bodies.append(out.getvalue())
    return container(schema, *slices(bodies), places)


def touch(customer: str, kind: str, at: float, **told: Any) -> dict[str, Any]:
    """A touchpoint at START and so many days; its event id says whose, what and when, unless another is told."""
    example: dict[str, Any] = {
        **dict.fromkeys(OPTIONAL),
        "event_id": f"{customer}-{kind}-{at}",
        "customer_id": customer,
        "anonymous_id": None,
        "occurred_at": day(at),
        "received_at": day(at),
        "kind": kind,
        "lines": [],
        "satisfaction": None,
        "properties": {},
    }
    return example | told


def event_hash(event_id: str) -> str:
    """The hash by which judgements name an event, as the model computes it."""
    return f"{int(hash_of(event_id)):016x}"


def path(customer: str, *steps: tuple[str, float]) -> list[dict[str, Any]]:
    """Transitions to these stages, each with the day on which it came."""
    before = ["none", *(stage for stage, _ in steps)]
    return [
        transition(
            id=f"{customer}-{number}",
            customer_id=customer,
            at=day(at),
            known_at=day(at),
            from_stage=before[number],
            to_stage=stage,
            offset=number,
        )
        for number, (stage, at) in enumerate(steps)
    ]


def store(sink: Sink, touchpoints: Sequence[dict[str, Any]] = (), **rows: Sequence[dict[str, Any]]) -> None:
    """Insert touchpoints, and rows by the name of their view, in two parts and the first of them twice."""
    for part in (touchpoints[:1], touchpoints):
        if part:
            sink.insert_touchpoints(packed(part))
    for name, some in rows.items():
        for part in (some[:1], some):
            sink.insert(f"{name}_raw", table(f"{name}_raw", part))


def asked(sink: Sink, sql: str) -> list[dict[str, Any]]:
    """The answer as rows, floats rounded to twelve places."""
    return [
        {name: round(value, 12) if isinstance(value, float) else value for name, value in row.items()}
        for row in sink.query(sql).to_pylist()
    ]

"""Webhooks by their standards: Standard Webhooks 1.0.0, CloudEvents 1.0 (structured mode), and one flat object."""

from collections.abc import Mapping
from typing import Any, Final

from streams.delivery.shapes.shape import Person, Shape, data_of, flat_of, iso
from streams.delivery.trigger import Trigger


def _standard(trigger: Trigger, _: Person, __: Mapping[str, str]) -> dict[str, Any]:
    return {"type": f"relasi.trigger.{trigger.rule}", "timestamp": iso(trigger.at), "data": data_of(trigger)}


def _cloud_event(trigger: Trigger, _: Person, options: Mapping[str, str]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"trg_{trigger.id}",
        "source": options.get("source", "/relasi"),
        "type": f"relasi.trigger.{trigger.rule}",
        "subject": trigger.customer_id,
        "time": iso(trigger.at),
        "datacontenttype": "application/json",
        "data": data_of(trigger),
    }


def _flat(trigger: Trigger, person: Person, _: Mapping[str, str]) -> dict[str, Any]:
    return {"event": f"relasi.trigger.{trigger.rule}", "person": person.key, **flat_of(trigger)}


_SIGNED: Final[dict[str, Any]] = {"signed": True, "secrets": ("signing",), "known_by": "header webhook-id"}
STANDARD: Final = Shape("standard", "any receiver of Standard Webhooks 1.0.0", _standard, **_SIGNED)
CLOUDEVENTS: Final = Shape(
    "cloudevents",
    "receivers of CloudEvents 1.0, structured",
    _cloud_event,
    media_type="application/cloudevents+json; charset=UTF-8",
    options={"source": "the source attribute; /relasi by default"},
    **_SIGNED,
)
N8N: Final = Shape("n8n", "a Webhook node of n8n; turn on Raw Body to check the signature", _flat, **_SIGNED)
ZAPIER: Final = Shape("zapier", "Webhooks by Zapier; Catch Raw Hook to check the signature", _flat, **_SIGNED)

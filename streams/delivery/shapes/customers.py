"""Platforms for customer data and messaging that take events: Segment's API, Customer.io, Braze, Klaviyo, HubSpot,
Mautic.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from streams.delivery.shapes.shape import (
    CantTell,
    Person,
    Shape,
    flat_of,
    iso,
    known,
    major,
    segment_of,
    snake_of,
    title_of,
)
from streams.delivery.trigger import Trigger

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Customer.io reads these in the data of an event as how to send a mail, and not as data.
_RESERVED: Final = frozenset({"from_address", "recipient", "reply_to"})


def ulid_of(trigger: Trigger) -> str:
    """48 bits of its instant in ms and the first 80 of its id; source: the ULID specification (ulid/spec)."""
    value = (trigger.at & (1 << 48) - 1) << 80 | int(trigger.id[:20], 16)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def basic(user: str, password: str) -> dict[str, str]:
    """Source: RFC 7617."""
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _segment(trigger: Trigger, person: Person, _: Mapping[str, str]) -> dict[str, Any]:
    # A call needs one of two ids; an account is no user of theirs, and stands where accounts do.
    whose = {"userId": person.key} if trigger.namespace == "known" else {"anonymousId": person.key}
    group = {"groupId": person.key} if trigger.namespace == "account" else {}
    return {
        "type": "track",
        **whose,
        "event": title_of(trigger.rule),
        "messageId": f"trg_{trigger.id}",
        "timestamp": iso(trigger.at),
        "properties": flat_of(trigger),
        "context": {"library": {"name": "relasi", "version": "0.1.0"}, **group},
    }


def _customerio(trigger: Trigger, _: Person, __: Mapping[str, str]) -> dict[str, Any]:
    data = {name: value for name, value in flat_of(trigger).items() if name not in _RESERVED}
    return {"name": snake_of(trigger.rule), "id": ulid_of(trigger), "timestamp": trigger.at // 1000, "data": data}


def _braze(trigger: Trigger, person: Person, _: Mapping[str, str]) -> dict[str, Any]:
    event = {
        "external_id": person.key,
        "name": snake_of(trigger.rule),
        "time": iso(trigger.at),
        "properties": {**flat_of(trigger), "relasi_id": f"trg_{trigger.id}"},
        "_update_existing_only": True,
    }
    return {"events": [event]}


def _klaviyo(trigger: Trigger, person: Person, _: Mapping[str, str]) -> dict[str, Any]:
    attributes = known(
        {
            "unique_id": f"trg_{trigger.id}",
            "time": iso(trigger.at),
            "value": major(trigger),
            "properties": flat_of(trigger),
            "metric": {"data": {"type": "metric", "attributes": {"name": title_of(trigger.rule)}}},
            "profile": {
                "data": {
                    "type": "profile",
                    "attributes": known({"external_id": person.key, "email": person.email or None}),
                }
            },
        }
    )
    return {"data": {"type": "event", "attributes": attributes}}


def _email_of(person: Person, receiver: str) -> str:
    if not person.email:
        raise CantTell(
            f"{receiver} knows people by email, and this customer's is not known; "
            "name the property that holds it with `email`"
        )
    return person.email


def _hubspot(trigger: Trigger, person: Person, options: Mapping[str, str]) -> dict[str, Any]:
    # What HubSpot's definition of the event does not have it refuses: these are defined once, with the event.
    return {
        "eventName": f"{options['event_prefix']}_{snake_of(trigger.rule)}",
        "email": _email_of(person, "HubSpot"),
        "uuid": trigger.id,
        "occurredAt": iso(trigger.at),
        "properties": flat_of(trigger),
    }


def _mautic(trigger: Trigger, person: Person, _: Mapping[str, str]) -> dict[str, Any]:
    return known(
        {
            "email": _email_of(person, "Mautic"),
            "customer_id": person.key,
            "tags": [snake_of(trigger.rule).replace("_", "-")],
            "relasi_stage": trigger.stage or None,
            "overwriteWithBlank": False,
        }
    )


SEGMENT: Final = Shape(
    "segment",
    "POST …/v1/track: Segment, RudderStack; Dittofeed (…/api/public/apps/track)",
    _segment,
    "messageId",
    headers=lambda secrets: basic(secrets["write_key"], ""),
    secrets=("write_key",),
)
CUSTOMERIO: Final = Shape(
    "customerio",
    "Customer.io's Track API; the URL is https://track.customer.io/api/v1",
    _customerio,
    "id, a ULID",
    path=lambda _, person: f"/customers/{segment_of(person.key)}/events",
    headers=lambda secrets: basic(secrets["site_id"], secrets["api_key"]),
    secrets=("site_id", "api_key"),
)
BRAZE: Final = Shape(
    "braze",
    "Braze's /users/track",
    _braze,
    "nothing that Braze documents; properties.relasi_id tells repetitions",
    headers=lambda secrets: {"authorization": f"Bearer {secrets['api_key']}"},
    secrets=("api_key",),
)
KLAVIYO: Final = Shape(
    "klaviyo",
    "Klaviyo's /api/events",
    _klaviyo,
    "unique_id, with profile and metric",
    headers=lambda secrets: {"authorization": f"Klaviyo-API-Key {secrets['api_key']}", "revision": "2026-10-15"},
    media_type="application/vnd.api+json",
    secrets=("api_key",),
    email=True,
)
HUBSPOT: Final = Shape(
    "hubspot",
    "HubSpot's custom events: /events/2026-03/send",
    _hubspot,
    "uuid",
    headers=lambda secrets: {"authorization": f"Bearer {secrets['token']}"},
    options={"event_prefix": "what HubSpot puts in front of your events, such as pe12345"},
    secrets=("token",),
    email=True,
)
MAUTIC: Final = Shape(
    "mautic",
    "Mautic's /api/contacts/new: the contact gets a tag, and a segment or campaign reacts to it",
    _mautic,
    "the contact's email: a tag is there once",
    headers=lambda secrets: basic(secrets["user"], secrets["password"]),
    secrets=("user", "password"),
    email=True,
)

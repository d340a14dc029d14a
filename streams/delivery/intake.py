"""From triggers to deliveries: which endpoints one goes to, and what it says there. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import UNSENDABLE, New
from streams.delivery.schedule import BadHours, after_quiet
from streams.delivery.shapes.shape import CantTell
from streams.delivery.trigger import SENT, WITHDRAWN, Trigger, TriggerReader, UnreadableTrigger

LARGEST_BODY: Final = 20_000
"""Bytes; source: Standard Webhooks 1.0.0, "Payload size": below 20 kB."""


class Intake(NamedTuple):
    """What messages of the topic come to."""

    new: list[New]
    withdrawn: list[str]
    unreadable: list[tuple[int, str]]


def body_of(trigger: Trigger, endpoint: Endpoint) -> bytes:
    """What an endpoint is told; the same whenever it is asked. Raises CantTell.

    Where the properties make it too large it goes without them, and says so.
    """
    person = endpoint.person(trigger)
    if not person.key:
        raise CantTell(f"the receiver knows people by {endpoint.customer!r}, and this customer has no such property")
    body = _json(endpoint.shape.content(trigger, person, endpoint.options))
    if len(body) > LARGEST_BODY:
        body = _json(endpoint.shape.content(trigger._replace(payload={"truncated": "true"}), person, endpoint.options))
    if len(body) > LARGEST_BODY:
        raise CantTell(f"{len(body)} bytes; {LARGEST_BODY} are the most that go to a receiver")
    return body


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def delivery_of(trigger: Trigger, endpoint: Endpoint) -> New:
    """A trigger on its way to an endpoint. What the endpoint can't be told is a dead letter from the start."""
    hours = "" if trigger.transactional else trigger.quiet_hours
    new = New(
        endpoint=endpoint.name,
        id=trigger.id,
        customer=trigger.customer,
        sequence=trigger.sequence,
        rule=trigger.rule,
        body=b"",
        path="",
        at=trigger.at,
        valid_until=trigger.valid_until,
        quiet_hours=hours,
        zone=trigger.zone,
    )
    try:
        body = body_of(trigger, endpoint)
        after_quiet(trigger.at, hours, trigger.zone)
    except (CantTell, BadHours, ValueError) as error:
        return new._replace(state=UNSENDABLE, why=str(error))
    return new._replace(body=body, path=endpoint.shape.path(trigger, endpoint.person(trigger)))


def taken_in(
    messages: Iterable[tuple[int, bytes | None]], reader: TriggerReader, endpoints: Mapping[str, Endpoint]
) -> Intake:
    """What messages, each with its offset, come to. Raises RegistryError where a schema can't be had now."""
    found = Intake([], [], [])
    for offset, message in messages:
        try:
            trigger = reader.read(message, offset)
        except UnreadableTrigger as error:
            found.unreadable.append((offset, str(error)))
            continue
        if trigger.outcome == WITHDRAWN and trigger.takes_back:
            found.withdrawn.append(trigger.takes_back)
        elif trigger.outcome == SENT:
            found.new.extend(delivery_of(trigger, each) for each in endpoints.values() if each.wants(trigger))
    return found

"""What is stored with a trigger of what was expected of the customer, and what of it goes out."""

import io
from typing import Any

import fastavro
import pytest
from support.messages import schemas
from support.rules import Life, lived, policy_with
from support.shell import apply_all

from schemas.registry import FileRegistry
from streams.engine.partition import Partition
from streams.outputs.triggers import TOPIC, trigger_messages, triggers_table

RULE = '[triggers.thanks]\non = "touchpoint: order_completed"\nchannel = "internal"\n'


def test_expected_margin_is_the_expected_spend_at_the_margin_that_the_customer_had() -> None:
    log = Life().tell("order_completed", 0, margin_minor=500).tell("order_completed", 700, margin_minor=1500)
    rows = [row for row in lived(log.log, policy_with(RULE))[1] if row["outcome"] == "sent"]
    shares = [row["expected_margin_minor"] / row["expected_value_minor"] for row in rows]
    assert shares == pytest.approx([0.1, 0.2])
    assert all(0 < row["expected_purchases"] < row["expected_value_minor"] for row in rows)


def test_what_goes_out_says_the_margin_and_not_the_spend() -> None:
    partition, registry = Partition(0, policy_with(RULE), schemas()), FileRegistry()
    applied = apply_all(partition, *Life().tell("order_completed", 0, margin_minor=500).log)
    (row,) = triggers_table([applied], partition).to_pylist()
    messages = trigger_messages([applied], partition, registry)
    assert messages is not None
    schema: Any = fastavro.parse_schema(registry.schema(registry.id_of(TOPIC.record)))
    told: Any = fastavro.schemaless_reader(io.BytesIO(messages.bodies.message(0)[5:]), schema, None)
    assert told["expected_margin_minor"] == round(row["expected_margin_minor"]) < row["expected_value_minor"] / 5


def quiet_hours_told(rule: str, hours: float) -> set[str]:
    """Of what a rule has said so many hours later, of a customer in Los Angeles who was born on the fourth of July."""
    of = policy_with(rule)
    partition, registry = Partition(0, of, schemas()), FileRegistry()
    born = {"timezone": "America/Los_Angeles", "birthday": "1990-07-04"}
    log = Life().tell("newsletter_subscribed", 0, properties=born).tick(hours - 1).tick(hours)
    applied = apply_all(partition, *log.log)
    messages = trigger_messages([applied], partition, registry)
    assert messages is not None
    schema: Any = fastavro.parse_schema(registry.schema(registry.id_of(TOPIC.record)))
    found: set[str] = set()
    for place in range(len(messages.bodies.offsets) - 1):
        told: Any = fastavro.schemaless_reader(io.BytesIO(messages.bodies.message(place)[5:]), schema, None)
        found.add(told["quiet_hours"])
    return found


def test_a_birthday_is_quiet_until_its_day_has_begun_where_the_customer_lives() -> None:
    birthday = '[triggers.birthday]\non = "yearly on birthday"\nchannel = "internal"\n'
    first = '[triggers.first]\non = "1 hour after first_touchpoint"\nchannel = "internal"\n'
    assert quiet_hours_told(birthday, 184 * 24) == {"17:00-08:00"}
    assert quiet_hours_told(first, 2) == {"21:00-08:00"}

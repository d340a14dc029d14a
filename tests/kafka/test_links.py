"""Visitors who turn out to be customers, over a real broker: devices and customers live in different partitions.

The embedded shell, which has one partition, is the oracle: profiles and what stands are the same.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka import AIOKafkaProducer
from support.kafka_workers import Install, Installation, embedded
from support.linked import who
from support.messages import policy, tick, touchpoint
from support.partitioned import home
from support.rules import HOUR, text_with

from streams.clock import now_ms
from streams.embedded.session import Session
from streams.reports.sink import Sink

_DAY: Final = 86_400_000
PROFILES: Final = (
    # What fades stands at the instant of a row's last record, which is another one where a row was on its way.
    "SELECT customer_id, namespace, touchpoints, purchases, spend_minor, first_at, last_at, purchase_days, two_way, "
    "stage, episode FROM profiles ORDER BY customer_id, namespace"
)
HISTORY: Final = (
    "SELECT customer_id, namespace, count() AS n, sum(cityHash64(event_id)) AS events FROM touchpoints "
    "GROUP BY customer_id, namespace ORDER BY customer_id, namespace"
)
IDENTITIES: Final = "SELECT id, namespace, customer_id, customer_namespace FROM identities ORDER BY id, namespace"
STANDING: Final = (
    "SELECT customer_id, namespace, episode, to_stage, toDate(at) AS day FROM transitions WHERE superseded_by = '' "
    "ORDER BY customer_id, namespace, at, to_stage"
)


def write_people(path: Path, people: int, events: int) -> Path:
    """People with two devices each, who sign in after a while; some never do."""
    draw = np.random.default_rng(7)
    rows = []
    for n in range(events):
        person, at = int(draw.integers(people)), (20_000 + 60 * n // events) * _DAY + n
        device = f"device {person} {int(draw.integers(2))}"
        named = person % 5 != 0 and n > events // 3 and draw.random() < 0.6
        rows.append(
            {
                "event_id": f"e{n}",
                "customer_id": f"person {person}" if named else None,
                "anonymous_id": device if not named or draw.random() < 0.7 else None,
                "occurred_at": at,
                "received_at": at,
                "kind": "order_completed" if draw.random() < 0.3 else "product_viewed",
                "amount": f"{int(draw.integers(5, 200))}.00",
                "currency": "USD",
            }
        )
    table = pa.Table.from_pylist(rows)
    for name in ("occurred_at", "received_at"):
        column = table.column(name).cast(pa.timestamp("ms", "UTC"))
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, path)
    return path


def told(sink: Sink) -> dict[str, list[dict[str, Any]]]:
    asked = {"profiles": PROFILES, "history": HISTORY, "identities": IDENTITIES, "standing": STANDING}
    return {name: sink.query(sql).to_pylist() for name, sql in asked.items()}


def test_customers_behind_many_ids_are_those_of_the_embedded_shell(install: Install, tmp_path: Path) -> None:
    file = write_people(tmp_path / "people.parquet", people=60, events=3_000)
    embedded(tmp_path / "embedded", [file])
    with Session(tmp_path / "embedded", "test") as session:
        wanted = told(session.sink)
    assert len(wanted["identities"]) > 60
    made = install()
    workers = [made.start(), made.start()]
    made.must("produce", str(file), "--as-arrived")
    for worker in workers:
        worker.wait_ready()
    made.settle()
    # Killed in the middle of a second life: what was sent is sent again, and taken once.
    workers[0].kill()
    made.start().wait_ready()
    made.settle()
    workers[1].stop()
    made.stop_all()
    found = told(made.sink)
    assert found["identities"] == wanted["identities"]
    assert [each for each in found["profiles"] if each not in wanted["profiles"]] == []
    assert found["profiles"] == wanted["profiles"]
    assert found["history"] == wanted["history"]
    assert found["standing"] == wanted["standing"]


PARTITIONS: Final = 4
SETTINGS: Final = ("--settings", "/dev/null")
CART: Final = """
[triggers.cart]
on = "quiet 1 hour after product_added unless order_completed"
hold_out = 0.0
cooldown_days = 1
"""
BASE: Final = now_ms() - 100 * HOUR
"""The broker stamps messages itself, and what became true long before that is stale."""
Told = tuple[float, bytes | None, bytes]
"""Hour, key (None: every partition gets it), message."""


def said(event: str, ids: str, kind: str, hours: float) -> Told:
    known, anonymous = who(ids)
    money = {"amount_minor": 5000, "currency": "USD"} if kind == "order_completed" else {}
    value = touchpoint(event, known, BASE + round(hours * HOUR), kind, anonymous_id=anonymous, **money)
    return hours, (known or anonymous or "").encode(), value


async def _send(made: Installation, messages: Sequence[Told]) -> None:
    topic = f"{made.name}.touchpoints.v1"
    async with AIOKafkaProducer(bootstrap_servers=made.broker.servers) as producer:
        for _, key, value in messages:
            for number in range(PARTITIONS) if key is None else (home(key.decode(), PARTITIONS),):
                await producer.send_and_wait(topic, value, key, partition=number)


def live(made: Installation, *messages: Told) -> None:
    """Send, and have all of it processed with what comes of it in other partitions."""
    asyncio.run(_send(made, messages))
    made.settle()


def clock(hours: float) -> Told:
    return hours, None, tick(BASE + round(hours * HOUR))


def fired(sink: Sink) -> list[tuple[str, str, str]]:
    """(customer, outcome, whose trigger that one takes back) in the order in which it was known."""
    asked = "SELECT id, customer_id, outcome, takes_back FROM triggers ORDER BY known_at, customer_id, outcome"
    rows = sink.query(asked).to_pylist()
    whose = {row["id"]: row["customer_id"] for row in rows}
    return [(row["customer_id"], row["outcome"], whose.get(row["takes_back"], "")) for row in rows]


def purchases(sink: Sink) -> dict[str, int]:
    rows = sink.query("SELECT customer_id, purchases FROM profiles ORDER BY customer_id").to_pylist()
    return {row["customer_id"]: int(row["purchases"]) for row in rows}


def test_rules_follow_people_over_partitions_and_a_wrong_link_is_taken_back(install: Install) -> None:
    names = [f"d{n}" for n in range(40) if home(f"d{n}", PARTITIONS) != home("ann", PARTITIONS)]
    first, second = names[0], next(name for name in names if home(name, PARTITIONS) != home(names[0], PARTITIONS))
    made = install(partitions=PARTITIONS)
    workers = [made.start(), made.start()]
    for worker in workers:
        worker.wait_ready()
    live(
        made, (0, None, policy(text_with(CART, "fresh_hours = 200"))), said("yes", "u:ann", "newsletter_subscribed", 0)
    )
    live(made, said("cart", f"a:{first}", "product_added", 1), said("in", f"u:ann+a:{first}", "signed_in", 1.5))
    for hours in (1.75, 2.25, 3.0):
        live(made, clock(hours))
    assert fired(made.sink) == [("ann", "sent", "")]
    # What was sent to a visitor is taken back when the customer buys, also where another partition has sent it.
    live(made, said("yes2", f"a:{second}", "newsletter_subscribed", 30), said("c2", f"a:{second}", "product_added", 31))
    live(made, clock(33))
    live(made, said("in2", f"u:ann+a:{second}", "signed_in", 34))
    live(made, said("order", "u:ann", "order_completed", 35), clock(36))
    # The view tells both under the customer that goes on.
    assert fired(made.sink)[1:] == [("ann", "sent", ""), ("ann", "withdrawn", "ann")]
    # The second device was somebody else's.
    live(made, said("order2", f"a:{second}", "order_completed", 37), clock(60))
    for worker in workers:
        worker.stop()
    assert purchases(made.sink) == {"ann": 2}
    wrong = made.relasi("unlink", second, "bob", "--anonymous", *SETTINGS)
    assert (wrong.returncode, "are not one customer" in wrong.stderr) == (1, True), wrong.stderr
    assert "edition 2 is defined" in made.must("unlink", second, "ann", "--anonymous", *SETTINGS)
    building = made.start("--edition", "2")
    building.wait_ready()
    made.must("switch", "2", *SETTINGS)
    assert building.stop() == 0
    assert purchases(made.sink) == {"ann": 1, second: 1}
    refused = made.sink.query("SELECT customer_id, into_id, why FROM links WHERE fact = 'link_refused'").to_pylist()
    assert refused == [{"customer_id": second, "into_id": "ann", "why": "unlinked"}]
    # A link of them that comes later is none either.
    another = made.start()
    another.wait_ready()
    asyncio.run(_send(made, [said("in3", f"u:ann+a:{second}", "signed_in", 61), clock(90)]))
    made.settle_edition(2)
    assert another.stop() == 0
    assert purchases(made.sink) == {"ann": 1, second: 1}

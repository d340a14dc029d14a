"""Visitors who turn out to be customers, over a real broker: devices and customers live in different partitions.

The embedded shell, which has one partition, is the oracle: profiles and what stands are the same.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from support.kafka_workers import Install, embedded

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

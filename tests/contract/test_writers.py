"""Whatever schema a touchpoint is written in: what the engine accepts the reports can store, and both read the same."""

from typing import Any

import pytest
from support.messages import REGISTRY, START, policy, policy_text, touchpoint
from support.shell import apply_all, new_partition, refusals_of, rows_of
from support.writers import VALUE, WRITERS, Writer

from schemas.known import known
from schemas.wire import frame
from streams.engine.cursor import TAKEN_SCHEMA
from streams.outputs.outgoing import Outgoing
from streams.outputs.storing import store
from streams.outputs.touchpoints import history_of
from streams.reports.sink import Sink

NEIGHBOUR = touchpoint("n", "neighbour", START)
COUNTED = "customer_id, anonymous_id, event_id, occurred_at, received_at, kind, channel, amount_minor, currency"
COUNTED += ", cost_minor, margin_minor, campaign"
STORED = f"SELECT {COUNTED}, order_id, lines, agent_id, satisfaction, properties, import_id, is_account"


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A stored row with instants as ms and properties as a dictionary."""
    for name in ("occurred_at", "received_at"):
        row[name] = round(row[name].timestamp() * 1000)
    row["properties"] = dict(row["properties"])
    return row


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_the_engine_reads_what_the_same_touchpoint_in_our_schema_says(writer: Writer) -> None:
    ours, theirs = new_partition(), new_partition()
    theirs.learn(known(77, writer.schema), 0)
    message = frame(77, writer.body())
    came = apply_all(theirs, policy(policy_text()), NEIGHBOUR, message, message)
    if writer.reason:
        assert [(each.reason, each.payload) for each in refusals_of(came)] == [(writer.reason, message)] * 2
        assert set(rows_of(theirs)) == {b"neighbour"}
        return
    value = VALUE | writer.means
    means = touchpoint(
        value["event_id"], value["customer_id"], value["occurred_at"], value["kind"],
        **{name: value[name] for name in VALUE if name not in ("event_id", "customer_id", "occurred_at", "kind")},
    )  # fmt: skip
    apply_all(ours, policy(policy_text()), NEIGHBOUR, means, means)
    assert refusals_of(came) == []
    # What an import brought is not remembered: it knows every identity that is stored.
    counted = (3, 0) if value.get("import_id") else (2, 1)
    assert (came.counts["accepted"], came.counts["duplicate"]) == counted
    assert rows_of(theirs) == rows_of(ours)


def test_the_reports_take_what_the_engine_accepted(sink: Sink) -> None:
    partition = new_partition()
    wanted = {}
    messages = []
    for number, writer in enumerate(WRITERS):
        partition.learn(known(100 + number, writer.schema), 0)
        name = f"{number:03} {writer.name[:40]}"
        is_bytes = isinstance(writer.value["event_id"], bytes)
        messages.append(frame(100 + number, writer.body(event_id=name.encode() if is_bytes else name)))
        if not writer.reason:
            wanted[name] = VALUE | writer.means | {"event_id": name}
            del wanted[name]["known"]
    came = apply_all(partition, policy(policy_text()), *messages)
    out = Outgoing(partition, REGISTRY, "topic")
    out.add(came)
    assert store(sink, out.rows(), out.origin) == []
    stored = [told(row) for row in sink.query(f"{STORED} FROM touchpoints ORDER BY event_id").to_pylist()]
    assert stored == [wanted[name] for name in sorted(wanted)]


def test_bodies_in_our_layout_go_on_byte_for_byte_and_the_rest_in_one_container() -> None:
    partition = new_partition()
    for number, writer in enumerate(WRITERS):
        partition.learn(known(100 + number, writer.schema), 0)
    plain = next(writer for writer in WRITERS if writer.name == "beside: weather string")
    number = 100 + WRITERS.index(plain)
    came = apply_all(partition, NEIGHBOUR, frame(number, plain.body()), *(frame(100 + i, w.body(event_id=str(i)))
        for i, w in enumerate(WRITERS) if w.name.startswith("lines:") and not w.reason))  # fmt: skip
    histories = history_of([came])
    assert len(histories) == 3
    assert {int(each.taken[0, TAKEN_SCHEMA]) for each in histories} >= {REGISTRY.id_of("Touchpoint"), number}
    mine = next(each for each in histories if each.taken[0, TAKEN_SCHEMA] == number)
    assert bytes(mine.buffer[mine.taken[0, 0] : mine.taken[0, 0] + mine.taken[0, 1]]) == plain.body()
    assert (
        REGISTRY.schema(REGISTRY.id_of("Touchpoint"))["fields"][0]["name"] == histories[-1].schema["fields"][0]["name"]
    )

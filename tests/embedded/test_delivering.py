"""`relasi run` with endpoints: a touchpoint that comes in over HTTP goes out as a signed webhook, once."""

import datetime as dt
import json
import signal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from standardwebhooks.webhooks import Webhook
from support.command import finish, relasi, rows
from support.listening import SECRET, Listening, listening, settings_for
from support.receivers import Receiver, receiving
from support.rules import text_with
from support.running import stop, until

RULES: Final = """
[triggers.bought]
on = "touchpoint: order_completed"
when = "purchases >= 1"
transactional = true
payload = { template = "thanks" }

[triggers.quiet]
on = "touchpoint: signed_in"
hold_out = 0.0
"""


def event(number: int, name: str = "Order Completed", who: str = "ann") -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": "track",
        "event": name,
        "userId": who,
        "messageId": f"m{number}",
        "timestamp": now,
        "properties": {"order_id": f"o{number}", "revenue": 20.0, "currency": "USD"} if "Order" in name else {},
    }


def with_rules(folder: Path) -> tuple[str, ...]:
    file = folder / "policy.toml"
    file.write_text(text_with(RULES))
    return ("--policy", str(file), "--tick-seconds", "0.5")


def send(here: Listening, *events: dict[str, Any]) -> None:
    assert here.post("/v1/batch", {"batch": list(events)}) == (200, {"success": True})


def has(receiver: Receiver, count: int) -> bool:
    return len(receiver.ids()) >= count


def test_a_touchpoint_over_http_goes_out_as_a_signed_webhook(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        listening(tmp_path / "data", *with_rules(tmp_path), settings=settings_for(receiver, tmp_path)) as here,
    ):
        send(here, event(1), event(2, "Signed In"))
        until(lambda: len(receiver.received) > 0)
        (only,) = receiver.received
        body = Webhook(SECRET).verify(only.body, only.headers)
        (row,) = rows(here.data, "SELECT * FROM triggers WHERE outcome = 'sent'")
        assert only.headers["webhook-id"] == f"trg_{row['id']}"
        assert (row["rule"], row["customer_id"], row["evidence_event_id"]) == ("bought", "ann", "m1")
        assert "bought" in json.dumps(body)
        assert [each["outcome"] for each in rows(here.data, "SELECT outcome FROM triggers WHERE rule = 'quiet'")] == [
            "no_consent"
        ]
        assert stop(here.process).code == 0
    told = relasi("query", "SELECT state, attempts FROM deliveries", "--data", tmp_path / "data", "--format", "json")
    assert json.loads(told.out) == [{"state": "delivered", "attempts": 1}]


@pytest.mark.slow
def test_a_kill_loses_nothing_and_repeats_only_under_the_same_id(tmp_path: Path) -> None:
    with receiving() as receiver:
        settings = settings_for(receiver, tmp_path)
        for round_ in range(3):
            with listening(tmp_path / "data", *with_rules(tmp_path), settings=settings) as here:
                send(here, *(event(10 * round_ + i, who=f"c{round_}-{i}") for i in range(4)))
                until(partial(has, receiver, 4 * round_ + 1))
                here.process.send_signal(signal.SIGKILL)
                finish(here.process)
        with listening(tmp_path / "data", *with_rules(tmp_path), settings=settings):
            until(lambda: len(receiver.ids()) == 12)
        assert all(len(bodies) == 1 for bodies in receiver.ids().values())


ASKING: Final = """
[properties]
plan = "string"
seats = "number"

[consent]
email = ["Newsletter"]

[triggers.gold]
on = "touchpoint: signed_in"
when = "properties.plan == 'gold' and properties.seats >= 5"
hold_out = 0.0
"""


def test_traits_and_the_consent_of_a_banner_reach_the_rules(tmp_path: Path) -> None:
    def call(number: int, who: str, **fields: Any) -> dict[str, Any]:
        return {**event(number, "Signed In", who), **fields}

    def agreed(yes: bool) -> dict[str, Any]:
        return {"consent": {"categoryPreferences": {"newsletter": yes, "Analytics": True}}}

    # At whatever hour the test runs.
    (tmp_path / "policy.toml").write_text(text_with(ASKING, 'quiet_hours = ""\n'))
    with (
        receiving() as receiver,
        listening(
            tmp_path / "data",
            "--policy",
            str(tmp_path / "policy.toml"),
            "--tick-seconds",
            "0.5",
            settings=settings_for(receiver, tmp_path),
        ) as here,
    ):
        traits = {"plan": "gold", "seats": 12}
        for i, who in enumerate(("ann", "bob", "cat", "dan")):
            send(here, {**call(i, who), "type": "identify", "traits": {**traits, "seats": 3 if who == "dan" else 12}})
        send(
            here,
            call(10, "ann", context=agreed(yes=True)),
            call(11, "bob", context=agreed(yes=False)),
            call(12, "cat", context={"consentManagement": {"allowedConsentIds": ["Newsletter"]}, "traits": traits}),
            call(13, "dan", context=agreed(yes=True)),
        )
        until(lambda: len(receiver.received) == 2)
        found = rows(here.data, "SELECT customer_id, outcome FROM triggers ORDER BY customer_id")
        assert [(each["customer_id"], each["outcome"]) for each in found] == [
            ("ann", "sent"),
            ("bob", "no_consent"),
            ("cat", "sent"),
        ]
        assert stop(here.process).code == 0

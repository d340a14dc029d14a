"""What is of the past goes to nobody: an import, a late file, a rebuild; and then the log goes on live."""

import datetime as dt
import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import relasi, rows
from support.listening import Listening, listening, settings_for
from support.receivers import Receiver, receiving
from support.rules import text_with
from support.running import stop, until

BOUGHT: Final = '[triggers.bought]\non = "touchpoint: order_completed"\ntransactional = true\n'
ASKED: Final = (
    '[triggers.asked]\non = "touchpoint: order_completed"\nwhen = "purchases >= 1"\ntransactional = true\n'
    "valid_hours = 8000\n"
)
LOYAL: Final = '[triggers.loyal]\non = "stage: any -> exploration"\ntransactional = true\nvalid_hours = 8000\n'


def order(number: int, who: str, ago: float = 0.0, **fields: Any) -> dict[str, Any]:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=ago)
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": who,
        "messageId": f"m{number}",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "properties": {"order_id": f"o{number}", "revenue": 20.0, "currency": "USD"},
        **fields,
    }


def policy(folder: Path, name: str, rules: str) -> str:
    (folder / name).write_text(text_with(rules))
    return str(folder / name)


def send(here: Listening, *events: dict[str, Any]) -> None:
    assert here.post("/v1/batch", {"batch": list(events)}) == (200, {"success": True})


def file_of(folder: Path, name: str, first: int, count: int, days_ago: float) -> Path:
    lines = ["event_id,customer_id,occurred_at,kind,amount,currency"]
    for i in range(first, first + count):
        at = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago * (first + count - i) / count)
        lines.append(f"f{i},c{i % 7},{at.isoformat(timespec='seconds')},order_completed,20.00,USD")
    (folder / name).write_text("\n".join(lines))
    return folder / name


def settled(here: Listening, count: int) -> bool:
    return int(rows(here.data, "SELECT count() AS n FROM touchpoints")[0]["n"]) >= count


def got(receiver: Receiver, count: int) -> bool:
    return len(receiver.ids()) >= count


def outcomes(here: Listening, rule: str) -> list[str]:
    found = rows(here.data, f"SELECT DISTINCT outcome FROM triggers WHERE rule = '{rule}' ORDER BY outcome")
    return [each["outcome"] for each in found]


@pytest.mark.slow
def test_only_what_is_live_goes_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    words = ("--policy", policy(tmp_path, "one.toml", BOUGHT), "--tick-seconds", "0.5")
    assert relasi("import", file_of(tmp_path, "history.csv", 0, 40, 700), "--data", data, *words[:2]).code == 0
    with (
        receiving() as receiver,
        listening(data, *words, settings=settings_for(receiver, tmp_path)) as here,
    ):
        # A late file into a process that runs, and events that come days late.
        assert relasi("import", file_of(tmp_path, "late.csv", 100, 20, 30), "--data", data).code == 0
        send(here, order(1, "late", ago=30.0))
        send(here, order(2, "live"))
        until(partial(got, receiver, 1))
        assert outcomes(here, "bought") == ["sent", "stale"]
        # A rule that the past would have met from the start: what it says of it goes to nobody.
        ran = relasi("rebuild", "--policy", policy(tmp_path, "two.toml", BOUGHT + ASKED + LOYAL), "--data", data)
        assert ran.code == 0, ran.err
        assert "sent" in outcomes(here, "asked")
        send(here, order(3, "other"))
        until(partial(got, receiver, 4))
        assert sorted(told(receiver)) == [
            ("asked", "other"),
            ("bought", "live"),
            ("bought", "other"),
            ("loyal", "other"),
        ]
        assert stop(here.process).code == 0


def told(receiver: Receiver) -> list[tuple[str, str]]:
    bodies = [json.loads(each.body)["data"] for each in receiver.received]
    return [(each["rule"], each["customer_id"]) for each in bodies]

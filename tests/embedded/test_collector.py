"""`relasi run --http`: what was answered is in the log and comes into the reports, whatever happens to the process."""

import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import content, done, relasi, rows
from support.listening import BROWSER_KEY, SERVER_KEY, SETTINGS, Listening, Sender, listening
from support.running import stop, until

ORDER: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "anonymousId": "a1",
    "messageId": "m1",
    "timestamp": "2026-03-01T12:00:00.000Z",
    "context": {"campaign": {"name": "spring"}, "timezone": "Europe/Berlin", "library": {"name": "analytics.js"}},
    "properties": {
        "order_id": "o1",
        "revenue": 19.99,
        "currency": "EUR",
        "products": [{"sku": "T", "quantity": 2, "price": 9.995}],
    },
}
TOUCHPOINTS = "SELECT * FROM touchpoints ORDER BY event_id"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    with listening(tmp_path_factory.mktemp("listening") / "data") as it:
        yield it


def test_an_event_comes_into_the_reports_with_every_field(here: Listening) -> None:
    assert here.post("/v1/batch", {"batch": [ORDER, ORDER]}) == (200, {"success": True})
    until(lambda: len(rows(here.data, "SELECT 1 FROM touchpoints WHERE event_id = 'm1'")) > 0)
    (row,) = rows(here.data, "SELECT * FROM touchpoints WHERE event_id = 'm1'")
    assert (row["customer_id"], row["anonymous_id"], row["kind"], row["channel"]) == (
        "u1", "a1", "order_completed", "web",
    )  # fmt: skip
    assert row["occurred_at"] == "2026-03-01T12:00:00.000Z"
    assert (int(row["amount_minor"]), row["currency"], row["order_id"], row["campaign"]) == (
        1999,
        "EUR",
        "o1",
        "spring",
    )
    assert row["properties"]["timezone"] == "Europe/Berlin"
    assert "1 on 1 days, 21.59 USD" in done("customer", "u1", "--known", "--data", here.data)


def test_what_is_refused_comes_into_the_rejects(here: Listening) -> None:
    bad = {"type": "track", "event": "Order Completed", "userId": "u2", "properties": {"revenue": "much"}}
    status, answer = here.post("/v1/batch", {"batch": [bad, {**ORDER, "messageId": "m2", "userId": "u2"}]}, BROWSER_KEY)
    assert (status, answer["success"], answer["rejected"][0]["code"]) == (200, True, "bad_number")
    query = "SELECT reason, source, payload FROM rejects WHERE source = 'http:web'"
    until(lambda: len(rows(here.data, query)) == 1)
    (row,) = rows(here.data, query)
    assert row["reason"] == "bad_number"
    assert '"revenue": "much"' in row["payload"]


def test_an_alias_makes_two_ids_one_customer(here: Listening) -> None:
    assert here.post("/v1/alias", {"previousId": "a9", "userId": "u9"})[0] == 200
    query = "SELECT fact, customer_id, namespace, into_id FROM links WHERE into_id = 'a9'"
    until(lambda: len(rows(here.data, query)) == 1)
    (row,) = rows(here.data, query)
    assert row == {"fact": "merged", "customer_id": "u9", "namespace": "known", "into_id": "a9"}


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_that_was_answered_is_there_once_after_a_kill(tmp_path: Path, seed: int) -> None:
    with listening(tmp_path / "data") as it:
        senders = [Sender(it.url, number) for number in range(10)]
        threads = [sender.start() for sender in senders]
        enough = random.Random(seed).randrange(100, 600)
        until(lambda: sum(len(sender.confirmed) for sender in senders) > enough)
        it.process.send_signal(signal.SIGKILL)
        it.process.wait()
        for thread in threads:
            thread.join()
    confirmed = {each for sender in senders for each in sender.confirmed}
    found = [row["event_id"] for row in content_after(it.data)]
    assert len(found) == len(set(found)), "nothing is there twice"
    assert confirmed <= set(found), "what was answered by 200 is there"
    assert len(found) <= sum(sender.sent * sender.size for sender in senders)


def content_after(data: Path) -> list[dict[str, Any]]:
    done("query", "SELECT 1", "--data", data)
    return content(data, "touchpoints")["touchpoints"]


def test_what_was_answered_before_it_stopped_is_there(tmp_path: Path) -> None:
    with listening(tmp_path / "data") as it:
        bad = {"type": "track", "userId": "u2"}
        assert it.post("/v1/batch", {"batch": [ORDER, bad]})[0] == 200
        ended = stop(it.process)
        assert (ended.code, ended.out) == (0, "")
    found = content(it.data, "touchpoints", "rejects")
    assert [row["event_id"] for row in found["touchpoints"]] == ["m1"]
    assert [row["reason"] for row in found["rejects"]] == ["no_kind"]


@pytest.mark.parametrize(
    ("words", "settings", "told"),
    [
        (("--http", "127.0.0.1:0"), "", "has no [sources.NAME]"),
        (("--http", "8080"), SETTINGS, "'8080' is no address"),
        (("--http", "192.0.2.1:80"), SETTINGS, "choose another"),
        (("--http", "127.0.0.1:0"), "[sources.x]\n", "it has no key"),
    ],
)
def test_what_is_wrong_with_the_settings_is_told(
    tmp_path: Path, words: tuple[str, ...], settings: str, told: str
) -> None:
    (tmp_path / "relasi.toml").write_text(settings)
    ran = relasi("run", "--data", tmp_path / "data", "--settings", tmp_path / "relasi.toml", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_sources_are_added_to_what_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "relasi.toml"
    file.write_text('# ours\nprefix = "shop" # of topics')
    words = ("--settings", file)
    out = done(
        "sources", *words, "add", "web", "--browser", "--origin", "https://shop.example", "--host", "https://c.x/"
    )
    assert '<script src="https://c.x/v1/relasi.js?writeKey=pk_' in out
    assert "origin" not in out.lower().split("script")[0]
    assert out.count("analytics.track(") == 4
    out = done("sources", *words, "add", "crm", "--server")
    key = out.split("key ")[1].split()[0]
    for name in ("@segment/analytics-node", "segment-analytics-python", "rudder-sdk-python", "rudder-sdk-node", "curl"):
        assert name in out
    assert file.read_text().startswith('# ours\nprefix = "shop" # of topics\n\n[sources.web]\n')
    listed = done("sources", *words)
    assert "https://shop.example" in listed
    assert key not in listed, "a secret is not shown"
    for name, told in (("web", "already"), ("Web", "small letters")):
        ran = relasi("sources", *words, "add", name, "--server")
        assert ran.code == 2
        assert told in ran.err
    # What is printed for one SDK of Python is run as it stands.
    printed = out.split("segment-analytics-python\n")[1].split("\n\n")[0]
    with listening(tmp_path / "data", settings=file.read_text()) as it:
        program = textwrap.dedent(printed).replace("http://127.0.0.1:8080", it.url)
        subprocess.run([sys.executable, "-c", f"{program}\nanalytics.shutdown()"], check=True)
        query = "SELECT customer_id, kind, amount_minor, currency FROM touchpoints"
        until(lambda: len(rows(it.data, query)) == 1)
        (sent,) = rows(it.data, query)
        assert list(sent.values()) == ["customer-4711", "order_completed", 2500, "EUR"]
        assert it.post("/v1/page", {"userId": "u"}, key)[0] == 200
        assert it.post("/v1/page", {"userId": "u"}, SERVER_KEY)[0] == 401


def test_a_file_of_settings_that_is_not_there_is_made_with_its_first_source(tmp_path: Path) -> None:
    """As `make live` asks for it."""
    file = tmp_path / "new.toml"
    assert "No such file" in relasi("sources", "--settings", file).err
    done("sources", "--settings", file, "add", "web", "--browser", "--host", "http://127.0.0.1:8080")
    assert file.stat().st_mode & 0o777 == 0o600
    assert done("sources", "--settings", file).startswith("web  browser  pk_")


def test_what_make_live_asks_for_is_understood(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "live", f"LIVE={tmp_path}", "PORT=0", "VENV=v"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    commands = [line.strip().removeprefix("@") for line in shown.splitlines() if f"{tmp_path}" in line]
    (adding,) = [line.split("v/bin/relasi ")[1] for line in commands if " sources " in line]
    done(*adding.split())
    assert (tmp_path / "relasi.toml").read_text().startswith("[sources.web]")
    (running,) = [line.split("v/bin/relasi ")[1] for line in commands if " run " in line]
    assert running.split()[:3] == ["run", "--data", f"{tmp_path}/data"]

"""Unmodified SDKs, from their registries, some of them in a browser: every event in the reports, every field right."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import rows
from support.forked import ENVIRONMENT
from support.listening import BROWSER_KEY, SERVER_KEY, Listening, listening
from support.running import until
from support.sdks import PERSON, Site, browser, evaluated, run_node, visit, visiting

AT = "2026-03-01T12:00:00.000Z"
LINES = [{"sku": "T", "category": "tea", "quantity": 2, "amount_minor": 1999}]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    with listening(tmp_path_factory.mktemp("listening") / "data") as it:
        yield it


def touchpoints(here: Listening, user: str, kinds: set[str]) -> dict[str, dict[str, Any]]:
    """The touchpoints of a customer by kind, once all of these are there; each is there once."""
    query = f"SELECT * FROM touchpoints WHERE customer_id = '{user}' OR anonymous_id = '{user}'"
    until(lambda: kinds <= {row["kind"] for row in rows(here.data, query)})
    found = rows(here.data, query)
    assert sorted(row["kind"] for row in found) == sorted(kinds)
    return {row["kind"]: row for row in found}


def check_order(row: dict[str, Any], user: str, device: str | None) -> None:
    lines = [{**line, "amount_minor": int(line["amount_minor"])} for line in row["lines"]]
    assert lines == LINES
    assert (int(row["amount_minor"]), row["currency"], row["order_id"]) == (1999, "EUR", f"{user}-o1")
    assert row["properties"]["coupon"] == "X"
    assert (row["customer_id"], row["anonymous_id"]) == (user, device)


SERVERS = {"node segment": "server", "node rudder": "server", "python segment": "server", "python rudder": "server"}


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_an_sdk_of_a_server(here: Listening, node: None, which: str) -> None:
    language, sdk = which.split()
    user = f"{language}-{sdk}"
    words = (sdk, here.url, SERVER_KEY, user)
    if language == "node":
        run_node(*words)
    else:
        # Warnings of other people's packages are theirs.
        ran = subprocess.run(
            [sys.executable, "-m", "support.sdks_py", *words],
            env={**ENVIRONMENT, "HOME": os.environ["HOME"]}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
    kinds = {"identified", "order_completed", "page_viewed", "screen_viewed", "group_joined"}
    found = touchpoints(here, user, kinds)
    check_order(found["order_completed"], user, f"{user}-device")
    assert {row["occurred_at"] for row in found.values()} == {AT}
    assert found["order_completed"]["campaign"] == "spring"
    assert found["order_completed"]["channel"] == "server"
    told = found["order_completed"]["properties"]
    assert (told["timezone"], told["locale"], told["context.campaign.source"]) == ("Europe/Berlin", "de-DE", "mail")
    assert found["identified"]["properties"]["plan"] == "pro"
    assert found["page_viewed"]["properties"]["path"] == "/"
    assert found["page_viewed"]["properties"]["name"] == "Home"
    assert found["screen_viewed"]["properties"]["name"] == "Main"
    assert found["group_joined"]["properties"]["group_id"] == "acme"
    assert found["group_joined"]["properties"]["seats"] == "9"
    query = f"SELECT customer_id FROM identities WHERE id = '{user}-device'"
    until(lambda: rows(here.data, query) == [{"customer_id": user}])


def test_jitsu(here: Listening, node: None) -> None:
    run_node("jitsu", here.url, SERVER_KEY, "node-jitsu")
    found = touchpoints(here, "node-jitsu", {"identified", "order_completed", "page_viewed", "group_joined"})
    check_order(found["order_completed"], "node-jitsu", "node-jitsu-device")
    assert found["identified"]["properties"]["plan"] == "pro"
    assert found["group_joined"]["properties"]["group_id"] == "acme"


def test_an_sdk_with_a_wrong_key_hears_of_it(here: Listening) -> None:
    """An error without code and message would be a KeyError in one SDK, and be tried ten times."""
    for sdk in ("segment", "rudder"):
        ran = subprocess.run(
            [sys.executable, "-m", "support.sdks_py", sdk, here.url, "wrong_key", "nobody"],
            env={**ENVIRONMENT, "HOME": os.environ["HOME"]}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 1
        assert "401" in ran.stderr or "write key" in ran.stderr
        assert "KeyError" not in ran.stderr


CALLS = """
  const order = { order_id: user + "-o1", revenue: 19.99, currency: "EUR", coupon: "X",
                  products: [{ product_id: "T", category: "tea", quantity: 2, price: 9.995 }] };
"""
SEGMENT = """
  analytics.setAnonymousId(user + "-device");
  await analytics.page("Home", { own: "1" });
  await analytics.identify(user, { plan: "pro" });
  await analytics.track("Order Completed", order);
  await analytics.group("acme", { seats: 9 });
  window.addEventListener("pagehide", function () { analytics.track("Page Left"); });
  location.href = "/next";
"""
NEXT = "<!doctype html><script>setTimeout(() => fetch('/done?said=next'), 1500)</script>"
REPORT_ERRORS = """
  window.addEventListener("error", (e) => fetch("/done?said=" + encodeURIComponent("error: " + e.message)));
  window.addEventListener("unhandledrejection", (e) => fetch("/done?said=" + encodeURIComponent("error: " + e.reason)));
"""


def page(head: str, script: str, user: str) -> str:
    return (
        f"<!doctype html><meta charset=utf-8><title>Shop</title><script>{REPORT_ERRORS}</script>{head}"
        f"<script>(async function () {{ const user = {json.dumps(user)};{CALLS}{script} }})();</script>"
    )


def segment_next(url: str, user: str) -> str:
    head = '<script src="/npm/@segment/analytics-next/dist/umd/index.js"></script>'
    load = f"""
      const analytics = AnalyticsNext.AnalyticsBrowser.load(
        {{ writeKey: "{BROWSER_KEY}", cdnURL: "{url}" }},
        {{ integrations: {{ "Segment.io": {{ deliveryStrategy: {{ config: {{ keepalive: true }} }} }} }} }});
    """
    return page(head, load + SEGMENT, user)


def snippet(url: str, user: str) -> str:
    head = f'<script src="{url}/v1/relasi.js?writeKey={BROWSER_KEY}" data-page="off"></script>'
    return page(head, "const analytics = window.analytics;" + SEGMENT, user)


def rudder(url: str, user: str) -> str:
    head = '<script src="/npm/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script>'
    load = f"""
      const analytics = new (rudderanalytics.RudderAnalytics || rudderanalytics)();
      const done = (call) => new Promise((resolve) => call(resolve));
      analytics.load("{BROWSER_KEY}", "{url}", {{ configUrl: "{url}", useBeacon: true,
        beaconQueueOptions: {{ flushQueueInterval: 200 }}, sendAdblockPage: false, anonymousIdOptions: {{}} }});
      analytics.setAnonymousId(user + "-device");
      await new Promise((resolve) => analytics.ready(resolve));
      analytics.page("Home", {{ own: "1" }});
      analytics.identify(user, {{ plan: "pro" }});
      analytics.track("Order Completed", order);
      analytics.group("acme", {{ seats: 9 }});
      window.addEventListener("pagehide", () => analytics.track("Page Left"));
      location.href = "/next";
    """
    return page(head, load, user)


BROWSERS = {"segment": segment_next, "snippet": snippet, "rudder": rudder}


@pytest.mark.parametrize("which", BROWSERS)
def test_an_sdk_in_a_browser(here: Listening, browser: str, tmp_path: Path, which: str) -> None:
    user = f"browser-{which}"
    with Site({"/": BROWSERS[which](here.url, user), "/next": NEXT}) as site:
        assert visit(site, "/", tmp_path / "profile") == ["next"]
    device = f"{user}-device"
    # The page that was seen before anybody signed in is the customer's.
    found = touchpoints(here, user, {"identified", "order_completed", "group_joined", "page_left", "page_viewed"})
    check_order(found["order_completed"], user, device)
    row = found["page_viewed"]
    told = row["properties"]
    assert (told["name"], told["own"], told["title"], told["path"]) == ("Home", "1", "Shop", "/")
    assert (row["customer_id"], row["namespace"], row["anonymous_id"]) == (user, "known", device)
    assert row["channel"] == "web"
    assert "bot" not in told
    assert told["context.userAgent"] == PERSON
    assert told["context.ip"] == "127.0.0.0"
    assert told["locale"].startswith("en")
    assert told["timezone"]
    assert found["identified"]["properties"]["plan"] == "pro"
    assert found["group_joined"]["properties"]["group_id"] == "acme"


def test_a_robot_is_flagged(here: Listening, browser: str, tmp_path: Path) -> None:
    user = "browser-robot"
    with Site({"/": snippet(here.url, user), "/next": NEXT}) as site:
        visit(site, "/", tmp_path / "profile", PERSON.replace("Chrome/", "HeadlessChrome/"))
    found = touchpoints(here, user, {"identified", "order_completed", "group_joined", "page_left"})
    assert {row["properties"]["bot"] for row in found.values()} == {"true"}


def clicked(name: str) -> str:
    return f"document.querySelector('[data-call={name}]').click()"


def shows(text: str) -> str:
    """Resolves when the page shows a text."""
    return f"""new Promise((resolve) => {{
      const look = () => document.body.textContent.includes({json.dumps(text)}) ? resolve(true) : setTimeout(look, 50);
      look();
    }})"""


def test_the_demo_shows_the_customer_that_the_clicks_made(browser: str, tmp_path: Path) -> None:
    with listening(tmp_path / "data", "--demo") as it, visiting(f"{it.url}/demo", tmp_path / "profile"):
        asyncio.run(
            evaluated(
                tmp_path / "profile",
                shows("Nothing was sent yet"),
                "new Promise((done) => {"
                "  const look = () => window.analytics.relasi ? done() : setTimeout(look, 50); look(); })",
                clicked("view"),
                shows("Product Viewed was sent"),
                clicked("identify"),
                shows("Customer demo-"),
                clicked("order"),
                shows("1 on 1 days, 25.00 USD"),
            )
        )


@pytest.fixture(scope="session")
def node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: it runs, or fetches, the SDKs of npm")


@pytest.fixture(scope="session", name="browser")
def a_browser(node: None) -> str:
    found = browser()
    if found is None:
        pytest.skip("no browser: install chromium")
    return found

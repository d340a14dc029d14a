"""Paths, keys, bodies and answers: what unmodified SDKs send, and what each of them needs to hear."""

import asyncio
import base64
import gzip
import json
import zlib
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from support.collecting import BROWSER, NOW, SERVER, place

from streams.collector.bodies import MOST_BYTES
from streams.collector.collector import TROUBLE_SECONDS, Request
from streams.collector.limits import Waiting
from streams.log.writer import MessageTooLarge, NotWritten

PAGE = {"type": "page", "anonymousId": "a1", "messageId": "m1", "timestamp": NOW}
OK = (200, {"success": True})
CALLS = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a"}
BODY: dict[str, Any] = {"anonymousId": "a", "userId": "u", "event": "Signed In", "groupId": "g", "previousId": "a"}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_its_paths(call: str) -> None:
    for path in (f"/v1/{call}", f"/v1/{CALLS[call]}", f"/v1/{call}/", f"/api/s/{call}", f"/api/s/s2s/{call}"):
        here = place()
        assert here.ask(path, BODY) == OK
        assert len(here.memory.messages) == 1


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/api/s/batch"])
def test_every_batch_has_its_paths(path: str) -> None:
    here = place()
    assert here.ask(path, {"batch": [PAGE, {**PAGE, "messageId": "m2"}]}) == OK
    assert [each["event_id"] for each in here.memory.touchpoints] == ["m1", "m2"]


def test_a_batch_may_be_a_list_or_one_event_and_may_be_empty() -> None:
    here = place()
    assert here.ask("/v1/batch", [PAGE]) == OK
    assert here.ask("/v1/batch", PAGE) == OK
    assert here.ask("/v1/batch", {"batch": []}) == OK
    assert len(here.memory.messages) == 2


def test_the_context_of_a_batch_is_that_of_its_events() -> None:
    here = place()
    here.ask("/v1/batch", {"batch": [{**PAGE, "context": {"app": "a"}}], "context": {"app": "b", "locale": "de"}})
    assert here.memory.touchpoints[0]["properties"] == {"context.app": "a", "locale": "de"}


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(user.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        ({"authorization": basic("sk_server_01:")}, "", {}),
        ({"authorization": basic("sk_server_01:ignored")}, "", {}),
        ({"authorization": "Bearer sk_server_01"}, "", {}),
        ({"x-write-key": "sk_server_01"}, "", {}),
        ({"x-write-key": "sk_server_01:secret"}, "", {}),
        ({}, "writeKey=sk_server_01", {}),
        ({}, "", {"writeKey": "sk_server_01"}),
    ],
)
def test_the_key_is_found_where_each_sdk_puts_it(headers: dict[str, str], query: str, body: dict[str, str]) -> None:
    assert place().ask("/v1/page", {**PAGE, **body}, key=None, headers=headers, query=query) == OK


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_write_key"),
        ({"authorization": "Basic !!"}, "no_write_key"),
        ({"authorization": basic("nobody:")}, "unknown_write_key"),
        ({"x-write-key": "nobody"}, "unknown_write_key"),
    ],
)
def test_without_a_key_it_is_401(headers: dict[str, str], code: str) -> None:
    status, answer = place().ask("/v1/page", PAGE, key=None, headers=headers)
    assert (status, answer["code"]) == (401, code)
    assert answer["message"]


TEXT = json.dumps(PAGE).encode()
ZIPPED = gzip.compress(TEXT, mtime=0)  # no time of day, or two processes would collect other tests


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (TEXT, {"content-type": "text/plain"}),
        (TEXT, {}),
        (b"\xef\xbb\xbf \n" + TEXT + b"\n", {}),
        (ZIPPED, {"content-encoding": "gzip"}),
        (ZIPPED, {}),
        (ZIPPED, {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}),
        (TEXT, {"content-encoding": "gzip"}),
        (gzip.compress(TEXT[:20], mtime=0) + gzip.compress(TEXT[20:], mtime=0) + b"\0\0", {"content-encoding": "gzip"}),
        (zlib.compress(TEXT), {"content-encoding": "deflate"}),
        (b"data=" + quote(TEXT).encode(), {"content-type": "application/x-www-form-urlencoded"}),
        (quote(TEXT).encode(), {"content-type": "application/x-www-form-urlencoded"}),
    ],
)
def test_a_body_is_what_its_bytes_are(body: bytes, headers: dict[str, str]) -> None:
    here = place()
    assert here.ask("/v1/page", body, headers=headers) == OK
    assert here.memory.touchpoints[0]["event_id"] == "m1"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "empty_body"),
        (b"   ", {}, 400, "empty_body"),
        (b"{", {}, 400, "bad_json"),
        (b"hello", {}, 400, "bad_json"),
        (b"[1,2]", {}, 400, "bad_json"),
        (b'"x"', {}, 400, "bad_json"),
        (b'{"a":1}{"b":2}', {}, 400, "bad_json"),
        (ZIPPED[:-9], {}, 400, "bad_compression"),
        (b"\x1f\x8bnonsense", {}, 400, "bad_compression"),
        (ZIPPED + b"more", {}, 400, "bad_compression"),
        (ZIPPED + gzip.compress(b" " * MOST_BYTES, mtime=0), {}, 413, "request_too_large"),
        (TEXT, {"content-encoding": "br"}, 415, "unknown_encoding"),
        (gzip.compress(b" " * (MOST_BYTES + 1) + TEXT, mtime=0), {}, 413, "request_too_large"),
        (b" " * (MOST_BYTES + 1), {}, 413, "request_too_large"),
    ],
)
def test_errors_have_a_code_and_a_message(body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    """A Python SDK raises KeyError for an error without them, and sends it ten times."""
    found, answer = place().ask("/v1/page", body, headers=headers)
    assert (found, answer["code"], answer["success"]) == (status, code, False)
    assert answer["message"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"batch":{}}', 400, "bad_json"),
        (b'{"batch":[{}', 400, "bad_json"),
        (b'{"batch":[1 2]}', 400, "bad_json"),
        (b'{"batch":[1,]}', 400, "bad_json"),
        (b'{"sentAt":1}', 400, "no_batch"),
        (b'{"batch":[' + b",".join([b"{}"] * 2501) + b"]}", 413, "too_many_events"),
    ],
)
def test_a_batch_that_is_none(body: bytes, status: int, code: str) -> None:
    found, answer = place().ask("/v1/batch", body)
    assert (found, answer["code"]) == (status, code)


def test_a_lone_event_that_is_refused_is_an_error_and_kept() -> None:
    here = place()
    status, answer = here.ask("/v1/page", {"messageId": "m"})
    assert (status, answer["code"]) == (400, "no_customer")
    assert [each["reason"] for each in here.memory.rejects] == ["no_customer"]
    big = here.ask("/v1/page", {**PAGE, "properties": {"x": "y" * 40_000}})
    assert (big[0], big[1]["code"]) == (413, "event_too_large")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (b'{"type":"page","userId":"u","properties":{"x":"\xff"}}', "bad_text"),
        (b'{"type":"page","userId":"u","properties":{"x":"\\ud800"}}', "bad_json"),
        (b'{"type":"page","userId":"u","properties":{"x":NaN}}', "bad_json"),
        (b'{"type":"page","userId":"u",}', "bad_json"),
        (b'{"type":"page","userId":"u","properties":{"x":' + b"[" * 2000 + b"]" * 2000 + b"}}", "nested_too_deeply"),
    ],
)
def test_bytes_that_are_no_event_are_refused_alone(event: bytes, code: str) -> None:
    here = place()
    good = TEXT
    status, answer = here.ask("/v1/batch", b'{"batch":[' + good + b", " + event + b" ," + good + b"]}")
    assert (status, answer["rejected"][0]["code"]) == (200, code)
    assert len(here.memory.touchpoints) == 2
    assert here.memory.rejects[0]["payload"] == event


def test_escaped_names_are_the_names() -> None:
    here = place()
    assert here.ask("/v1/batch", TEXT.join([b'{"\\u0062atch":[', b"]}"])) == OK
    assert len(here.memory.touchpoints) == 1


def test_a_pixel_is_an_image() -> None:
    here = place()
    event = {**PAGE, "writeKey": SERVER.key, "properties": {"s": "üß?>~"}}
    for data in (base64.b64encode, base64.urlsafe_b64encode):
        text = data(json.dumps(event).encode()).decode().rstrip("=")
        status, body = here.ask("/v1/pixel/page", method="GET", key=None, query="data=" + quote(text))
        assert (status, body[:6]) == (200, b"GIF89a")
    assert [each["properties"]["s"] for each in here.memory.touchpoints] == ["üß?>~"] * 2
    assert here.ask("/v1/pixel/page", method="GET", query="data=*")[1]["code"] == "bad_data"
    assert here.ask("/v1/pixel/page", method="GET")[1]["code"] == "no_data"


def test_metrics_of_the_sdk_are_swallowed() -> None:
    here = place()
    assert here.ask("/v1/m", b"anything", key=None) == OK
    assert here.memory.messages == []


def test_settings_name_this_host_and_nothing_is_said_to_the_vendor() -> None:
    here = place()
    _, told = here.ask(f"/v1/projects/{BROWSER.key}/settings", method="GET", key=None)
    segment = told["integrations"]["Segment.io"]
    assert (segment["apiHost"], segment["protocol"], segment["apiKey"]) == ("collect.example/v1", "https", BROWSER.key)
    assert told["metrics"]["sampleRate"] == 0
    for path in ("/sourceConfig", "/sourceConfig/"):
        _, told = here.ask(path, method="GET", key=BROWSER.key)
        assert told["source"]["writeKey"] == BROWSER.key
        assert told["source"]["destinations"] == []
        assert told["source"]["config"]["statsCollection"]["errors"]["enabled"] is False
    assert here.ask("/v1/projects/nobody/settings", method="GET", key=None)[0] == 401


def test_the_snippet_has_the_sdk_its_licence_and_the_settings() -> None:
    here = place()
    status, script = here.ask("/v1/relasi.js", method="GET", key=None, query=f"writeKey={BROWSER.key}")
    assert status == 200
    assert b"MIT License" in script
    assert b'"apiHost":"collect.example/v1"' in script
    assert b"/*SETTINGS*/" not in script
    assert here.ask("/v1/relasi.js", method="GET", key=None, query=f"writeKey={SERVER.key}")[0] == 403
    bad = {"host": "x</script>"}
    assert here.ask("/v1/relasi.js", method="GET", key=BROWSER.key, headers=bad)[1]["code"] == "bad_host"


def test_other_paths_and_methods() -> None:
    here = place()
    assert here.ask("/v1/nothing")[1]["code"] == "not_found"
    status, answer = here.ask("/v1/page", method="GET")
    assert (status, answer["code"]) == (405, "wrong_method")
    assert here.ask("/livez", method="GET", key=None)[0] == 200
    assert here.ask("/v1/openapi.json", method="GET", key=None)[1]["openapi"] == "3.1.0"
    assert here.ask("/metrics", method="GET", key=None, address="8.8.8.8")[1]["code"] == "not_for_you"
    assert b"relasi_collector_requests" in here.ask("/metrics", method="GET", key=None, address="127.0.0.1")[1]


def test_origins_are_those_of_the_source() -> None:
    here = place(replace(BROWSER, origins=("https://shop.example",)), SERVER)
    for origin, status in (("https://shop.example", 200), ("https://evil.example", 403)):
        assert here.ask("/v1/page", PAGE, key=BROWSER.key, headers={"origin": origin})[0] == status
    assert here.ask("/v1/page", PAGE, key=SERVER.key, headers={"origin": "https://evil.example"})[0] == 200


def test_too_many_events_of_a_key_or_an_address_are_told_when_to_come_again() -> None:
    here = place(replace(SERVER, rate=2.0), replace(BROWSER, address_rate=1.0))
    assert here.ask("/v1/batch", {"batch": [PAGE] * 30}) == OK
    status, answer = here.ask("/v1/page", PAGE)
    assert (status, answer["code"]) == (429, "too_many_events")
    here.clock.move(6)
    assert here.ask("/v1/page", PAGE) == OK
    assert len(here.memory.messages) == 31
    for _ in range(10):
        assert here.ask("/v1/page", PAGE, key=BROWSER.key, address="203.0.113.1") == OK
    assert here.ask("/v1/page", PAGE, key=BROWSER.key, address="203.0.113.1")[0] == 429
    assert here.ask("/v1/page", PAGE, key=BROWSER.key, address="203.0.113.2") == OK


def answer_of(place_: Any, body: bytes = TEXT) -> Any:
    headers = {"host": "h", "authorization": basic(SERVER.key)}
    return asyncio.run(place_.collector.answer(Request("POST", "/v1/page", "", headers, ""), body))


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (NotWritten("the disk is full"), 503, "log_unavailable"),
        (MessageTooLarge(0, 2, 1), 413, "message_too_large"),
    ],
)
def test_what_the_log_does_not_take_is_no_success(failure: Exception, status: int, code: str) -> None:
    here = place()
    here.memory.failure = failure
    answer = answer_of(here)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    assert (dict(answer.headers).get("Retry-After") is not None) == (status == 503)
    assert here.collector.waiting.bytes == 0
    if status == 503:
        assert here.ask("/readyz", method="GET", key=None)[0] == 503
        here.memory.failure = None
        assert here.ask("/v1/page", PAGE) == OK
        assert here.ask("/readyz", method="GET", key=None)[0] == 200


def test_whoever_is_sent_nothing_after_a_failure_becomes_ready_by_time() -> None:
    """A balancer sends nothing to who is not ready, and so nothing would tell that the log is back."""
    here = place()
    here.memory.failure = NotWritten("the disk is full")
    answer_of(here)
    here.clock.move(TROUBLE_SECONDS - 1)
    assert here.ask("/readyz", method="GET", key=None) == (503, b"the disk is full\n")
    here.clock.move(1)
    assert here.ask("/readyz", method="GET", key=None)[0] == 200
    answer_of(here)
    assert here.ask("/readyz", method="GET", key=None)[0] == 503


def test_while_the_log_leaves_a_write_without_an_answer_nothing_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.collector.collector.ANSWER_SECONDS", 0.01)
    here = place()

    async def ready() -> bool:
        return (await here.collector.answer(Request("GET", "/readyz", "", {}, ""), b"")).status == 200

    async def work() -> None:
        here.memory.gate = asyncio.Event()
        headers = {"authorization": basic(SERVER.key)}
        answer = await here.collector.answer(Request("POST", "/v1/page", "", headers, ""), TEXT)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "log_slow")
        here.clock.move(10 * TROUBLE_SECONDS)
        assert not await ready()
        here.memory.gate.set()
        await here.collector.drained()
        assert await ready()

    asyncio.run(work())
    assert len(here.memory.messages) == 1


def test_what_waits_for_the_log_is_bounded() -> None:
    here = place(waiting=Waiting(len(TEXT) - 1))
    answer = answer_of(here)
    assert (answer.status, json.loads(answer.body)["code"], dict(answer.headers)) == (503, "busy", {"Retry-After": "1"})
    assert here.memory.messages == []


def test_the_answer_waits_for_the_log() -> None:
    here = place()

    async def work() -> None:
        here.memory.gate = asyncio.Event()
        headers = {"authorization": basic(SERVER.key)}
        asked = asyncio.ensure_future(here.collector.answer(Request("POST", "/v1/page", "", headers, ""), TEXT))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asked.done()
        assert here.collector.waiting.bytes == len(TEXT)
        here.memory.gate.set()
        assert (await asked).status == 200
        assert here.collector.waiting.bytes == 0

    asyncio.run(work())

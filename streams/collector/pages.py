"""What a collector gives: settings of SDKs, the script of a page, its own description, and how it is."""

import base64
import binascii
import ipaddress
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import orjson
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.collector.answers import Answer
from streams.collector.keys import key_in_head, source_of
from streams.collector.openapi import description
from streams.collector.problems import RequestRefused
from streams.collector.routes import Action, Route
from streams.collector.sources import BROWSER, Source

if TYPE_CHECKING:
    from streams.collector.collector import Collector, Request

SCRIPT: Final = "text/javascript; charset=utf-8"
_STATIC: Final = "streams.collector"
_SDK: Final = "analytics-next-1.84.3.js"
_HOST: Final = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")
_CACHED: Final = ("Cache-Control", "public, max-age=300")
_PRIVATE: Final = ("Cache-Control", "no-store")


def pixel_text(query: str) -> bytes:
    """The event in the address of an image: ``data``, JSON in Base64. Raises RequestRefused."""
    told = parse_qs(query, max_num_fields=100).get("data", [""])[0]
    if not told:
        raise RequestRefused(400, "no_data", "a pixel needs ?data= with an event, JSON in Base64")
    try:
        # A plus of Base64 that was not escaped has become a space, and who writes addresses leaves = out.
        bare = told.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestRefused(400, "bad_data", f"data is no Base64: {error}") from error


def page_of(route: Route, request: "Request", collector: "Collector") -> Answer:
    """The page of a route. Raises RequestRefused."""
    if route.action is Action.OPENAPI:
        return _json(description(), _CACHED)
    if route.action is Action.HEALTH:
        return Answer(200, b"ok\n", "text/plain; charset=utf-8", (_PRIVATE,))
    if route.action is Action.READY:
        status, text = (503, collector.failing) if collector.failing else (200, "ok")
        return Answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8", (_PRIVATE,))
    if route.action is Action.METRICS:
        return _metrics(request, collector)
    if route.action in (Action.DEMO, Action.CUSTOMER):
        return _demo(collector)
    if route.action is Action.SCRIPT:
        return Answer(200, static(request.path.rpartition("/")[2]), SCRIPT, (_CACHED,))
    source = source_of(collector.sources, key_in_head(request.headers, request.query, route.key), {})
    if route.action is Action.SETTINGS:
        return _json(settings_of(source, request), _CACHED)
    if route.action is Action.SOURCE_CONFIG:
        return _json(source_config(source), _CACHED)
    assert route.action is Action.SNIPPET
    return Answer(200, snippet(source, request), SCRIPT, (_CACHED,))


def _json(value: object, *headers: tuple[str, str]) -> Answer:
    return Answer(200, orjson.dumps(value), headers=headers)


def _metrics(request: "Request", collector: "Collector") -> Answer:
    """What was counted, for those nearby only: the port is open to the world."""
    try:
        near = not request.address or ipaddress.ip_address(request.address).is_private
    except ValueError:
        near = False
    if not near:
        raise RequestRefused(403, "not_for_you", "metrics are shown to private addresses only")
    return Answer(200, collector.counts.page(), CONTENT_TYPE_LATEST, (_PRIVATE,))


def _host(request: "Request") -> str:
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise RequestRefused(400, "bad_host", "the request names no host that a browser could be told to send to")
    return host


def settings_of(source: Source, request: "Request") -> dict[str, Any]:
    """Settings of Segment's SDKs. Without ``metrics.sampleRate`` 0 they report to their vendor, and without ``apiHost``
    with the path they send there."""
    host = _host(request)
    segment = {
        "apiKey": source.key,
        "apiHost": f"{host}/v1",
        "protocol": request.scheme,
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
        "maybeBundledConfigIds": {},
        "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
    }
    return {
        "integrations": {"Segment.io": segment},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}, "identify": {}, "group": {}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
        "cdn": f"{request.scheme}://{host}",
    }


def source_config(source: Source) -> dict[str, Any]:
    """Settings of RudderStack's SDKs: no destination, and nothing for the vendor."""
    silent = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    return {
        "source": {
            "id": source.name,
            "name": source.name,
            "writeKey": source.key,
            "enabled": True,
            "workspaceId": "relasi",
            "config": {"statsCollection": silent},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
        "consentManagementMetadata": {},
    }


@cache
def static(name: str) -> bytes:
    """A file that comes with the collector."""
    return (files(_STATIC) / "static" / name).read_bytes()


def snippet(source: Source, request: "Request") -> bytes:
    """The script of a page: the SDK, and its settings. A page with a module loader must not catch the SDK first."""
    if source.kind != BROWSER:
        raise RequestRefused(403, "not_for_browsers", f"[sources.{source.name}] has a server's key; never show it")
    # JSON in a script: < could end it.
    settings = orjson.dumps(settings_of(source, request)).replace(b"<", b"\\u003c")
    start = static("snippet.js").replace(b"/*SETTINGS*/ null", settings)
    licence = (
        b"/*! @segment/analytics-next 1.84.3, under this licence:\n" + static("analytics-next-LICENSE.md") + b"*/\n"
    )
    return licence + b"(function(self,define,exports,module){" + static(_SDK) + b"\n}).call(window,window);\n" + start


def _demo(collector: "Collector") -> Answer:
    source = next((each for each in collector.sources.all if each.kind == BROWSER), None)
    if source is None or collector.customer is None:
        raise RequestRefused(404, "not_found", "there is no demo here; `relasi run --http ADDRESS --demo` shows one")
    page = static("demo.html").replace(b"/*KEY*/", source.key.encode())
    return Answer(200, page, "text/html; charset=utf-8", (_PRIVATE,))

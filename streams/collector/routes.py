"""The paths of a collector, and what is done at each."""

from enum import Enum
from typing import Final, NamedTuple


class Action(Enum):
    """What a request asks for."""

    EVENT = "one event"
    BATCH = "events"
    PIXEL = "one event in the address, answered by an image"
    SWALLOW = "nothing that counts"
    SETTINGS = "settings of Segment's SDKs"
    SOURCE_CONFIG = "settings of RudderStack's SDKs"
    SNIPPET = "the script that a page loads"
    OPENAPI = "the description of this interface"
    HEALTH = "whether the collector lives"
    READY = "whether the log takes anything now"
    METRICS = "what was counted"
    DEMO = "a page to click on"
    CUSTOMER = "what the clicks made"
    SCRIPT = "a part of the SDK that it loads when it needs it"


class Route(NamedTuple):
    """``told``: the type of the event, empty where each says it itself; ``key``: in the path."""

    action: Action
    methods: tuple[str, ...]
    told: str = ""
    key: str = ""


_SHORT: Final = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
_POST: Final = ("POST",)
_GET: Final = ("GET", "HEAD")
_FIXED: Final[dict[str, Route]] = {
    **{f"/v1/{name}": Route(Action.EVENT, _POST, name) for name in _SHORT.values()},
    **{f"/v1/{short}": Route(Action.EVENT, _POST, name) for short, name in _SHORT.items()},
    **{f"/v1/pixel/{name}": Route(Action.PIXEL, _GET, name) for name in _SHORT.values()},
    **{f"/api/s/{name}": Route(Action.EVENT, _POST, name) for name in _SHORT.values()},
    **{f"/api/s/s2s/{name}": Route(Action.EVENT, _POST, name) for name in _SHORT.values()},
    "/api/s/event": Route(Action.EVENT, _POST),
    "/api/s/batch": Route(Action.BATCH, _POST),
    "/api/s/s2s/batch": Route(Action.BATCH, _POST),
    "/v1/batch": Route(Action.BATCH, _POST),
    "/v1/b": Route(Action.BATCH, _POST),
    "/v1/import": Route(Action.BATCH, _POST),
    "/beacon/v1/batch": Route(Action.BATCH, _POST),
    "/v1/m": Route(Action.SWALLOW, _POST),
    "/sourceConfig": Route(Action.SOURCE_CONFIG, _GET),
    "/v1/relasi.js": Route(Action.SNIPPET, _GET),
    "/v1/openapi.json": Route(Action.OPENAPI, _GET),
    "/livez": Route(Action.HEALTH, _GET),
    "/readyz": Route(Action.READY, _GET),
    "/metrics": Route(Action.METRICS, _GET),
    "/demo": Route(Action.DEMO, _GET),
    "/demo/customer": Route(Action.CUSTOMER, _GET),
    "/v1/queryString.bundle.34b193ada8fe288d1bd1.js": Route(Action.SCRIPT, _GET),
}
_SETTINGS: Final = ("/v1/projects/", "/settings")
PATHS: Final = tuple(_FIXED)


def route_of(path: str) -> Route | None:
    """The route of a path, a slash at its end or not."""
    path = path.rstrip("/")
    if found := _FIXED.get(path):
        return found
    before, after = _SETTINGS
    if path.startswith(before) and path.endswith(after):
        key = path[len(before) : -len(after)]
        return Route(Action.SETTINGS, _GET, key=key) if key and "/" not in key else None
    return None

"""The description of the interface, OpenAPI 3.1."""

from functools import cache
from typing import Any, Final

from streams.collector.bodies import MOST_BYTES
from streams.collector.requests import MOST_EVENT_BYTES, MOST_EVENTS

_JSON: Final = "application/json"
_TEXT: Final = {"type": ["string", "null"]}
_ID: Final = {"type": ["string", "integer", "null"]}
_OBJECT: Final = {"type": ["object", "null"]}
_TIME: Final = {"type": ["string", "null"], "description": "ISO 8601, as in 2026-02-01T12:00:00.000Z"}
_CALLS: Final = ("identify", "track", "page", "screen", "group", "alias")
_NEEDED: Final = {"track": ["event"], "group": ["groupId"], "alias": ["userId", "previousId"]}

_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": f"One event, of at most {MOST_EVENT_BYTES:,} bytes. It names userId, anonymousId or both.",
    "properties": {
        "userId": _ID,
        "anonymousId": _ID,
        "messageId": _ID,
        "timestamp": _TIME,
        "originalTimestamp": _TIME,
        "sentAt": _TIME,
        "context": _OBJECT,
        "properties": _OBJECT,
        "traits": _OBJECT,
        "event": _TEXT,
        "name": _TEXT,
        "groupId": _ID,
        "previousId": _ID,
    },
}
_SUCCESS: Final = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": {"const": True},
        "refused": {"type": "integer", "description": "How many events of a batch were refused."},
        "rejected": {
            "type": "array",
            "description": "The first hundred of them; the others of the batch count.",
            "items": {
                "type": "object",
                "required": ["index", "code", "message"],
                "properties": {
                    "index": {"type": "integer"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
_ERROR: Final = {
    "type": "object",
    "required": ["success", "code", "message"],
    "properties": {"success": {"const": False}, "code": {"type": "string"}, "message": {"type": "string"}},
}
_WHY: Final = {
    "400": "Nothing is taken: no JSON, or an event that can't be one. Sending it again changes nothing.",
    "401": "No write key, or one that no source has.",
    "403": "The source does not list the page's origin, or a server's key was used where everybody sees it.",
    "408": "The body did not come in time; send it again.",
    "413": f"More than {MOST_BYTES:,} bytes or {MOST_EVENTS:,} events, or an event of more than {MOST_EVENT_BYTES:,}.",
    "415": "A Content-Encoding that is not understood.",
    "429": "More events than the source takes; send it again after Retry-After seconds.",
    "500": "The collector has failed; its log says why. Send it again.",
    "503": "The log takes nothing now; send it again after Retry-After seconds.",
}


_AGAIN: Final = ("408", "429", "500", "503")


def _error(why: str, *, again: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": why,
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if again:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return answer


def _answers(success: dict[str, Any], *codes: str) -> dict[str, Any]:
    return {"200": success} | {code: _error(_WHY[code], again=code in _AGAIN) for code in codes}


def _post(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    taken = {
        "description": "The log has it, durably.",
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Success"}}},
    }
    return {
        "post": {
            "summary": summary,
            "security": [{"basic": []}, {"header": []}, {"query": []}],
            "requestBody": {"required": True, "content": {_JSON: {"schema": schema}}},
            "responses": _answers(taken, *_WHY),
        }
    }


def _event(call: str) -> dict[str, Any]:
    event: dict[str, Any] = {"$ref": "#/components/schemas/Event"}
    return {"allOf": [event, {"required": _NEEDED[call]}]} if call in _NEEDED else event


def _get(summary: str, kind: str, *codes: str, security: bool = True) -> dict[str, Any]:
    schema = {"type": "object"} if kind == _JSON else {"type": "string"}
    got = {"description": summary, "content": {kind: {"schema": schema}}}
    described: dict[str, Any] = {"summary": summary, "responses": _answers(got, *codes)}
    if security:
        described["security"] = [{"basic": []}, {"query": []}]
    return {"get": described}


@cache
def description() -> dict[str, Any]:
    """The document."""
    batch = {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {"type": "array", "maxItems": MOST_EVENTS, "items": {"$ref": "#/components/schemas/Typed"}},
            "sentAt": _TIME,
            "context": _OBJECT,
            "writeKey": {"type": "string"},
        },
    }
    typed = {
        "allOf": [
            {"$ref": "#/components/schemas/Event"},
            {"required": ["type"], "properties": {"type": {"enum": list(_CALLS)}}},
        ]
    }
    paths: dict[str, Any] = {f"/v1/{call}": _post(f"One {call} call.", _event(call)) for call in _CALLS}
    paths |= {path: _post("Several events.", batch) for path in ("/v1/batch", "/v1/import", "/beacon/v1/batch")}
    paths["/v1/relasi.js"] = _get("The script that a page loads.", "text/javascript", "400", "401", "403")
    paths["/v1/projects/{key}/settings"] = _get("Settings of Segment's SDKs.", _JSON, "400", "401", security=False) | {
        "parameters": [{"name": "key", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
    }
    paths["/sourceConfig"] = _get("Settings of RudderStack's SDKs.", _JSON, "401")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Relasi collector",
            "version": "1",
            "description": "Segment's HTTP tracking API, also as RudderStack and Jitsu speak it.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Event": _EVENT, "Typed": typed, "Success": _SUCCESS, "Error": _ERROR},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The write key is the user."},
                "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
                "query": {"type": "apiKey", "in": "query", "name": "writeKey"},
            },
        },
    }

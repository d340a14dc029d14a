"""Schemas that producers of touchpoints might have, each with a touchpoint and what it means in ours."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import fastavro

from schemas.registry import FileRegistry

OWN: Final = FileRegistry().schema(FileRegistry().id_of("Touchpoint"))
AT: Final = 1_700_000_000_123
LINE: Final = {"sku": "s1", "category": "socks", "quantity": 2, "amount_minor": 700}
VALUE: Final[dict[str, Any]] = {
    "event_id": "e1",
    "customer_id": "ann",
    "anonymous_id": "browser",
    "occurred_at": AT,
    "received_at": AT + 5,
    "kind": "order_completed",
    "channel": "shop",
    "amount_minor": 700,
    "currency": "USD",
    "cost_minor": 20,
    "margin_minor": 300,
    "campaign": "spring",
    "order_id": "o1",
    "lines": [LINE],
    "agent_id": "bob",
    "satisfaction": 4.5,
    "properties": {"discount": "1.00"},
    "import_id": "i-1",
    "known": False,
    "is_account": False,
}
LINE_TYPES: Final = {
    "sku": "string",
    "category": ["null", "string"],
    "quantity": "int",
    "amount_minor": ["null", "long"],
}


@dataclass(frozen=True)
class Writer:
    """``value``: as written; ``means``: what then differs from ``VALUE``; ``reason``: why it is a reject, if it is."""

    name: str
    schema: dict[str, Any]
    value: dict[str, Any]
    means: dict[str, Any] = field(default_factory=dict)
    reason: str = ""

    def body(self, **changed: Any) -> bytes:
        """The touchpoint in Avro, its schema taken without logical types: values are those on the wire."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(_wire(self.schema)), self.value | changed)
        return out.getvalue()


def _wire(kind: Any) -> Any:
    if isinstance(kind, list):
        return [_wire(branch) for branch in kind]
    if isinstance(kind, dict):
        return {
            key: _wire(value) if key in ("type", "items", "values", "fields") else value
            for key, value in kind.items()
            if key not in ("logicalType", "default", "doc")
        }
    return kind


def _field(name: str, kind: Any, written: Any, means: Any = ..., reason: str = "") -> Writer:
    fields = [{"name": f["name"], "type": kind if f["name"] == name else f["type"]} for f in OWN["fields"]]
    wanted = written if means is ... else means
    return Writer(f"{name}: {kind}", {**OWN, "fields": fields}, {**VALUE, name: written}, {name: wanted}, reason)


def _lines(name: str, types: Mapping[str, Any], written: Any, means: Any = ..., reason: str = "") -> Writer:
    fields = [{"name": n, "type": t} for n, t in types.items() if t is not None]
    kind = {"type": "array", "items": {"type": "record", "name": "Line", "fields": fields}}
    made = _field("lines", kind, written, means, reason)
    return Writer(f"lines: {name}", made.schema, made.value, made.means, reason)


def _beside(kind: Any, written: Any, name: str = "weather") -> Writer:
    fields = list(OWN["fields"])
    fields.insert(4, {"name": name, "type": kind})
    return Writer(f"beside: {name} {kind}", {**OWN, "fields": fields}, {**VALUE, name: written})


def _without(name: str, means: Any) -> Writer:
    fields = [f for f in OWN["fields"] if f["name"] != name]
    value = {key: written for key, written in VALUE.items() if key != name}
    return Writer(f"without {name}", {**OWN, "fields": fields}, value, {name: means})


def _enum(*symbols: str) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols)}


def _stamp(base: str, logical: str) -> dict[str, Any]:
    return {"type": base, "logicalType": logical}


def _map(values: Any, written: Any, means: Any = ...) -> Writer:
    return _field("properties", {"type": "map", "values": values}, {"a": written}, means)


_RECORD: Final = {"type": "record", "name": "W", "fields": [{"name": "t", "type": "double"}]}
_TWO: Final = {"type": "record", "name": "Line", "fields": [{"name": n, "type": t} for n, t in LINE_TYPES.items()]}

WRITERS: Final = [
    Writer("ours", OWN, VALUE),
    Writer("ours, backwards", {**OWN, "fields": OWN["fields"][::-1]}, VALUE),
    *(
        _field("channel", kind, written, means)
        for kind, written, means in (
            ("string", "shop", "shop"),
            (["string", "null"], "shop", "shop"),
            (["string", "null"], None, None),
            (["null", "bytes"], "bücher".encode(), "bücher"),
            ("bytes", b"", ""),
            (_stamp("string", "uuid"), "0-0", "0-0"),
            (["null", "string", "bytes"], b"x", "x"),
            (["null", "string", "int"], "x", "x"),
            (["null", _enum("web", "shop")], "shop", "shop"),
            (["null", "string", _enum("web", "shop")], "y", "y"),
            ("null", None, None),
            (["string"], "shop", "shop"),
        )
    ),
    _field("channel", ["null", "string", "int"], 5, reason="wrong_type"),
    _field("channel", "bytes", b"\xff\xfe", reason="bad_utf8"),
    _field("kind", _enum("page_viewed", "order_completed"), "order_completed"),
    _field("kind", ["null", "string"], "order_completed"),
    _field("kind", ["null", "string"], None, reason="missing_value"),
    _field("event_id", "bytes", b"e9", "e9"),
    _field("occurred_at", "long", AT),
    _field("occurred_at", ["null", _stamp("long", "timestamp-millis")], AT),
    _field("occurred_at", ["null", _stamp("long", "timestamp-millis")], None, reason="missing_value"),
    _field("occurred_at", _stamp("long", "timestamp-micros"), AT * 1000 + 999, AT),
    _field("occurred_at", _stamp("long", "timestamp-nanos"), AT * 10**6 + 999_999, AT),
    _field("occurred_at", "int", 1_700_000_000),
    *(
        _field("amount_minor", kind, written)
        for kind, written in (
            ("long", 700),
            ("int", -5),
            (["long", "null"], None),
            (["null", "int"], 700),
            (["null", "int", "long"], 2**40),
            ("null", None),
        )
    ),
    *(
        _field("satisfaction", kind, written)
        for kind, written in (
            ("double", 0.1),
            ("float", 1.5),
            (["null", "float"], 2.5),
            (["double", "null"], None),
            ("int", 3),
            (["null", "long"], 4),
            (["null", "int", "double"], 4.25),
        )
    ),
    _map("string", "b"),
    _map("long", -7, {"a": "-7"}),
    _map("int", 7, {"a": "7"}),
    _map("double", 0.1, {"a": "0.1"}),
    _map("float", 0.1, {"a": "0.1"}),
    _map(["null", "float", "double"], 0.1, {"a": "0.1"}),
    _map("boolean", True, {"a": "true"}),
    _map("bytes", b"x", {"a": "x"}),
    _map(_enum("x", "b"), "b", {"a": "b"}),
    _map(["null", "string"], "b", {"a": "b"}),
    _map(["null", "string"], None, {}),
    _map(["string", "long", "boolean"], False, {"a": "false"}),
    _map(["null", "string", {"type": "array", "items": "string"}], ["b"], {}),
    _map(_RECORD, {"t": 1.0}, {}),
    _field("properties", ["null", {"type": "map", "values": "string"}], {"a": "b"}),
    _field("properties", ["null", {"type": "map", "values": "string"}], None, {}),
    _field("properties", {"type": "map", "values": "bytes"}, {"a": b"\xff"}, reason="bad_utf8"),
    _lines("one more field", {**LINE_TYPES, "colour": "string"}, [{**LINE, "colour": "red"}] * 2, [LINE] * 2),
    _lines("one more in front", {"colour": ["null", "long"], **LINE_TYPES}, [{**LINE, "colour": 5}], [LINE]),
    _lines("backwards", dict(reversed(LINE_TYPES.items())), [LINE, LINE]),
    _lines("quantity long", {**LINE_TYPES, "quantity": "long"}, [LINE]),
    _lines("quantity large", {**LINE_TYPES, "quantity": "long"}, [{**LINE, "quantity": 2**31}], reason="out_of_range"),
    _lines("quantity small", {**LINE_TYPES, "quantity": "long"}, [{**LINE, "quantity": -(2**31)}]),
    _lines("amount nullable otherwise", {**LINE_TYPES, "amount_minor": ["int", "null"]}, [LINE]),
    _lines("category enum", {**LINE_TYPES, "category": _enum("hats", "socks")}, [LINE]),
    _lines("sku bytes", {**LINE_TYPES, "sku": "bytes"}, [{**LINE, "sku": b"s1"}], [LINE]),
    _lines("sku null", {**LINE_TYPES, "sku": ["null", "string"]}, [{**LINE, "sku": None}], reason="missing_value"),
    _lines("no category", {**LINE_TYPES, "category": None}, [LINE], [{**LINE, "category": None}]),
    _lines("no amount", {**LINE_TYPES, "amount_minor": None}, [LINE], [{**LINE, "amount_minor": None}]),
    _field("lines", ["null", {"type": "array", "items": _TWO}], [LINE]),
    _field("lines", ["null", {"type": "array", "items": _TWO}], None, []),
    _field("lines", {"type": "array", "items": ["null", _TWO]}, [None, LINE, None], [LINE]),
    *(
        _beside(kind, written)
        for kind, written in (
            ("string", "rain"),
            (["null", "int"], None),
            (["null", "string", "long", {"type": "array", "items": "string"}], ["x"]),
            (_RECORD, {"t": 1.0}),
            ({"type": "map", "values": "double"}, {"a": 1.0}),
            ({"type": "array", "items": _RECORD}, [{"t": 1.0}]),
            (_enum("x"), "x"),
            ({"type": "fixed", "name": "F", "size": 3}, b"xyz"),
            ({"type": "record", "name": "Empty", "fields": []}, {}),
        )
    ),
    _beside("string", "somebody else", "customer"),
    _beside("string", "web", "Channel"),
    _without("channel", None),
    _without("lines", []),
    _without("properties", {}),
    _without("satisfaction", None),
    _without("anonymous_id", None),
]

"""Random Avro schemas, records of them, and a writer of every encoding that the specification allows."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LONG: Final = st.integers(-(1 << 63), (1 << 63) - 1)
INT: Final = st.integers(-(1 << 31), (1 << 31) - 1)
SINGLE: Final = st.floats(width=32, allow_nan=False)
DOUBLE: Final = st.floats(allow_nan=False)

PRIMITIVES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INT,
    "long": LONG,
    "float": SINGLE,
    "double": DOUBLE,
    "bytes": st.binary(max_size=20),
    "string": TEXT,
}


def long_bytes(value: int) -> bytes:
    """Zig-zag varint, written independently of the code under test."""
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    return bytes([*out, raw])


@dataclass
class Names:
    """Fresh names for the named types and fields of one schema."""

    count: int = 0
    reusable: list[Any] = field(default_factory=list)

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"


@st.composite
def types(draw: st.DrawFn, names: Names, depth: int, *, empty: bool = True, unions: bool = True) -> Any:
    """Any type, nested up to ``depth``; without ``empty`` one whose values take a byte at least."""
    leaves = ["boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed", "named", "wrapped"]
    kinds = leaves + (["null"] if empty else []) + (["array", "map", "record"] if depth else [])
    kinds += ["optional", "union"] if depth and unions else []
    kind = draw(st.sampled_from(kinds))
    if kind in PRIMITIVES:
        return kind
    if kind == "wrapped":
        return {"type": draw(st.sampled_from(["string", "long"])), "logicalType": "whatever"}
    if kind == "named":
        return draw(st.sampled_from(names.reusable)) if names.reusable else "long"
    build: dict[str, Callable[[], Any]] = {
        "enum": lambda: named(names, {"type": "enum", "name": names.fresh("E"), "symbols": ["a", "b", "c"]}),
        "fixed": lambda: named(names, {"type": "fixed", "name": names.fresh("F"), "size": draw(st.integers(1, 9))}),
        "array": lambda: {"type": "array", "items": draw(types(names, depth - 1, empty=False))},
        "map": lambda: {"type": "map", "values": draw(types(names, depth - 1))},
        "record": lambda: record(draw, names, depth - 1, least=0 if empty else 1, empty=empty),
        "optional": lambda: draw(st.permutations(["null", draw(types(names, depth - 1, empty=False, unions=False))])),
        "union": lambda: union(draw, names, depth),
    }
    return build[kind]()


def named(names: Names, schema: dict[str, Any]) -> dict[str, Any]:
    names.reusable.append(schema["name"])
    return schema


def record(draw: st.DrawFn, names: Names, depth: int, *, least: int = 0, empty: bool = True) -> dict[str, Any]:
    kinds = [draw(types(names, depth, empty=empty)) for _ in range(draw(st.integers(least, 3)))]
    fields = [{"name": names.fresh("f"), "type": kind} for kind in kinds]
    return {"type": "record", "name": names.fresh("R"), "fields": fields}


def union(draw: st.DrawFn, names: Names, depth: int) -> list[Any]:
    """Branches that Avro allows beside each other and that Python values tell apart without hints."""
    pool = ["null", "boolean", "long", "double", "bytes", "string"]
    branches: list[Any] = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        branches.append({"type": "array", "items": draw(types(names, depth - 1, empty=False))})
    return branches


def definitions(schema: Any, found: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema, list):
        for branch in schema:
            definitions(branch, found)
    elif isinstance(schema, dict):
        if "name" in schema and isinstance(schema.get("type"), str):
            found.setdefault(schema["name"], schema)
        for key in ("type", "items", "values"):
            definitions(schema.get(key), found)
        for field in schema.get("fields", []):
            definitions(field["type"], found)
    return found


@st.composite
def writer_schemas(draw: st.DrawFn) -> dict[str, Any]:
    names = Names()
    fields = [{"name": f"field{i}", "type": draw(types(names, 3))} for i in range(draw(st.integers(1, 5)))]
    return {"type": "record", "name": "Top", "namespace": "tests", "fields": fields}


@dataclass
class Encoded:
    """A value as fastavro returns it, and one of its encodings."""

    value: Any
    body: bytes


@dataclass
class Maker:
    """Draws values of a schema and encodes them, with blocks cut and sized at will."""

    draw: st.DrawFn
    named: dict[str, Any]

    def make(self, schema: Any) -> Encoded:
        if isinstance(schema, str) and schema not in PRIMITIVES:
            schema = self.named[schema]
        if isinstance(schema, list):
            branch = self.draw(st.integers(0, len(schema) - 1))
            inner = self.make(schema[branch])
            return Encoded(inner.value, long_bytes(branch) + inner.body)
        if isinstance(schema, str):
            return self.primitive(schema)
        makers = {"enum": self.enum, "fixed": self.fixed, "array": self.array, "map": self.map, "record": self.record}
        maker = makers.get(schema["type"])
        return maker(schema) if maker else self.primitive(schema["type"])

    def primitive(self, name: str) -> Encoded:
        value = self.draw(PRIMITIVES[name])
        if name in {"int", "long"}:
            return Encoded(value, long_bytes(value))
        if name in {"string", "bytes"}:
            data = value.encode() if name == "string" else value
            return Encoded(value, long_bytes(len(data)) + data)
        formats = {"null": "", "boolean": "?", "float": "<f", "double": "<d"}
        return Encoded(value, struct.pack(formats[name], *([] if name == "null" else [value])))

    def enum(self, schema: Any) -> Encoded:
        index = self.draw(st.integers(0, len(schema["symbols"]) - 1))
        return Encoded(schema["symbols"][index], long_bytes(index))

    def fixed(self, schema: Any) -> Encoded:
        value = self.draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
        return Encoded(value, value)

    def record(self, schema: Any) -> Encoded:
        parts = {each["name"]: self.make(each["type"]) for each in schema["fields"]}
        return Encoded({name: part.value for name, part in parts.items()}, b"".join(p.body for p in parts.values()))

    def array(self, schema: Any) -> Encoded:
        items = [self.make(schema["items"]) for _ in range(self.draw(st.integers(0, 3)))]
        return Encoded([item.value for item in items], self.blocks([item.body for item in items]))

    def map(self, schema: Any) -> Encoded:
        keys = self.draw(st.lists(TEXT, max_size=3, unique=True))
        items = {key: self.make(schema["values"]) for key in keys}
        bodies = [long_bytes(len(key.encode())) + key.encode() + item.body for key, item in items.items()]
        return Encoded({key: item.value for key, item in items.items()}, self.blocks(bodies))

    def blocks(self, items: list[bytes]) -> bytes:
        """Items cut into blocks anywhere; a block with a negative count says its size in bytes."""
        out = b""
        while items:
            count = self.draw(st.integers(1, len(items)))
            body = b"".join(items[:count])
            if self.draw(st.booleans()):
                out += long_bytes(-count) + long_bytes(len(body)) + body
            else:
                out += long_bytes(count) + body
            items = items[count:]
        return out + b"\0"


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, Any], Encoded]:
    """A writer schema and a record of it."""
    schema = draw(writer_schemas())
    return schema, Maker(draw, definitions(schema, {})).make(schema)


def read_by_fastavro(schema: Any, body: bytes) -> Any:
    stream = io.BytesIO(body)
    value = fastavro.schemaless_reader(stream, fastavro.parse_schema(schema), None)
    assert stream.read() == b""
    return value


def written_by_fastavro(schema: Any, value: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


def read_only(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8) if data else np.frombuffer(b"\0", np.uint8)[:0]

"""An Avro schema turned into a program for the compiled decoder.

A program is a flat array of int32. Every op has four cells: code, slot (-1: skip the value), null (the branch number
of ``null`` when the value stands in a union of two with it, else -1), and an argument that depends on the code. All
jumps are relative to the op's own position, so that programs can be laid one behind the other in one array.

    leaf codes   the size of a fixed, the number of symbols of an enum, else unused
    BLOCKS       an array or map: the program of one item follows, closed by STOP; argument: distance to what is next
    RECORD       a record with a slot or in a union with null: program of its fields and STOP; argument as above
    UNION        any other union: slot holds the number of branches; one cell per branch follows with its distance
    JUMP         argument: distance to the end of the union
    STOP         end of the program, an item or a record

Records in records are laid out flat, and named types are expanded where they are used, so a type that contains itself
can't be compiled.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

OP_NULL: Final = 0
OP_LONG: Final = 1
OP_INT: Final = 2
OP_ENUM: Final = 3
OP_STRING: Final = 4
OP_BYTES: Final = 5
OP_DOUBLE: Final = 6
OP_FLOAT: Final = 7
OP_BOOLEAN: Final = 8
OP_FIXED: Final = 9
OP_BLOCKS: Final = 10
OP_RECORD: Final = 11
OP_UNION: Final = 12
OP_JUMP: Final = 13
OP_STOP: Final = 14

CELLS: Final = 4
SKIP: Final = -1
NO_NULL: Final = -1

_LONGEST_PROGRAM: Final = 1 << 16
_DEEPEST: Final = 64
_PRIMITIVES: Final = {
    "null": (OP_NULL, 0),
    "boolean": (OP_BOOLEAN, 1),
    "int": (OP_INT, 1),
    "long": (OP_LONG, 1),
    "float": (OP_FLOAT, 4),
    "double": (OP_DOUBLE, 8),
    "bytes": (OP_BYTES, 1),
    "string": (OP_STRING, 1),
}
_LANDINGS: Final = {
    "boolean": "integer",
    "int": "integer",
    "long": "integer",
    "enum": "integer",
    "float": "double",
    "double": "double",
    "string": "bytes",
    "bytes": "bytes",
    "fixed": "bytes",
    "array": "raw array",
    "map": "raw map",
    "record": "raw record",
    "error": "raw record",
}


_COMPLEX: Final = frozenset(_LANDINGS) - frozenset(_PRIMITIVES)


class PlanError(ValueError):
    """A schema that can't be decoded by a plan; the message names the field and what to change."""


class Compiler:
    """Collects the ops of one schema. ``named`` maps full names to definitions and the namespace they stand in."""

    def __init__(self) -> None:
        self.ops: list[int] = []
        self.named: dict[str, tuple[dict[str, Any], str]] = {}
        self.open: list[dict[str, Any]] = []

    def op(self, code: int, slot: int = SKIP, null: int = NO_NULL, argument: int = 0) -> int:
        """Append an op and return its position."""
        if len(self.ops) > _LONGEST_PROGRAM:
            raise PlanError("the schema expands to more than 65,536 cells; use fewer named types inside each other")
        if argument > np.iinfo(np.int32).max:
            raise PlanError(f"a fixed of {argument} bytes is larger than any message")
        self.ops += [code, slot, null, argument]
        return len(self.ops) - CELLS

    def look_up(self, schema: Any, namespace: str) -> tuple[Any, str]:
        """The definition behind a name or a wrapped type, and the namespace in which its own names are to be read."""
        while True:
            if isinstance(schema, dict):
                if schema.get("type") in _COMPLEX:
                    return self._define(schema, namespace)
                schema = schema.get("type")
            elif isinstance(schema, str) and schema not in _PRIMITIVES:
                full = f"{namespace}.{schema}" if namespace and "." not in schema else schema
                found = self.named.get(full) or self.named.get(schema)
                if found is None:
                    raise PlanError(f"type {schema!r} is not defined before it is used")
                return found
            elif isinstance(schema, (str, list)):
                return schema, namespace
            else:
                raise PlanError(f"{schema!r} is not an Avro type")

    def _define(self, schema: dict[str, Any], namespace: str) -> tuple[dict[str, Any], str]:
        if schema["type"] in {"array", "map"}:
            return schema, namespace
        name = str(schema["name"])
        full = name if "." in name else ".".join(filter(None, (schema.get("namespace", namespace), name)))
        inner = full.rpartition(".")[0]
        self.named[full] = (schema, inner)
        return schema, inner

    def emit(self, schema: Any, namespace: str, slot: int, null: int = NO_NULL) -> int:
        """Append the ops of a value; returns the least number of bytes that the value takes."""
        schema, namespace = self.look_up(schema, namespace)
        if isinstance(schema, list):
            return self._union(schema, namespace, slot)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in _PRIMITIVES:
            code, least = _PRIMITIVES[kind]
            self.op(code, slot, null)
            return least
        if kind == "enum":
            self.op(OP_ENUM, slot, null, len(schema["symbols"]))
            return 1
        if kind == "fixed":
            self.op(OP_FIXED, slot, null, int(schema["size"]))
            return int(schema["size"])
        if kind in {"record", "error"}:
            return self._record(schema, namespace, slot, null)
        return self._blocks(schema, namespace, slot, null)

    def _union(self, branches: list[Any], namespace: str, slot: int) -> int:
        nulls = [i for i, branch in enumerate(branches) if self.look_up(branch, namespace)[0] == "null"]
        if len(branches) == 2 and len(nulls) == 1:
            other = branches[1 - nulls[0]]
            if isinstance(self.look_up(other, namespace)[0], list):
                raise PlanError("a union stands directly in a union, which Avro doesn't allow")
            self.emit(other, namespace, slot, nulls[0])
            return 1
        start = self.op(OP_UNION, len(branches))
        table = len(self.ops)
        self.ops += [0] * len(branches)
        jumps = []
        for i, branch in enumerate(branches):
            self.ops[table + i] = len(self.ops) - start
            self.emit(branch, namespace, slot)
            jumps.append(self.op(OP_JUMP))
        for jump in jumps:
            self.ops[jump + 3] = len(self.ops) - jump
        return 1

    def _record(self, schema: dict[str, Any], namespace: str, slot: int, null: int) -> int:
        self._enter(schema)
        own = self.op(OP_RECORD, slot, null) if slot != SKIP or null != NO_NULL else None
        least = sum(self.emit(field["type"], namespace, SKIP) for field in schema["fields"])
        if own is not None:
            self.op(OP_STOP)
            self.ops[own + 3] = len(self.ops) - own
        self._leave()
        return least

    def _blocks(self, schema: dict[str, Any], namespace: str, slot: int, null: int) -> int:
        self._enter(schema)
        own = self.op(OP_BLOCKS, slot, null)
        if schema["type"] == "map":
            self.op(OP_STRING)
            self.emit(schema["values"], namespace, SKIP)
        elif self.emit(schema["items"], namespace, SKIP) == 0:
            raise PlanError("an array of items of zero bytes is refused: its length would not be bounded by its bytes")
        self.op(OP_STOP)
        self.ops[own + 3] = len(self.ops) - own
        self._leave()
        return 1

    def _enter(self, schema: dict[str, Any]) -> None:
        if any(schema is outer for outer in self.open):
            raise PlanError(
                f"type {schema.get('name')!r} contains itself; recursive types are not supported, flatten it"
            )
        self.open.append(schema)
        if len(self.open) > _DEEPEST:
            raise PlanError(f"the schema is nested deeper than {_DEEPEST} levels")

    def _leave(self) -> None:
        self.open.pop()

    def landing(self, schema: Any, namespace: str) -> str:
        """How a value of this type stands in its slot; empty for null."""
        schema, namespace = self.look_up(schema, namespace)
        if isinstance(schema, list):
            found = {self.landing(branch, namespace) for branch in schema} - {""}
            if len(found) > 1:
                raise PlanError(f"its union mixes {' and '.join(sorted(found))}, which one slot can't tell apart")
            return found.pop() if found else ""
        kind = schema if isinstance(schema, str) else schema["type"]
        return _LANDINGS.get(kind, "")


def compile_plan(writer_schema: Any, slots: Mapping[str, int], reader_schema: Any = None) -> npt.NDArray[np.int32]:
    """The program that decodes records written with ``writer_schema`` (parsed JSON, a record).

    ``slots`` maps names of top-level fields to rows of the decoder's output; other fields are checked and skipped, and
    a name that the schema lacks is simply never filled. With ``reader_schema``, every wanted field must land in the
    same way as there. Raises PlanError.
    """
    reader = _landings(reader_schema, slots) if reader_schema is not None else {}
    compiler = Compiler()
    record, namespace = compiler.look_up(writer_schema, "")
    if not isinstance(record, dict) or record["type"] != "record":
        raise PlanError("only records can be decoded by a plan; wrap the schema in a record")
    compiler.open.append(record)
    for field in record["fields"]:
        name = field["name"]
        slot = slots.get(name, SKIP)
        try:
            if slot != SKIP:
                lands = compiler.landing(field["type"], namespace)
                if reader.get(name, lands) != lands:
                    raise PlanError(f"it lands as {lands or 'null'}, but is read as {reader[name]}")
            compiler.emit(field["type"], namespace, slot)
        except PlanError as error:
            raise PlanError(f"field {name!r} of {record['name']!r}: {error}") from None
    compiler.op(OP_STOP)
    return np.array(compiler.ops, np.int32)


def _landings(schema: Any, slots: Mapping[str, int]) -> dict[str, str]:
    compiler = Compiler()
    record, namespace = compiler.look_up(schema, "")
    found = {}
    for field in record["fields"]:
        compiler.emit(field["type"], namespace, SKIP)
        if field["name"] in slots:
            found[field["name"]] = compiler.landing(field["type"], namespace)
    return found

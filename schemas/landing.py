"""Programs that put each type that a value may be of into a slot of its own, for those who convert it.

The program of a plan has one slot a field, and so takes no union of an enum and a string. Here each branch of a union
lands by itself, and what stands in the items of an array or a map can be had one by one.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.plan import OP_JUMP, OP_NULL, OP_RECORD, OP_STOP, OP_STRING, OP_UNION, SKIP, Compiler, PlanError

KEY: Final = 0
"""Slot of the key in the program of a map's entry."""


class Alternative(NamedTuple):
    """One type that a value may be of. ``namespace``: in which the names within ``schema`` are to be read."""

    slot: int
    kind: str
    logical: str
    schema: Any
    namespace: str


class Program(NamedTuple):
    """``slots``: how many. ``values``: by name the types that it may be of, none of them where it is always null."""

    ops: npt.NDArray[np.int32]
    slots: int
    values: dict[str, tuple[Alternative, ...]]
    present: int
    """Slot that is filled where an item is a record, and not null."""


class _Lander:
    def __init__(self, named: Mapping[str, Any], first: int = 0) -> None:
        self.compiler = Compiler()
        self.compiler.named.update(named)
        self.slots = first

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def land(self, schema: Any, namespace: str) -> tuple[Alternative, ...]:
        """Append the ops of a value; the types that it may be of."""
        logical = str(schema.get("logicalType", "")) if isinstance(schema, dict) else ""
        found, inner = self.compiler.look_up(schema, namespace)
        if isinstance(found, list):
            return self.branches(found, inner, self.land)
        kind = found if isinstance(found, str) else str(found["type"])
        if kind == "null":
            self.compiler.op(OP_NULL)
            return ()
        slot = self.slot()
        self.compiler.emit(found, inner, slot)
        return (Alternative(slot, kind, logical, found, inner),)

    def branches(self, branches: list[Any], namespace: str, land: Any) -> tuple[Alternative, ...]:
        """Append the ops of a union, its branches by ``land``."""
        ops = self.compiler.ops
        start = self.compiler.op(OP_UNION, len(branches))
        table = len(ops)
        ops += [0] * len(branches)
        found: list[Alternative] = []
        jumps = []
        for i, branch in enumerate(branches):
            ops[table + i] = len(ops) - start
            found += land(branch, namespace)
            jumps.append(self.compiler.op(OP_JUMP))
        for jump in jumps:
            ops[jump + 3] = len(ops) - jump
        return tuple(found)

    def fields(self, record: Any, namespace: str, wanted: Mapping[str, Any]) -> dict[str, tuple[Alternative, ...]]:
        """Append the ops of a record's fields; those that are not wanted are checked and skipped."""
        found = {}
        for field in record["fields"]:
            if field["name"] in wanted:
                found[field["name"]] = self.land(field["type"], namespace)
            else:
                self.compiler.emit(field["type"], namespace, SKIP)
        return found

    def end(self, values: dict[str, tuple[Alternative, ...]], present: int = SKIP) -> Program:
        self.compiler.op(OP_STOP)
        return Program(np.array(self.compiler.ops, np.int32), self.slots, values, present)


def land_record(schema: Any, wanted: Mapping[str, Any]) -> tuple[Program, dict[str, Any]]:
    """The program of a record with the values of the wanted fields, and the named types that it defines."""
    lander = _Lander({})
    record, namespace = lander.compiler.look_up(schema, "")
    return lander.end(lander.fields(record, namespace, wanted)), lander.compiler.named


def land_items(array: Alternative, named: Mapping[str, Any], wanted: Mapping[str, Any]) -> Program:
    """The program of one item of an array of records, which may be null. Raises PlanError."""
    lander = _Lander(named)
    values: dict[str, tuple[Alternative, ...]] = {}
    present = lander.slot()

    def item(schema: Any, namespace: str) -> tuple[Alternative, ...]:
        found, inner = lander.compiler.look_up(schema, namespace)
        kind = found if isinstance(found, str) else found["type"]
        if kind == "null":
            lander.compiler.op(OP_NULL)
        elif kind == "record" and not values:
            own = lander.compiler.op(OP_RECORD, present)
            values.update(lander.fields(found, inner, wanted))
            lander.compiler.op(OP_STOP)
            lander.compiler.ops[own + 3] = len(lander.compiler.ops) - own
        else:
            raise PlanError(f"field 'lines' is an array of {kind}; it is read as one of records")
        return ()

    items, namespace = lander.compiler.look_up(array.schema["items"], array.namespace)
    if isinstance(items, list):
        lander.branches(items, namespace, item)
    else:
        item(array.schema["items"], array.namespace)
    return lander.end(values, present)


def land_entries(entries: Alternative, named: Mapping[str, Any]) -> Program:
    """The program of one entry of a map: its key in slot ``KEY``, and its value under the name of ``value``."""
    lander = _Lander(named, KEY + 1)
    lander.compiler.op(OP_STRING, KEY)
    return lander.end({"value": lander.land(entries.schema["values"], entries.namespace)})

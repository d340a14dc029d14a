"""What is known of one schema id: how its records are read, or why they can't be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.plan import PlanError, compile_plan
from schemas.registry import NAMESPACE, FileRegistry, Registry, UnknownSchema
from schemas.touchpoint import FORWARD_SLOTS, LINK_SLOTS, MERGE_SLOTS, POLICY_SLOTS, TICK_SLOTS, TOUCHPOINT_SLOTS
from schemas.translation import Translation
from schemas.writers import bare, logical, own_fields, stored_as_they_are

TYPE_UNKNOWN: Final = 0
TYPE_TOUCHPOINT: Final = 1
TYPE_TICK: Final = 2
TYPE_POLICY: Final = 3
TYPE_LINK: Final = 4
TYPE_MERGE: Final = 5
TYPE_UNREADABLE: Final = 6
TYPE_FORWARD: Final = 7

_LOG: Final[dict[str, tuple[int, Mapping[str, int]]]] = {
    "Touchpoint": (TYPE_TOUCHPOINT, TOUCHPOINT_SLOTS),
    "Tick": (TYPE_TICK, TICK_SLOTS),
    "Policy": (TYPE_POLICY, POLICY_SLOTS),
    "Link": (TYPE_LINK, LINK_SLOTS),
    "Merge": (TYPE_MERGE, MERGE_SLOTS),
    "Forward": (TYPE_FORWARD, FORWARD_SLOTS),
}


@dataclass(frozen=True)
class Known:
    """``kind``: a TYPE; UNKNOWN where the registry has no such id, UNREADABLE where ``problem`` says why.

    ``program``: of the decoder; None where it reads nothing. ``translation``: of touchpoints that the reports could not
    take as they came. ``stored``: schema of the bodies that the reports get, without what reading them does not need.
    """

    schema_id: int
    kind: int
    program: npt.NDArray[np.int32] | None = None
    translation: Translation | None = None
    stored: Mapping[str, Any] | None = None
    problem: str = ""


@cache
def own_touchpoint() -> Mapping[str, Any]:
    """Our own schema of touchpoints, the newest."""
    own = FileRegistry()
    return own.schema(own.id_of("Touchpoint"))


def unknown(schema_id: int) -> Known:
    """An id that the registry does not have."""
    return Known(schema_id, TYPE_UNKNOWN)


def known(schema_id: int, schema: Mapping[str, Any]) -> Known:
    """What a schema makes of an id. Nothing is raised for one that can't be read: its records say why."""
    try:
        return _read(schema_id, schema)
    except PlanError as error:
        return Known(schema_id, TYPE_UNREADABLE, problem=f"schema id {schema_id}: {error}")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # A registry need not be the one that checks what it is given.
        return Known(schema_id, TYPE_UNREADABLE, problem=f"schema id {schema_id} is no Avro schema ({error!r})"[:500])


def look_up(registry: Registry, schema_id: int) -> Known:
    """Ask the registry for an id, whatever subject it belongs to. Raises RegistryError where it gives no answer."""
    try:
        return known(schema_id, registry.schema(schema_id))
    except UnknownSchema:
        return unknown(schema_id)


def look_up_all(registry: Registry, ids: Iterable[int] | None = None) -> list[Known]:
    """Of some ids, or of all that the registry lists as those of this log. Raises RegistryError."""
    return [look_up(registry, schema_id) for schema_id in sorted(set(registry.ids() if ids is None else ids))]


def _name(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Full name, and the name within our namespace, which is empty for that of somebody else."""
    namespace, _, name = str(schema.get("name", "")).rpartition(".")
    namespace = namespace or str(schema.get("namespace", ""))
    return f"{namespace}.{name}".strip("."), name if namespace == NAMESPACE else ""


def _read(schema_id: int, schema: Mapping[str, Any]) -> Known:
    full, name = _name(schema)
    if schema.get("type") != "record":
        raise PlanError(f"it is of type {str(schema.get('type'))[:100]!r}, and has to be a record")
    if name not in _LOG:
        records = ", ".join(f"{NAMESPACE}.{each}" for each in _LOG)
        raise PlanError(f"its record is named {full!r}; what is read here is {records}")
    own = FileRegistry()
    ours = own.schema(own.id_of(name))
    kind, slots = _LOG[name]
    if kind == TYPE_TOUCHPOINT:
        return _read_touchpoint(schema_id, schema, ours)
    there = {field["name"]: field["type"] for field in schema["fields"]}
    for field in ours["fields"]:
        name, wanted = field["name"], logical(field["type"])
        if name not in there:
            if "default" not in field:
                raise PlanError(f"field {name!r} is missing; it has to be of type {bare(field['type'])}")
        elif logical(there[name]) not in ("", wanted):
            raise PlanError(f"field {name!r} is of type {logical(there[name])}; it is read as {wanted or 'none'}")
    return Known(schema_id, kind, compile_plan(schema, slots, ours))


def _read_touchpoint(schema_id: int, schema: Mapping[str, Any], ours: Mapping[str, Any]) -> Known:
    # Made for plain ones too: it says what does not fit, by name and type.
    translation = Translation(schema, ours)
    if stored_as_they_are(schema, own_fields(ours)):
        return Known(schema_id, TYPE_TOUCHPOINT, compile_plan(schema, TOUCHPOINT_SLOTS, ours), None, bare(schema))
    return Known(schema_id, TYPE_TOUCHPOINT, None, translation, bare(ours))

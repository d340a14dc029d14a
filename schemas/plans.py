"""All decode programs of the log's records in one array, as the compiled loop wants them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.plan import PlanError, compile_plan
from schemas.registry import NAMESPACE, FileRegistry, Registry
from schemas.touchpoint import LINK_SLOTS, MERGE_SLOTS, POLICY_SLOTS, TICK_SLOTS, TOUCHPOINT_SLOTS

TYPE_OTHER: Final = 0
TYPE_TOUCHPOINT: Final = 1
TYPE_TICK: Final = 2
TYPE_POLICY: Final = 3
TYPE_LINK: Final = 4
TYPE_MERGE: Final = 5

_LOG: Final[dict[str, tuple[int, Mapping[str, int]]]] = {
    "Touchpoint": (TYPE_TOUCHPOINT, TOUCHPOINT_SLOTS),
    "Tick": (TYPE_TICK, TICK_SLOTS),
    "Policy": (TYPE_POLICY, POLICY_SLOTS),
    "Link": (TYPE_LINK, LINK_SLOTS),
    "Merge": (TYPE_MERGE, MERGE_SLOTS),
}


class Plans(NamedTuple):
    """``ids``: sorted wire schema ids; for each its type and the start of its program in ``ops`` (-1: none).

    ``plain``: 1 where arrays and maps are laid out as in the packaged schema, so that their bytes can be looked into.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8]
    plain: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int32]
    ops: npt.NDArray[np.int32]


def build_plans(registry: Registry, ids: Iterable[int] | None = None) -> Plans:
    """Plans of the given schema ids, or of all that the registry lists. Raises PlanError and RegistryError.

    A schema that isn't one of the log's records (or has the name of one in another namespace) gets type 0 and no
    program.
    """
    wanted = sorted(set(registry.ids() if ids is None else ids))
    reader = FileRegistry()
    own = _nested(reader.schema(reader.id_of("Touchpoint")))
    types, plain, starts, programs, size = [], [], [], [], 0
    for schema_id in wanted:
        schema = registry.schema(schema_id)
        kind, slots = _LOG.get(_log_name(schema), (TYPE_OTHER, {}))
        types.append(kind)
        plain.append(int(kind == TYPE_TOUCHPOINT and _nested(schema) == own))
        if kind == TYPE_OTHER:
            starts.append(-1)
            continue
        program = _program(schema_id, schema, slots, reader)
        starts.append(size)
        programs.append(program)
        size += program.size
    return Plans(
        np.array(wanted, np.int32),
        np.array(types, np.int8),
        np.array(plain, np.int8),
        np.array(starts, np.int32),
        np.concatenate(programs) if programs else np.zeros(0, np.int32),
    )


def with_unknown(plans: Plans, schema_id: int) -> Plans:
    """The same plans, with an id that no registry knows: its records become rejects, and nobody is asked again."""
    place = int(np.searchsorted(plans.ids, schema_id))
    return plans._replace(
        ids=np.insert(plans.ids, place, schema_id),
        types=np.insert(plans.types, place, TYPE_OTHER),
        plain=np.insert(plans.plain, place, 0),
        starts=np.insert(plans.starts, place, -1),
    )


def _log_name(schema: Mapping[str, Any]) -> str:
    namespace, _, name = str(schema.get("name", "")).rpartition(".")
    return name if (namespace or schema.get("namespace")) == NAMESPACE else ""


def _program(
    schema_id: int, schema: Mapping[str, Any], slots: Mapping[str, int], reader: FileRegistry
) -> npt.NDArray[np.int32]:
    try:
        return compile_plan(schema, slots, reader.schema(reader.id_of(_log_name(schema))))
    except PlanError as error:
        raise PlanError(f"schema id {schema_id}: {error}") from None


def _nested(schema: Mapping[str, Any]) -> list[Any]:
    """How a touchpoint's lines and properties are laid out in bytes."""
    types = {field["name"]: field["type"] for field in schema["fields"]}
    return [_layout(types.get(name)) for name in ("lines", "properties")]


def _layout(kind: Any) -> Any:
    """A type without what does not show in its bytes: names, documentation, defaults, logical types."""
    if isinstance(kind, list):
        return [_layout(branch) for branch in kind]
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "record":
        return [_layout(field["type"]) for field in kind["fields"]]
    inner = kind.get("items", kind.get("values"))
    return {kind["type"]: _layout(inner)} if inner is not None else _layout(kind["type"])

"""Schemas that name types of other subjects, as a Schema Registry keeps them, with these types put in."""

from collections.abc import Mapping
from typing import Any


def inlined(schema: Any, named: Mapping[str, Any]) -> Any:
    """The schema with each type that ``named`` defines (by full name) put in where it is first used."""
    return _put_in(schema, dict(named), "")


def _put_in(schema: Any, waiting: dict[str, Any], namespace: str) -> Any:
    if isinstance(schema, str):
        for name in (schema, f"{namespace}.{schema}"):
            if name in waiting:
                return _put_in(_with_full_name(waiting.pop(name), name), waiting, "")
        return schema
    if isinstance(schema, list):
        return [_put_in(branch, waiting, namespace) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("name", ""))
    inner = name.rpartition(".")[0] or str(schema.get("namespace", namespace))
    changed = dict(schema)
    for key in ("type", "items", "values"):
        if key in changed:
            changed[key] = _put_in(changed[key], waiting, inner)
    if isinstance(changed.get("fields"), list):
        changed["fields"] = [
            {**field, "type": _put_in(field["type"], waiting, inner)} if isinstance(field, dict) else field
            for field in changed["fields"]
        ]
    return changed


def _with_full_name(schema: Any, name: str) -> Any:
    """A definition that no longer depends on the namespace in which it stands."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "namespace"}
    return {**kept, "name": name}

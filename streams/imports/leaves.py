"""Columns of objects, opened up: the paths to the values within, as a mapping names them (``paths.py``)."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from streams.imports.reached import json_of

_DEEPEST: Final = 8


def opened_up(columns: dict[str, Any]) -> dict[str, Any]:
    """Text columns by name; in the place of one whose values are all objects of JSON, the paths to what is in them."""
    found: dict[str, Any] = {}
    for name, column in columns.items():
        objects = [value if isinstance(value := json_of(text), dict) else None for text in column.to_pylist()]
        if objects.count(None) > column.null_count or column.null_count == len(column):
            found[name] = column
            continue
        leaves = [dict(_leaves(name, each or {})) for each in objects]
        paths = dict.fromkeys(path for each in leaves for path in each)
        found |= {path: pa.array([each.get(path) for each in leaves], pa.string()) for path in paths}
    return found


def _leaves(path: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The values within, each with its path; lists, what lies very deep and names that no path has are left out."""
    for name, each in value.items():
        if not name.isidentifier():
            continue
        if isinstance(each, dict):
            yield from _leaves(f"{path}.{name}", each) if path.count(".") < _DEEPEST else ()
        elif each is not None and not isinstance(each, list):
            yield f"{path}.{name}", each if isinstance(each, str) else json.dumps(each)

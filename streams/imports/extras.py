"""Columns of lines and of properties, encoded for rows that have any and empty for the rest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.imports.canonical import NO_ENTRIES
from streams.imports.columns import text_of
from streams.imports.faults import Faults
from streams.imports.nested import (
    NestedProblem,
    entries_of,
    lines_bytes,
    map_bytes,
    maps_of_columns,
    none_of,
    texts_of,
)


def encoded_lines(raw: Any, decimals: npt.NDArray[np.int8], rows: int, faults: Faults) -> Any:
    """Binary array of Avro array<Line>; ``decimals`` int8[n] tells what amounts in major units become."""
    if raw is None or raw.null_count == rows:
        return none_of(rows)
    known: dict[tuple[str, int], bytes] = {}
    out: list[bytes] = []
    for i, entry in enumerate(entries_of(raw)):
        try:
            out.append(_lines(entry, int(decimals[i]), known))
        except (NestedProblem, RecursionError) as problem:
            faults.add_row(i, "bad_lines", f"lines: {_why(problem)}")
            out.append(NO_ENTRIES)
    return pa.array(out, pa.binary())


def _why(problem: Exception) -> str:
    return "nested too deeply" if isinstance(problem, RecursionError) else str(problem)


def _lines(entry: object, decimals: int, known: dict[tuple[str, int], bytes]) -> bytes:
    """Exports repeat the same text a lot, so each is encoded once per block."""
    if entry is None:
        return NO_ENTRIES
    if not isinstance(entry, str):
        return lines_bytes(entry, decimals)
    if (entry, decimals) not in known:
        known[entry, decimals] = lines_bytes(entry, decimals)
    return known[entry, decimals]


def encoded_properties(raw: Any, texts: Mapping[str, Any], rows: int, faults: Faults) -> Any:
    """Binary array of Avro map<string>: ``raw`` (objects in JSON, structs, maps) and one column per property.

    A property's own column wins over its entry in the object.
    """
    if raw is not None and pa.types.is_struct(raw.type):
        fields = zip(raw.type, raw.flatten(), strict=True)
        texts = {field.name: text_of(column)[0] for field, column in fields} | dict(texts)
        raw = None
    texts = {name: column for name, column in texts.items() if column.null_count < rows}
    if raw is None or raw.null_count == rows:
        return maps_of_columns(texts, rows) if texts else none_of(rows)
    beside = {name: column.to_pylist() for name, column in texts.items()}
    out: list[bytes] = []
    known: dict[str, dict[str, str]] = {}
    for i, entry in enumerate(entries_of(raw)):
        own = {name: values[i] for name, values in beside.items() if values[i] is not None}
        try:
            out.append(map_bytes(_object(entry, known) | own))
        except (NestedProblem, RecursionError) as problem:
            faults.add_row(i, "bad_properties", f"properties: {_why(problem)}")
            out.append(NO_ENTRIES)
    return pa.array(out, pa.binary())


def _object(entry: object, known: dict[str, dict[str, str]]) -> dict[str, str]:
    if entry is None:
        return {}
    if not isinstance(entry, str):
        return texts_of(entry)
    if entry not in known:
        known[entry] = texts_of(entry)
    return known[entry]

"""May the schemas in the tree follow each other? Checked with the ``avro`` package against every earlier version.

FULL_TRANSITIVE: each version of a record can read what every other version wrote, in both directions, so producers and
consumers may be upgraded in any order and the whole log stays readable.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import avro.compatibility
import avro.errors
import avro.schema

from schemas.registry import PACKAGED


def problems(folder: Path = PACKAGED) -> list[str]:
    """Everything that is wrong with ``registry.json`` and the schemas it lists; each message says what and where."""
    try:
        entries = json.loads((folder / "registry.json").read_text("utf-8"))
        found = list(_listing(folder, entries))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"registry.json: not a list of objects with id, name, version and file ({error!r})"]
    versions: dict[str, list[tuple[str, Any]]] = {}
    for entry in sorted(entries, key=lambda entry: int(entry["version"])):
        try:
            text = (folder / entry["file"]).read_text("utf-8")
            parsed = avro.schema.parse(text)
        except (OSError, ValueError, avro.errors.AvroException) as error:
            found.append(f"{entry['file']}: not a readable Avro schema ({error})")
            continue
        found += _descriptions(entry, json.loads(text))
        versions.setdefault(entry["name"], []).append((entry["file"], parsed))
    for chain in versions.values():
        for (older, old), (newer, new) in combinations(chain, 2):
            found += _both_ways(older, old, newer, new)
    return found


def _listing(folder: Path, entries: list[dict[str, Any]]) -> Iterator[str]:
    ids = [entry["id"] for entry in entries]
    for repeated in sorted({key for key in ids if ids.count(key) > 1}):
        yield f"registry.json: id {repeated} is given twice; an id stands for one schema for ever"
    for name in dict.fromkeys(entry["name"] for entry in entries):
        numbers = sorted(entry["version"] for entry in entries if entry["name"] == name)
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"registry.json: versions of {name} are {numbers}; expected 1, 2, 3 … without a gap"
    listed = {entry["file"] for entry in entries}
    for path in sorted((folder / "records").glob("*.avsc")):
        if f"records/{path.name}" not in listed:
            yield f"records/{path.name}: not listed in registry.json"


def _descriptions(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("name") != entry["name"]:
        yield f"{entry['file']}: its record is named {schema.get('name')!r}, the list says {entry['name']!r}"
    for where in _undescribed(schema):
        yield f"{entry['file']}: {where} has no doc"


def _undescribed(schema: Any, where: str = "") -> Iterator[str]:
    """Records and fields without ``doc``, at any depth."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _undescribed(branch, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "record":
        where = f"{where}{schema['name']}"
        if not schema.get("doc"):
            yield f"record {where}"
        for field in schema["fields"]:
            if not field.get("doc"):
                yield f"field {where}.{field['name']}"
            yield from _undescribed(field["type"], f"{where}.{field['name']}.")
    for key in ("type", "items", "values"):
        if not isinstance(schema.get(key), str):
            yield from _undescribed(schema.get(key), where)


def _both_ways(older: str, old: Any, newer: str, new: Any) -> Iterator[str]:
    for reader_name, reader, writer_name, writer in ((newer, new, older, old), (older, old, newer, new)):
        checker: Any = avro.compatibility.ReaderWriterCompatibilityChecker  # its constructor has no annotations
        verdict = checker().get_compatibility(reader, writer)
        if verdict.compatibility is not avro.compatibility.SchemaCompatibilityType.compatible:
            reasons = "; ".join(sorted(verdict.messages)) or "incompatible"
            yield f"{reader_name} can't read what {writer_name} wrote: {reasons}"

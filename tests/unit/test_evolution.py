"""Which changes of a schema the check lets through."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.evolution import problems
from schemas.registry import PACKAGED


def test_the_tree_is_clean() -> None:
    assert problems() == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packaged schemas that may be changed, with the first version of a Touchpoint alone."""
    shutil.copytree(PACKAGED / "records", tmp_path / "records")
    kept = []
    for entry in json.loads((PACKAGED / "registry.json").read_text()):
        if (entry["name"], entry["version"] > 1) == ("Touchpoint", True):
            (tmp_path / entry["file"]).unlink()
        else:
            kept.append(entry)
    (tmp_path / "registry.json").write_text(json.dumps(kept))
    return tmp_path


def add_version(tree: Path, change: Callable[[dict[str, Any]], None], version: int = 2) -> list[str]:
    """Put a changed Touchpoint beside the others; returns what the check says."""
    schema = json.loads((tree / f"records/touchpoint.{version - 1}.avsc").read_text())
    change(schema)
    file = f"records/touchpoint.{version}.avsc"
    (tree / file).write_text(json.dumps(schema))
    entries = json.loads((tree / "registry.json").read_text())
    entries.append({"id": 100 + version, "name": "Touchpoint", "version": version, "file": file})
    (tree / "registry.json").write_text(json.dumps(entries))
    return problems(tree)


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in schema["fields"] if each["name"] == name)
    return found


def with_default(schema: dict[str, Any]) -> None:
    schema["fields"].append({"name": "device", "type": ["null", "string"], "default": None, "doc": "Which device."})


def line_with_default(schema: dict[str, Any]) -> None:
    line = field(schema, "lines")["type"]["items"]
    line["fields"].append({"name": "vat_minor", "type": "long", "default": 0, "doc": "Tax."})


def without_default(schema: dict[str, Any]) -> None:
    schema["fields"].append({"name": "device", "type": "string", "doc": "Which device."})


def renamed_with_alias(schema: dict[str, Any]) -> None:
    field(schema, "kind").update(name="event", aliases=["kind"])


def made_nullable(schema: dict[str, Any]) -> None:
    field(schema, "kind")["type"] = ["null", "string"]


def int_to_long(schema: dict[str, Any]) -> None:
    field(field(schema, "lines")["type"]["items"], "quantity")["type"] = "long"


def removed_without_default(schema: dict[str, Any]) -> None:
    schema["fields"].remove(field(schema, "kind"))


def removed_with_default(schema: dict[str, Any]) -> None:
    schema["fields"].remove(field(schema, "campaign"))


@pytest.mark.parametrize("change", [with_default, line_with_default, removed_with_default])
def test_changes_that_pass(tree: Path, change: Callable[[dict[str, Any]], None]) -> None:
    assert add_version(tree, change) == []


@pytest.mark.parametrize(
    "change", [without_default, renamed_with_alias, made_nullable, int_to_long, removed_without_default]
)
def test_changes_that_fail(tree: Path, change: Callable[[dict[str, Any]], None]) -> None:
    found = add_version(tree, change)
    assert len(found) == 1
    assert "can't read what records/touchpoint." in found[0]


def test_every_earlier_version_counts(tree: Path) -> None:
    """Removing a field and adding it anew with another type passes step by step, but not over both steps."""
    assert add_version(tree, removed_with_default, 2) == []

    def back_as_long(schema: dict[str, Any]) -> None:
        schema["fields"].append({"name": "campaign", "type": ["null", "long"], "default": None, "doc": "Its number."})

    found = add_version(tree, back_as_long, 3)
    assert [message.partition(":")[0] for message in found] == [
        "records/touchpoint.3.avsc can't read what records/touchpoint.1.avsc wrote",
        "records/touchpoint.1.avsc can't read what records/touchpoint.3.avsc wrote",
    ]


def edited(tree: Path, change: Callable[[list[dict[str, Any]]], None]) -> list[str]:
    entries = json.loads((tree / "registry.json").read_text())
    change(entries)
    (tree / "registry.json").write_text(json.dumps(entries))
    return problems(tree)


def test_descriptions_are_asked_for_at_any_depth(tree: Path) -> None:
    def undescribed(schema: dict[str, Any]) -> None:
        del schema["doc"]
        del field(field(schema, "lines")["type"]["items"], "sku")["doc"]

    assert add_version(tree, undescribed) == [
        "records/touchpoint.2.avsc: record Touchpoint has no doc",
        "records/touchpoint.2.avsc: field Touchpoint.lines.Line.sku has no doc",
    ]


def test_mistakes_in_the_list(tree: Path) -> None:
    def mistakes(entries: list[dict[str, Any]]) -> None:
        entries[1]["id"] = 1
        entries[2]["version"] = 3
        entries[3]["name"] = "Bond"
        del entries[4]

    found = edited(tree, mistakes)
    assert found[0].startswith("registry.json: id 1 is given twice")
    assert found[1].startswith("registry.json: versions of Policy are [3]")
    assert found[2].startswith("registry.json: versions of Link are [2]")
    assert found[3] == "records/merge.1.avsc: not listed in registry.json"
    assert found[4] == "records/link.1.avsc: its record is named 'Link', the list says 'Bond'"
    assert len(found) == 5


def test_files_that_are_missing_or_malformed(tree: Path) -> None:
    (tree / "records/tick.1.avsc").write_text('{"type": "recrod"}')
    (tree / "records/link.1.avsc").unlink()
    found = problems(tree)
    assert [message.partition(":")[0] for message in found] == ["records/tick.1.avsc", "records/link.1.avsc"]
    (tree / "registry.json").write_text("[{}]")
    assert len(problems(tree)) == 1
    original = copy.copy(problems(tree))
    assert "registry.json: not a list" in original[0]

"""A new field touches the list, the Avro schema and the SQL: with those changed in a copy, it goes all the way."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
RELASI: Final = "import sys; from streams.cli import main; sys.exit(main(sys.argv[1:]))"

FIELDS: Final = """\
    Field("language", FieldType.TEXT, story="language"),
    Field("shipping_minor", FieldType.MONEY, story="shipping"),
    Field("pieces", FieldType.COUNT, story="pieces"),
    Field("rating", FieldType.NUMBER, story="rating"),
    Field("due_at", FieldType.INSTANT, story="due"),
    Field("batch", FieldType.TEXT, in_files=False),
"""
AVRO: Final[dict[str, Any]] = {
    "language": "string",
    "shipping_minor": "long",
    "pieces": "int",
    "rating": "double",
    "due_at": {"type": "long", "logicalType": "timestamp-millis"},
    "batch": "string",
}
SQL: Final = """\
ALTER TABLE touchpoints_raw
    ADD COLUMN IF NOT EXISTS language Nullable(String) COMMENT 'x',
    ADD COLUMN IF NOT EXISTS shipping_minor Nullable(Int64) COMMENT 'x',
    ADD COLUMN IF NOT EXISTS pieces Nullable(Int32) COMMENT 'x',
    ADD COLUMN IF NOT EXISTS rating Nullable(Float64) COMMENT 'x',
    ADD COLUMN IF NOT EXISTS due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'x',
    ADD COLUMN IF NOT EXISTS batch Nullable(String) COMMENT 'x';
"""
STORY: Final = """\
name = "told"
policy = "commerce"
why = "because"
[[touchpoints]]
at = 2025-01-06
kind = "order_completed"
amount = 80.00
language = "nl"
shipping = 4.95
pieces = 3
rating = 4.5
due = 2025-01-08
[expect]
at = 2025-01-07
stage = "exploration"
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with more fields."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("processors", "schemas", "streams", "deploy/clickhouse"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    listed = tree / "schemas" / "fields.py"
    text = listed.read_text("utf-8")
    start = text.index("FIELDS: Final = (")
    end = text.index("\n)\n", start) + 1
    listed.write_text(text[:end] + FIELDS + text[end:], "utf-8")
    registry = tree / "schemas" / "registry.json"
    entries = json.loads(registry.read_text("utf-8"))
    newest = max((entry for entry in entries if entry["name"] == "Touchpoint"), key=lambda entry: entry["version"])
    schema = json.loads((tree / "schemas" / newest["file"]).read_text("utf-8"))
    schema["fields"] += [{"name": name, "type": ["null", kind], "default": None} for name, kind in AVRO.items()]
    (tree / "schemas" / "records" / "longer.avsc").write_text(json.dumps(schema))
    longer = {"id": 99, "name": "Touchpoint", "version": newest["version"] + 1, "file": "records/longer.avsc"}
    registry.write_text(json.dumps([*entries, longer]))
    (tree / "deploy" / "clickhouse" / "11_longer.sql").write_text(SQL)
    return tree


def run(tree: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command of a tree, in plain Python: its machine code would be made for this test alone."""
    return subprocess.run(
        [sys.executable, "-c", RELASI, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(tree), "NUMBA_DISABLE_JIT": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_new_field_of_a_file_is_in_the_reports(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "customer_id,occurred_at,kind,language,shipping,pieces,rating,due_at,batch,currency\n"
        "ann,2024-03-01T10:00:00Z,page_viewed,nl,4.95,3,4.5,2024-03-05T00:00:00Z,not its own,USD\n"
        "ben,2024-03-02T10:00:00Z,page_viewed,,,,,,,\n"
        "bob,2024-03-02T10:00:00Z,page_viewed,,,3000000000,,,,\n"
    )
    came = run(copy, "import", file, "--data", tmp_path / "data")
    assert came.returncode == 0, came.stderr
    assert "orders.csv: 2 touchpoints imported" in came.stdout
    asked = run(
        copy, "query", "--format", "json", "--data", tmp_path / "data",
        "SELECT customer, language, shipping_minor, pieces, rating, toUnixTimestamp(due_at) AS due, batch "
        "FROM touchpoints_raw ORDER BY customer",
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    assert [list(row.values()) for row in json.loads(asked.stdout)] == [
        ["ann", "nl", 495, 3, 4.5, 1709596800, None],
        ["ben", *[None] * 6],
    ]
    refused = run(copy, "query", "--data", tmp_path / "data", "SELECT detail FROM rejects")
    assert "pieces '3000000000' does not fit 32 bits" in refused.stdout


@pytest.mark.slow
def test_a_story_can_tell_it(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "told.toml"
    file.write_text(STORY)
    told = run(copy, "policy", "test", file)
    assert told.returncode == 0, told.stdout + told.stderr
    file.write_text(STORY.replace("pieces = 3", "pieces = 3.5"))
    told = run(copy, "policy", "test", file)
    assert told.returncode != 0
    assert "pieces" in told.stdout + told.stderr

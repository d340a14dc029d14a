"""docs/versions.md against the code: the versions that it tells are those that are written."""

import inspect
import re
from pathlib import Path
from typing import Final

from streams.embedded.layout import FILE_LAYOUT
from streams.engine.checkpoint import CHECKPOINT_LAYOUT
from streams.imports import content_ids, prepare

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "versions.md").read_text("utf-8")
ROWS: Final = {
    cells[0]: cells[2]
    for line in PAGE.splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
}


def test_the_versions_are_those_of_the_code() -> None:
    assert ROWS["SQLite files"] == str(FILE_LAYOUT)
    assert ROWS["checkpoint records"] == str(CHECKPOINT_LAYOUT)
    assert f"CONTENT_V{ROWS['ids of imported rows']}" in vars(content_ids)
    assert f'b"relasi import {ROWS["keys of imports"]}"' in inspect.getsource(prepare)


def layouts(section: str) -> list[int]:
    """Those that a section of the page tells of."""
    text = PAGE.partition(f"## {section}")[2].partition("\n## ")[0]
    return [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]


def test_every_layout_of_checkpoints_is_told() -> None:
    assert layouts("Checkpoint records and rows") == list(range(1, CHECKPOINT_LAYOUT + 1))


def test_every_layout_of_the_file_is_told() -> None:
    assert layouts("The SQLite files") == list(range(1, FILE_LAYOUT + 1))

"""What the pages point at is there: files, headings and commands; and every page is in the README's table."""

import re
from pathlib import Path
from typing import Final

import pytest

from streams.commands.parsing import COMMANDS

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ROOMS: Final = ("processors", "schemas", "streams", "deploy", "docs", "tests")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_are_there(page: Path) -> None:
    """Whole paths from the root, such as `streams/cli.py`; N and * stand for others."""
    for path in re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+\.\w+)`", page.read_text("utf-8")):
        assert (ROOT / path).is_file() or ".N." in path, path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_that_are_named_exist(page: Path) -> None:
    assert set(re.findall(r"\brelasi ([a-z]+)\b(?=[^\n`]*`)", page.read_text("utf-8"))) <= {*COMMANDS, "import"}


def test_every_page_is_in_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)\s]+\.md)\)", (ROOT / "README.md").read_text("utf-8")))
    assert {name(page) for page in PAGES} - {"README.md"} <= linked

"""The two locks: what developers install, and the part of it that goes into the image."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
DEVELOPERS: Final = ROOT / "requirements.lock"
IMAGE: Final = ROOT / "deploy" / "requirements.lock"
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS: Final[dict[str, list[Any]]] = PROJECT["dependency-groups"]


def entries(lock: Path) -> set[str]:
    """Every requirement with its marker and its hashes, one line each."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    return {" ".join(line.split()) for line in lines if line and not line.lstrip().startswith("#")}


def names(requirements: set[str]) -> set[str]:
    """As PyPI normalises them, which is how a lock spells them."""
    return {re.sub("[._]", "-", re.split(r"[\[><=; ]", requirement)[0]) for requirement in requirements}


def asked(group: str) -> set[str]:
    """What a group asks for by itself."""
    return {requirement for requirement in GROUPS[group] if isinstance(requirement, str)}


@pytest.mark.parametrize("lock", [DEVELOPERS, IMAGE], ids=["developers", "image"])
def test_a_lock_pins_and_hashes_everything_and_names_no_registry(lock: Path) -> None:
    assert "://" not in lock.read_text()
    assert entries(lock)
    assert [entry for entry in entries(lock) if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [DEVELOPERS, IMAGE], ids=["developers", "image"])
def test_a_lock_holds_what_the_project_asks_for(lock: Path) -> None:
    wanted = {*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]}
    assert names(wanted) <= names(entries(lock))


def test_the_image_installs_what_the_tests_ran_on_without_their_tools() -> None:
    assert entries(IMAGE) < entries(DEVELOPERS)
    tools = names(asked("dev"))
    assert {"pytest", "mypy", "ruff"} <= tools <= names(entries(DEVELOPERS))
    # What the product itself needs may be a tool of ours too.
    needed = names({*PROJECT["project"]["dependencies"], *asked("install")})
    assert names(entries(IMAGE)) & (tools - needed) == set()

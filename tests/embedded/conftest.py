"""Directories that many tests look at, and none changes."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import Directory, content, done
from support.histories import HISTORY, csv_file, jsonl_file, without
from support.people import NOW, PEOPLE


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """The history, imported without interruption."""
    data = tmp_path_factory.mktemp("imported") / "data"
    done("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data)
    return Directory(data, content(data))


@pytest.fixture(scope="session")
def imported_without_ids(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """The same history without event ids."""
    data = tmp_path_factory.mktemp("imported-without-ids") / "data"
    done("import", csv_file(without("event_id", HISTORY), data.with_name("history.csv")), "--data", data)
    return Directory(data, content(data))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a handful of customers, each with a story of their own, a month after the last of them."""
    data = tmp_path_factory.mktemp("shop") / "data"
    done("import", jsonl_file(PEOPLE, data.with_name("people.jsonl")), "--data", data)
    done("advance", "--to", NOW, "--commit", "--data", data)
    return data


@pytest.fixture(scope="session")
def documents(shop: Path) -> dict[str, dict[str, Any]]:
    """What `relasi customer --json` says of each of them."""
    customers = sorted({row["customer_id"] for row in PEOPLE})
    return {who: json.loads(done("customer", who, "--json", "--data", shop)) for who in customers}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where a directory may be made."""
    return tmp_path / "data"

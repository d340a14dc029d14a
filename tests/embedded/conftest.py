"""Directories that many tests look at, and none changes."""

from pathlib import Path

import pytest
from support.command import Directory, content, done
from support.histories import HISTORY, csv_file, without


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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where a directory may be made."""
    return tmp_path / "data"

"""The sinks that every test of the contract runs over: the engine in process, and a server where one can be had."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from support.clickhouse_server import Server, UnavailableError, obtainable, running
from support.sink_tables import empty

from streams.reports.chdb import ChdbSink
from streams.reports.clickhouse import ClickHouseSink
from streams.reports.sink import Sink

# Under CI the server is always asked for: where it can't be had its tests are skipped, and a skip fails the run.
SERVER = obtainable() or os.environ.get("CI") == "true"
SINKS = ["chdb", *([pytest.param("server", marks=pytest.mark.server)] if SERVER else [])]


def pytest_report_header() -> str:
    return "report sinks: chdb" + (", server" if SERVER else " (no server: npm is not installed)")


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with running(tmp_path_factory.mktemp("clickhouse") / "server") as started:
            yield started
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chDB directory with empty tables, which nobody has open: to copy one takes a third of making it."""
    directory = tmp_path_factory.mktemp("tables") / "reports"
    with closing(ChdbSink(directory)) as made:
        made.create()
    return directory


@contextmanager
def _opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[Sink]:
    """Empty tables of the kind that the request is for."""
    opened: Sink
    if request.param == "server":
        opened = ClickHouseSink(request.getfixturevalue("clickhouse").url(f"relasi_{uuid4().hex}"))
    else:
        copied = shutil.copytree(request.getfixturevalue("tables"), folder / "reports", symlinks=True)
        opened = ChdbSink(copied)
    with closing(opened):
        opened.create()
        yield opened


@pytest.fixture(scope="module", params=SINKS)
def tables_of_the_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """A process can have one chDB directory open at a time: a module whose tests open others asks for none of this."""
    with _opened(request, tmp_path_factory.mktemp("module")) as opened:
        yield opened


@pytest.fixture
def sink(tables_of_the_module: Sink) -> Sink:
    """Empty tables. A test leaves them, and the views, as it found them but for the rows."""
    empty(tables_of_the_module)
    return tables_of_the_module


@pytest.fixture(params=SINKS)
def own_sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sink]:
    """The same for a test that changes tables."""
    with _opened(request, tmp_path) as opened:
        yield opened

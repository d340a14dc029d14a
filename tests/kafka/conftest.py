"""A real ClickHouse server for all tests of this folder, and installations over it and the broker."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from support.clickhouse_server import Server, UnavailableError
from support.clickhouse_supervised import supervised
from support.kafka_broker import Broker
from support.kafka_workers import Install, Installation, installation


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; only with RELASI_TEST_FAULTS=long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones out, not as skipped: nothing that they need is missing."""
    if os.environ.get("RELASI_TEST_FAULTS") == "long":
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with supervised(tmp_path_factory.mktemp("clickhouse") / "server") as started:
            yield started.server
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def install(broker: Broker, clickhouse: Server, tmp_path: Path) -> Iterator[Install]:
    """Makes installations; each has a name of its own, and ends with the test."""
    with ExitStack() as stack:

        def make(**settings: object) -> Installation:
            name = f"t{uuid4().hex[:12]}"
            folder = tmp_path / name
            folder.mkdir()
            return stack.enter_context(installation(broker, clickhouse, name, folder, **settings))

        yield make

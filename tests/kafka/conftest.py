"""A real ClickHouse server for all tests of this folder, and installations over it and the broker."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from support.clickhouse_server import Server, UnavailableError
from support.clickhouse_supervised import supervised
from support.kafka_broker import Broker
from support.kafka_workers import Install, Installation, installation


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

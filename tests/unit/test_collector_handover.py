"""A listening socket is handed over at paths of any length."""

import asyncio
import socket
from pathlib import Path

import pytest

from streams.collector.handover import Offer, inherited


@pytest.mark.parametrize("length", [1, 200])
def test_who_starts_gets_the_socket_of_the_one_before(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("x" * length) / "collect.sock"

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert inherited(path) is None
            async with Offer(path, listener):
                assert path.stat().st_mode & 0o777 == 0o600
                found = await asyncio.to_thread(inherited, path)
                assert found is not None
                with found:
                    assert found.getsockname() == listener.getsockname()
            assert not path.exists()

    asyncio.run(run())

"""Receivers in a process of their own: one that answers, one that never does, one that drips an answer byte by byte.

Prints its ports; at each line of its input it prints when which id came to the one that answers, and forgets it.
"""

import asyncio
import itertools
import json
import os
import sys
import time

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_DRIP_SECONDS = 0.05


class Answering(asyncio.Protocol):
    """Reads requests with a content-length, and answers each at once."""

    def __init__(self, came: list[tuple[str, float]]) -> None:
        self._came = came
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._data) < end + 4 + size:
                return
            self._came.append((head.partition(b"webhook-id:")[2].partition(b"\r\n")[0].strip().decode(), time.time()))
            self._data = self._data[end + 4 + size :]
            assert self._transport is not None
            self._transport.write(_ANSWER)


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass
    writer.close()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    try:
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nx: ", itertools.repeat(120)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(_DRIP_SECONDS)
    except ConnectionError:
        writer.close()


async def main() -> None:
    """Until the end of the input."""
    came: list[tuple[str, float]] = []
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Answering(came), "127.0.0.1", 0),
        await asyncio.start_server(_hang, "127.0.0.1", 0),
        await asyncio.start_server(_drip, "127.0.0.1", 0),
    ]
    print(json.dumps([each.sockets[0].getsockname()[1] for each in servers]), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(came), flush=True)
        came.clear()
    for each in servers:
        each.close()
    # Whoever drips is not waited for.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())

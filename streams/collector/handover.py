"""A socket that listens, handed from one process to the next: connections that wait in it are lost with neither.

A process that closes its own socket resets what waits to be accepted there, also where another one listens on the same
port by SO_REUSEPORT: each has a queue of its own. So processes on one port share one socket: whoever starts asks the
one before for it, over a socket in the file system that only the owner may use, and then offers it to the next.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_SECONDS: Final = 2.0
_LONGEST_ADDRESS: Final = 100
"""Bytes of a path that a socket may have, of 104 to 108."""
_GREETING: Final = b"relasi 1"


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """What to bind or connect to for a path of any length: by the number of its folder where it is too long."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def inherited(path: Path) -> socket.socket | None:
    """The socket of the process that offers one at ``path``; None where nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_SECONDS)
        try:
            with _address(path) as address:
                asking.connect(address)
            greeting, handles, _, _ = socket.recv_fds(asking, len(_GREETING), 1)
        except OSError:
            return None
    if greeting != _GREETING or not handles:
        return None
    listener = socket.socket(fileno=handles[0])
    listener.setblocking(False)
    return listener


class Offer:
    """Offers a socket at ``path`` to whoever starts next; an asynchronous context manager.

    The newest process offers: it takes the place over, and the one before stays silent.
    """

    def __init__(self, path: Path, listener: socket.socket) -> None:
        self._path: Final = path
        self._listener: Final = listener
        self._door: Final = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._task: asyncio.Task[None] | None = None
        self._inode = 0

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        with _address(self._path) as address:
            self._door.bind(address)
        self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino
        self._door.listen()
        self._door.setblocking(False)
        self._task = asyncio.create_task(self._answer())
        return self

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asking, _ = await loop.sock_accept(self._door)
            with asking, suppress(OSError):
                asking.setblocking(True)
                socket.send_fds(asking, [_GREETING], [self._listener.fileno()])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._door.close()
        with suppress(OSError):
            # Another process may offer there by now.
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

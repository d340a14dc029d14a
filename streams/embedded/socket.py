"""The answering side of the local socket: one thread, which does its own work between the requests."""

import os
import selectors
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.embedded.frames import BadFrame, FrameReader, encode

Write = Callable[[bytes], None]
Handler = Callable[[list[str], str, Write, Write], int]

FILE_NAME: Final = "relasi.sock"
MOST_CONNECTIONS: Final = 16

# Linux keeps 108 bytes for the path of a socket, macOS 104, the closing zero among them.
_LONGEST_ADDRESS: Final = 100
_PIECE: Final = 64 * 1024
_MOST_WAITING: Final = 8 * 1024 * 1024


class ClientGone(Exception):
    """Raised by a writer: whoever asked has closed the connection, or takes nothing any more."""


class Connection:
    """One client: what it has sent so far, and what it has not yet taken."""

    def __init__(self, accepted: socket.socket, patience: float) -> None:
        accepted.setblocking(False)
        self.socket: Final = accepted
        self.reader: Final = FrameReader()
        self.asked = False
        self.answered = False
        self.waiting: Final = bytearray()
        self._patience: Final = patience

    def stream(self, name: str) -> Write:
        """A writer of ``name``. It returns at once while little is waiting, and raises ``ClientGone``."""

        def write(data: bytes) -> None:
            for start in range(0, len(data), _PIECE):
                self.waiting.extend(encode({"stream": name}, data[start : start + _PIECE]))
                self.flush()
                while len(self.waiting) > _MOST_WAITING:
                    self._await_reader()

        return write

    def finish(self, code: int) -> None:
        """End the answer. Raises ``ClientGone``."""
        self.waiting.extend(encode({"exit": code}))
        self.answered = True
        self.flush()

    def flush(self) -> None:
        """Send what the client takes now. Raises ``ClientGone``."""
        try:
            while self.waiting:
                del self.waiting[: self.socket.send(self.waiting[:_PIECE])]
        except BlockingIOError:
            pass
        except OSError as error:
            raise ClientGone from error

    def _await_reader(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_WRITE)
            if not selector.select(self._patience):
                raise ClientGone
        self.flush()


class CommandServer:
    """Answers commands for the process that holds the directory's lock.

    ``handler(argv, cwd, write_stdout, write_stderr)`` returns the exit code. A ``ClientGone`` that it lets pass ends
    the answer; any other exception is told to the client in one sentence and then leaves ``serve_once``. A client that
    takes nothing for ``patience`` seconds while megabytes are waiting for it is given up.

    ``address`` is where clients connect: a path in the directory or, where that is too long for a socket or cannot
    hold one, in a private temporary directory. Only the owner may connect. A socket left by a crash is replaced.
    """

    def __init__(self, directory: Path, handler: Handler, patience: float = 5.0) -> None:
        self._handler: Final = handler
        self._patience: Final = patience
        self._listener, self._path, self._temporary = _open(directory)
        self._connections: Final[list[Connection]] = []
        self._selector: Final = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    @property
    def address(self) -> str:
        """What a client passes to ``streams.embedded.client.ask``."""
        return str(self._path)

    def serve_once(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for something to do and do it; returns how many commands were answered."""
        answered = 0
        for key, events in self._selector.select(timeout):
            if key.data is None:
                self._accept()
            elif key.data in self._connections:
                answered += self._advance(key.data, events)
        return answered

    def close(self) -> None:
        """Stop answering and remove the socket."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        if self._temporary is not None:
            self._temporary.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            silent = next((c for c in self._connections if not c.asked), self._connections[0])
            self._drop(silent)
        connection = Connection(accepted, self._patience)
        self._connections.append(connection)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _advance(self, connection: Connection, events: int) -> int:
        answered = 0
        try:
            if events & selectors.EVENT_READ:
                answered = self._receive(connection)
            connection.flush()
        except ClientGone:
            self._drop(connection)
            return answered
        if connection.answered and not connection.waiting:
            self._drop(connection)
        else:
            more = selectors.EVENT_WRITE if connection.waiting else 0
            self._selector.modify(connection.socket, selectors.EVENT_READ | more, connection)
        return answered

    def _receive(self, connection: Connection) -> int:
        try:
            data = connection.socket.recv(_PIECE)
        except OSError as error:
            raise ClientGone from error
        if not data or connection.asked:
            raise ClientGone
        connection.reader.feed(data)
        try:
            frame = connection.reader.next()
            if frame is None:
                return 0
            connection.asked = True
            argv, cwd = _request(frame[0])
        except BadFrame as error:
            connection.asked = True
            connection.stream("stderr")(f"relasi: the request was not understood: {error}\n".encode())
            connection.finish(2)
            return 0
        self._answer(connection, argv, cwd)
        return 1

    def _answer(self, connection: Connection, argv: list[str], cwd: str) -> None:
        try:
            code = self._handler(argv, cwd, connection.stream("stdout"), connection.stream("stderr"))
        except ClientGone:
            raise
        except BaseException:
            self._tell_of_failure(connection)
            raise
        connection.finish(code)

    def _tell_of_failure(self, connection: Connection) -> None:
        try:
            connection.stream("stderr")(b"relasi: the process that was asked has failed; its own output says why\n")
            connection.finish(1)
        except ClientGone:
            pass
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()


def _request(header: dict[str, object]) -> tuple[list[str], str]:
    argv, cwd = header.get("argv"), header.get("cwd")
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv) or not isinstance(cwd, str):
        raise BadFrame("a request holds the words of a command and a directory")
    return argv, cwd


def _open(directory: Path) -> tuple[socket.socket, Path, Path | None]:
    """The listening socket, its path, and the temporary directory made for it, if any."""
    path = directory.resolve() / FILE_NAME
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # folders shared with a virtual machine hold files, but no sockets
            return _listen(path), path, None
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) > _LONGEST_ADDRESS - 40:
        base = "/tmp"  # noqa: S108 (mkdtemp makes a directory of its own there, which nobody else may enter)
    temporary = Path(tempfile.mkdtemp(prefix="relasi-", dir=base))
    path = temporary / FILE_NAME
    return _listen(path), path, temporary


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mask, and not chmod afterwards: nobody else may connect in between.
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(mask)
    listener.listen(MOST_CONNECTIONS)
    listener.setblocking(False)
    return listener

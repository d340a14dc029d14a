"""The asking side of the local socket."""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.embedded.frames import FrameReader, encode


class NotAnswered(Exception):
    """The process that uses the directory did not answer, or ended before its answer did."""


def ask(
    address: str,
    argv: Sequence[str],
    cwd: Path,
    write_stdout: Callable[[bytes], object],
    write_stderr: Callable[[bytes], object],
) -> int:
    """Have the process behind ``address`` carry out a command; passes its output on as it arrives.

    Returns the exit code. Raises ``NotAnswered``, ``BadFrame`` for a command of more than a megabyte, or whatever the
    two writers raise.
    """
    writers = {"stdout": write_stdout, "stderr": write_stderr}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(address)
            connection.sendall(encode({"argv": list(argv), "cwd": os.fspath(cwd)}))
        except OSError as error:
            raise NotAnswered(f"the process that uses the data directory does not answer ({error.strerror})") from error
        reader = FrameReader()
        while True:
            frame = reader.next()
            if frame is None:
                reader.feed(_receive(connection))
                continue
            header, payload = frame
            if "exit" in header:
                return int(header["exit"])
            writers[header["stream"]](payload)


def _receive(connection: socket.socket) -> bytes:
    try:
        data = connection.recv(65536)
    except ConnectionError:
        data = b""
    if not data:
        raise NotAnswered("the process that uses the data directory ended before its answer did")
    return data

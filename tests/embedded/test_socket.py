"""Commands asked of a running process over its local socket."""

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from streams.embedded.client import NotAnswered, ask
from streams.embedded.frames import LONGEST_FRAME, BadFrame, FrameReader, encode
from streams.embedded.socket import FILE_NAME, MOST_CONNECTIONS, ClientGone, CommandServer, Handler, Write

WAIT: Final = 10.0


def echo(argv: list[str], cwd: str, out: Write, err: Write) -> int:
    out(" ".join(argv).encode("utf-8", "surrogateescape"))
    err(cwd.encode())
    return 3


def answer_of(size: int) -> Handler:
    """A handler that writes ``size`` dots at once."""

    def handler(argv: list[str], cwd: str, out: Write, err: Write) -> int:
        out(b"." * size)
        return 0

    return handler


class Asked:
    """``ask`` in a thread of its own, so that the test can be the server."""

    def __init__(self, address: str, argv: list[str], take: Callable[[bytes], object] | None = None) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.code: int | None = None
        self.error: BaseException | None = None
        self._arguments = (address, argv, Path("/somewhere"), take or self.stdout.extend, self.stderr.extend)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.code = ask(*self._arguments)
        except BaseException as error:  # told to the test in result()
            self.error = error

    def result(self) -> int:
        self._thread.join(WAIT)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        assert self.code is not None
        return self.code


def serve_until(server: CommandServer, asked: Asked) -> int:
    """Serve until the client has its answer; returns how many were answered."""
    answered = 0
    while asked._thread.is_alive():
        answered += server.serve_once(0.01)
    return answered


@contextmanager
def connected(server: CommandServer) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(WAIT)
        client.connect(server.address)
        yield client


def received(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    with suppress(ConnectionError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CommandServer]:
    with CommandServer(tmp_path, echo) as opened:
        yield opened


def test_a_command_is_answered_with_both_streams_and_its_exit_code(server: CommandServer) -> None:
    asked = Asked(server.address, ["customer", "Zoë", os.fsdecode(b"\xff")])
    assert serve_until(server, asked) == 1
    assert asked.result() == 3
    assert bytes(asked.stdout) == "customer Zoë ".encode() + b"\xff"
    assert bytes(asked.stderr) == b"/somewhere"


def test_nothing_to_do_returns_at_the_timeout(server: CommandServer) -> None:
    assert server.serve_once(0) == 0


def test_commands_are_answered_one_after_another(server: CommandServer) -> None:
    both = [Asked(server.address, [str(i)]) for i in range(2)]
    assert sum(serve_until(server, asked) for asked in both) == 2
    assert [(asked.result(), bytes(asked.stdout)) for asked in both] == [(3, b"0"), (3, b"1")]


def test_a_long_answer_arrives_whole(tmp_path: Path) -> None:
    piece = bytes(range(256)) * 8192

    def long(argv: list[str], cwd: str, out: Write, err: Write) -> int:
        for _ in range(12):
            out(piece)
        return 0

    with CommandServer(tmp_path, long) as server:
        asked = Asked(server.address, [])
        serve_until(server, asked)
        assert asked.result() == 0
        assert bytes(asked.stdout) == piece * 12


def test_an_answer_goes_out_in_pieces_while_the_process_does_its_own_work(tmp_path: Path) -> None:
    """A client that reads slowly holds nobody up: the handler returns, and the rest waits in memory."""
    with CommandServer(tmp_path, answer_of(4_000_000)) as server:
        with connected(server) as client:
            client.sendall(encode({"argv": [], "cwd": ""}))
            while server.serve_once(0.01) == 0:
                pass
            asked = Asked(server.address, [])
            serve_until(server, asked)
            assert asked.result() == 0
            drained = bytearray()
            while len(drained) < 4_000_000:
                server.serve_once(0)
                drained += client.recv(1 << 20)
            server.serve_once(0)
        assert drained.count(b".") >= 3_999_000


def test_a_client_that_takes_nothing_is_given_up(tmp_path: Path) -> None:
    gone: list[bool] = []

    def endless(argv: list[str], cwd: str, out: Write, err: Write) -> int:
        try:
            for _ in range(1000):
                out(b"." * 1_000_000)
        except ClientGone:
            gone.append(True)
            raise
        return 0

    with CommandServer(tmp_path, endless, patience=0.01) as server:
        with connected(server) as client:
            client.sendall(encode({"argv": [], "cwd": ""}))
            while not gone:
                server.serve_once(0.01)
        assert server.serve_once(0) == 0


def test_a_client_that_disappears_at_any_moment_stops_nothing(server: CommandServer) -> None:
    request = encode({"argv": ["x"], "cwd": ""})
    for sent in (b"", request[:5], request[:-1], request):
        with connected(server) as client:
            client.sendall(sent)
        for _ in range(3):
            server.serve_once(0)
    asked = Asked(server.address, ["still there"])
    serve_until(server, asked)
    assert asked.result() == 3


def test_a_client_that_stops_reading_its_output_is_noticed(tmp_path: Path) -> None:
    def refuse(data: bytes) -> None:
        raise BrokenPipeError

    with CommandServer(tmp_path, answer_of(50_000_000)) as server:
        asked = Asked(server.address, [], refuse)
        serve_until(server, asked)
        with pytest.raises(BrokenPipeError):
            asked.result()


@pytest.mark.parametrize(
    "request_bytes",
    [
        (LONGEST_FRAME).to_bytes(4) + (LONGEST_FRAME).to_bytes(4),
        b"\xff" * 64,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        encode({"argv": "query", "cwd": ""}),
        encode({"argv": [1], "cwd": ""}),
        encode({"argv": []}),
        (2).to_bytes(4) + (0).to_bytes(4) + b"{]",
        (2).to_bytes(4) + (0).to_bytes(4) + b"[]",
    ],
)
def test_a_request_that_makes_no_sense_is_answered_with_an_error(server: CommandServer, request_bytes: bytes) -> None:
    with connected(server) as client:
        client.sendall(request_bytes)
        for _ in range(4):
            assert server.serve_once(0) == 0
        reader = FrameReader()
        reader.feed(received(client))
    header, payload = reader.next() or ({}, b"")
    assert header == {"stream": "stderr"}
    assert b"not understood" in payload
    assert reader.next() == ({"exit": 2}, b"")


def test_a_request_in_single_bytes_is_put_together(server: CommandServer) -> None:
    with connected(server) as client:
        answered = 0
        for byte in encode({"argv": ["slow"], "cwd": ""}):
            client.sendall(bytes([byte]))
            answered += server.serve_once(WAIT)
        for _ in range(4):
            answered += server.serve_once(0)
        assert answered == 1
        assert b"slow" in received(client)


def test_silent_connections_do_not_keep_others_out(server: CommandServer) -> None:
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(3 * MOST_CONNECTIONS)]
    for client in silent:
        client.connect(server.address)
        server.serve_once(WAIT)
    asked = Asked(server.address, ["let me in"])
    serve_until(server, asked)
    assert asked.result() == 3
    for client in silent:
        client.close()


def test_an_error_of_the_handler_is_told_to_the_client_and_leaves_the_loop(tmp_path: Path) -> None:
    def broken(argv: list[str], cwd: str, out: Write, err: Write) -> int:
        out(b"so far")
        raise ZeroDivisionError

    with CommandServer(tmp_path, broken) as server:
        asked = Asked(server.address, [])
        with pytest.raises(ZeroDivisionError):
            serve_until(server, asked)
        assert asked.result() == 1
        assert bytes(asked.stdout) == b"so far"
        assert b"has failed" in asked.stderr


def test_a_server_that_ends_before_its_answer_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / FILE_NAME))
        listener.listen()
        asked = Asked(str(tmp_path / FILE_NAME), ["query"])
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(65536) == encode({"argv": ["query"], "cwd": "/somewhere"})
            connection.sendall(encode({"stream": "stdout"}, b"half an ans"))
    with pytest.raises(NotAnswered, match="ended before its answer"):
        asked.result()
    assert bytes(asked.stdout) == b"half an ans"


def test_a_command_that_is_too_long_is_refused_before_it_is_sent(server: CommandServer) -> None:
    with pytest.raises(BadFrame, match="longest allowed"):
        ask(server.address, ["x" * LONGEST_FRAME], Path("/"), print, print)


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotAnswered, match="does not answer"):
        ask(str(tmp_path / FILE_NAME), [], tmp_path, print, print)


def test_only_the_owner_may_connect_and_closing_removes_the_socket(tmp_path: Path) -> None:
    server = CommandServer(tmp_path, echo)
    assert server.address == str(tmp_path / FILE_NAME)
    assert stat.S_IMODE(Path(server.address).stat().st_mode) == 0o600
    server.close()
    assert list(tmp_path.iterdir()) == []


def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(tmp_path / FILE_NAME))
    left.close()
    with CommandServer(tmp_path, echo) as server:
        asked = Asked(server.address, ["again"])
        serve_until(server, asked)
        assert asked.result() == 3


def test_a_directory_with_a_long_path_is_served_from_a_private_temporary_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with CommandServer(deep, echo) as server:
        place = Path(server.address).parent
        assert place != deep
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        asked = Asked(server.address, ["deep"])
        serve_until(server, asked)
        assert asked.result() == 3
    assert not place.exists()


def test_a_frame_survives_any_cut() -> None:
    frames: list[tuple[dict[str, object], bytes]] = [({"stream": "stdout"}, b"\x00\xff" * 50), ({"exit": 0}, b"")]
    data = b"".join(encode(header, payload) for header, payload in frames)
    for cut in range(len(data)):
        reader = FrameReader()
        reader.feed(data[:cut])
        found = []
        for rest in (b"", data[cut:]):
            reader.feed(rest)
            while (frame := reader.next()) is not None:
                found.append(frame)
        assert found == frames


def test_a_deeply_nested_header_is_no_frame() -> None:
    reader = FrameReader()
    text = b"[" * 100_000
    reader.feed(len(text).to_bytes(4) + (0).to_bytes(4) + text)
    with pytest.raises(BadFrame):
        reader.next()

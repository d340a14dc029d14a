"""A real Apache Kafka of one node on this machine, fetched once through Maven and kept under build/."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from support.bound_process import bound
from support.clickhouse_server import UnavailableError
from support.locked import locked

PATIENCE: Final = 240.0
"""Seconds that are waited for what has to come about, on the slowest machine. Only a test that fails takes them."""
ROOT: Final = Path(__file__).resolve().parents[2]
VERSION: Final = "4.1.0"
DEPLOY: Final = ROOT / "deploy" / "kafka"
_LIBRARIES: Final = ROOT / "build" / "kafka" / VERSION
_MAIN_JAR: Final = f"kafka_2.13-{VERSION}.jar"
_CLUSTER: Final = "cmVsYXNpLXRlc3QtMDAwMQ"
_JAVA: Final = ["-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def obtainable() -> bool:
    """Whether this machine has Java, and the broker already or the means to fetch it."""
    fetched = (_LIBRARIES / _MAIN_JAR).exists()
    return shutil.which("java") is not None and (fetched or shutil.which("mvn") is not None)


def libraries() -> Path:
    """The directory of the broker's jars, fetched if it isn't there yet. Raises UnavailableError."""
    with locked(_LIBRARIES.with_name("fetching.lock")):
        if not (_LIBRARIES / _MAIN_JAR).exists():
            _fetch()
    return _LIBRARIES


def _fetch() -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("mvn, which fetches Apache Kafka, is not installed")
    partial = _LIBRARIES.with_name(f"{VERSION}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "-q", "-B", "-f", str(DEPLOY / "pom.xml"), "dependency:copy-dependencies"]
    arguments = ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    fetched = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if fetched.returncode:
        raise UnavailableError(f"fetching Apache Kafka failed: {fetched.stdout[-2000:]}")
    partial.rename(_LIBRARIES)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [open_socket.getsockname()[1] for open_socket in sockets]
    for open_socket in sockets:
        open_socket.close()
    return ports


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Broker:
    """A broker over one directory. It can be stopped, killed and started again: ports and data stay."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory: Final = directory
        self.port, controller = free_ports(2)
        self._libraries = libraries()
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = directory / "server.properties"
        directory.mkdir(parents=True, exist_ok=True)
        filled = {"PORT": self.port, "CONTROLLER_PORT": controller, "DIRECTORY": directory / "data"}
        template = (DEPLOY / "server.properties").read_text()
        more = "".join(f"{key}={value}\n" for key, value in settings.items())
        self._settings.write_text(re.sub("@([A-Z_]+)@", lambda found: str(filled[found[1]]), template) + more)
        self._format()

    def _format(self) -> None:
        self._java("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._settings))

    @property
    def url(self) -> str:
        """Its address as RELASI_BROKER takes it."""
        return f"kafka://127.0.0.1:{self.port}"

    @property
    def servers(self) -> str:
        """Its address as clients take it."""
        return f"127.0.0.1:{self.port}"

    def _command(self, *arguments: str) -> list[str]:
        return ["java", *_JAVA, "-cp", f"{self._libraries}/*", *arguments]

    def _java(self, *arguments: str) -> None:
        done = subprocess.run(self._command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(f"{arguments[0]} failed: {done.stdout[-1000:]} {done.stderr[-1000:]}")

    def start(self, seconds: float = PATIENCE) -> None:
        """Start it, and wait until it listens. Raises UnavailableError."""
        log = self.directory / "broker.log"
        with log.open("ab") as out:
            command = bound(self._command("kafka.Kafka", str(self._settings)))
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        for _ in until(seconds):
            if self._process.poll() is not None:
                raise UnavailableError(f"the broker did not start: {log.read_text(errors='replace')[-2000:]}")
            if answers(self.port):
                return

    def stop(self) -> None:
        """Let it shut down."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(kill=True)

    def wipe(self) -> None:
        """End it at once, and start it with nothing of what it held."""
        self._end(kill=True)
        shutil.rmtree(self.directory / "data")
        self._format()
        self.start()

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill() if kill else process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[Broker]:
    """A broker over an empty directory, as long as the context lasts; ``settings`` beside ours.

    Raises UnavailableError.
    """
    broker = Broker(directory, **settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def until(seconds: float = PATIENCE) -> Iterator[None]:
    """Turns of a loop that polls, for so long; then AssertionError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        threading.Event().wait(0.1)
    raise AssertionError(f"did not come about within {seconds} seconds")

"""SDKs of npm, installed once under build/ as their lock file says, and a browser of this machine."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import aiohttp

from support.bound_process import bound
from support.kafka_broker import ROOT
from support.locked import locked

FOLDER: Final = Path(__file__).with_name("sdks")
PACKAGES: Final = ("package.json", "package-lock.json")
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PERSON: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
"""What a browser says that no list of robots has: a headless one says that it is headless."""
_SECONDS: Final = 60


def modules() -> Path:
    """The folder node_modules. Raises CalledProcessError where npm can't fill it."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in PACKAGES)).hexdigest()[:12]
    cache = ROOT / "build" / "sdks" / digest
    with locked(cache / "installing.lock"):
        if not (cache / "complete").exists():
            for name in PACKAGES:
                shutil.copy(FOLDER / name, cache / name)
            npm = shutil.which("npm")
            assert npm is not None, "npm fetches the SDKs"
            subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=cache, check=True
            )
            (cache / "complete").touch()
    return cache / "node_modules"


def run_node(*words: str) -> None:
    """Run send.cjs to its end. Raises AssertionError with what it said."""
    environment = {"NODE_PATH": str(modules()), "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        ["node", str(FOLDER / "send.cjs"), *words],
        env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def browser() -> str | None:
    """The program of a browser, where this machine has one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


class Site:
    """A website for a browser: pages by path, files of node_modules, and what its pages say when they are done."""

    def __init__(self, pages: dict[str, str]) -> None:
        self.pages: Final = pages
        self.said: Final[list[str]] = []
        self.done: Final = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                at = urlsplit(self.path)
                body, kind = site.answer(at.path, at.query)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url: Final = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def answer(self, path: str, query: str) -> tuple[bytes | None, str]:
        if path == "/done":
            self.said.extend(parse_qs(query).get("said", []))
            self.done.set()
            return b"", "text/plain"
        if path in self.pages:
            return self.pages[path].encode(), "text/html; charset=utf-8"
        file = modules() / path.removeprefix("/npm/")
        if path.startswith("/npm/") and file.is_file():
            return file.read_bytes(), "text/javascript; charset=utf-8"
        return None, "text/plain"

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def visiting(url: str, profile: Path, agent: str = PERSON) -> Iterator["subprocess.Popen[bytes]"]:
    """A headless browser at a page."""
    program = browser()
    assert program is not None
    words = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={profile}",
        f"--user-agent={agent}", url,
    ]  # fmt: skip
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        process = subprocess.Popen(bound(words), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def visit(site: Site, path: str, profile: Path, agent: str = PERSON) -> list[str]:
    """Let a browser see a page of the site until that says that it is done; returns what it said."""
    site.done.clear()
    site.said.clear()
    with visiting(site.url + path, profile, agent):
        assert site.done.wait(_SECONDS), (profile.parent / f"{profile.name}.log").read_text(errors="replace")[-3000:]
    return list(site.said)


async def evaluated(profile: Path, *scripts: str) -> list[object]:
    """What a browser that runs with this profile makes of scripts, one after the other, in its page.

    Over the Chrome DevTools Protocol, Runtime.evaluate.
    """
    port = (await _written(profile / "DevToolsActivePort")).splitlines()[0]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json") as answer:
            (page,) = [each for each in await answer.json() if each["type"] == "page"]
        async with session.ws_connect(page["webSocketDebuggerUrl"]) as socket:
            return [await _evaluated(socket, script) for script in scripts]


async def _evaluated(socket: aiohttp.ClientWebSocketResponse, script: str) -> object:
    """Asked again where the page was still being loaded: then what was asked of is gone."""
    call = {"expression": script, "awaitPromise": True, "returnByValue": True}
    while True:
        await socket.send_json({"id": 1, "method": "Runtime.evaluate", "params": call})
        while (said := await socket.receive_json(timeout=_SECONDS)).get("id") != 1:
            continue
        if "error" in said:
            await asyncio.sleep(0.05)
            continue
        assert "exceptionDetails" not in said["result"], said
        value: object = said["result"]["result"].get("value")
        return value


async def _written(file: Path) -> str:
    async with asyncio.timeout(_SECONDS):
        while not (file.exists() and "\n" in file.read_text()):
            await asyncio.sleep(0.05)
    return file.read_text()

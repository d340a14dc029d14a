"""Processes of `relasi collect` on one port, over one installation."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.bound_process import bound
from support.kafka_broker import ROOT, until
from support.kafka_workers import PROGRAM, Installation
from support.listening import connection_to, posted


@dataclass
class Collecting:
    """Processes of ``relasi collect`` on one port, over one installation."""

    install: Installation
    port: int
    file: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "subprocess.Popen[bytes]":
        """One more process, once it takes requests."""
        log = self.install.folder / f"collect-{len(self.processes)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                bound([sys.executable, *PROGRAM, "collect", "--http", f"127.0.0.1:{self.port}",
                       "--settings", str(self.file)]),
                cwd=ROOT, env=self.install.environment, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        for _ in until(60):
            assert process.poll() is None, log.read_text()
            if re.search("collector started", log.read_text()):
                break
        return process

    def post(self, path: str, body: object) -> tuple[int, Any]:
        connection = connection_to(self.url)
        try:
            return posted(connection, path, body)
        finally:
            connection.close()

"""What somebody who looks on sees: a bar that moves, and nothing of it for a pipe."""

import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import PATIENCE_SECONDS, relasi
from support.forked import ENVIRONMENT
from support.histories import HISTORY, csv_file


def everything(terminal: int) -> str:
    """What is written to a terminal, to its end. A few kilobytes wait in it, and then the writer does."""
    chunks = []
    # EIO is how Linux tells the end; others send an empty chunk.
    with suppress(OSError):
        while chunk := os.read(terminal, 1 << 16):
            chunks.append(chunk)
    return b"".join(chunks).decode()


@pytest.mark.slow
def test_a_terminal_sees_a_bar(data: Path) -> None:
    file = csv_file(HISTORY, data.with_name("history.csv"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "streams.cli", "import", str(file), "--data", str(data)]
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100"}
    with (
        ThreadPoolExecutor(1) as reader,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True) as process,
    ):
        os.close(theirs)
        reading = reader.submit(everything, ours)
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
        shown = reading.result(PATIENCE_SECONDS)
    os.close(ours)
    assert process.returncode == 0
    assert out.startswith(f"history.csv: {len(HISTORY)} touchpoints imported\n")
    assert "history.csv: reporting" in shown
    assert f"{len(HISTORY)}/{len(HISTORY)}" in shown


def test_a_pipe_sees_none(data: Path) -> None:
    assert relasi("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data).err == ""

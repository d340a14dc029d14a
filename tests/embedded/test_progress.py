"""What somebody who looks on sees: a bar that moves, and nothing of it for a pipe."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from support.command import ENVIRONMENT, PATIENCE_SECONDS, relasi
from support.histories import HISTORY, csv_file


def test_a_terminal_sees_a_bar(data: Path) -> None:
    file = csv_file(HISTORY, data.with_name("history.csv"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "streams.cli", "import", str(file), "--data", str(data)]
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
        shown = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert process.returncode == 0
    assert out == f"history.csv: {len(HISTORY)} touchpoints imported\n"
    assert "history.csv: importing" in shown
    assert f"{len(HISTORY)}/{len(HISTORY)}" in shown


def test_a_pipe_sees_none(data: Path) -> None:
    assert relasi("import", csv_file(HISTORY, data.with_name("history.csv")), "--data", data).err == ""

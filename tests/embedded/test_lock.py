"""One process per data directory."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from streams.embedded.failures import StorageError
from streams.embedded.lock import FILE_NAME, DirectoryInUse, DirectoryLock, Holder

ROOT: Final = Path(__file__).resolve().parents[2]

HOLD: Final = """
import sys
from pathlib import Path
from streams.embedded.lock import DirectoryLock

lock = DirectoryLock(Path(sys.argv[1]), "relasi run --port 8080")
lock.announce("where it answers")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        with pytest.raises(DirectoryInUse) as refused:
            DirectoryLock(tmp_path, "relasi import")
        assert refused.value.holder == Holder(process.pid, "relasi run --port 8080", "where it answers")
        assert f"is used by process {process.pid} (relasi run --port 8080)" in str(refused.value)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_goes_with_its_process(tmp_path: Path, end: signal.Signals) -> None:
    with another_process(tmp_path) as process:
        process.send_signal(end)
        process.wait(timeout=60)
    with DirectoryLock(tmp_path, "relasi import"):
        note = json.loads((tmp_path / FILE_NAME).read_text())
    assert note == {"pid": os.getpid(), "command": "relasi import", "socket": None}


def test_two_locks_exclude_each_other_within_one_process(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path, "relasi run"), pytest.raises(DirectoryInUse, match=f"process {os.getpid()} "):
        DirectoryLock(tmp_path, "relasi query")
    with DirectoryLock(tmp_path, "relasi query"):
        pass


def test_a_released_lock_says_nothing_about_its_holder_and_can_be_released_again(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path, "relasi run")
    lock.release()
    lock.release()
    assert (tmp_path / FILE_NAME).read_bytes() == b""


def test_a_holder_that_has_not_written_its_name_yet_is_just_another_process(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path, "relasi run"):
        for half in ("", '{"pid": 12', "[]", '{"other": 1}'):
            (tmp_path / FILE_NAME).write_text(half)
            with pytest.raises(DirectoryInUse, match="is used by another process") as refused:
                DirectoryLock(tmp_path, "relasi query")
            assert refused.value.holder is None


def test_a_shorter_note_replaces_a_longer_one_and_a_very_long_command_fits(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path, "relasi import " + "é" * 50_000) as lock:
        lock.announce("s" * 100)
        with pytest.raises(DirectoryInUse) as refused:
            DirectoryLock(tmp_path, "relasi query")
        assert refused.value.holder is not None
        assert refused.value.holder.socket == "s" * 100
        lock.announce(None)
        with pytest.raises(DirectoryInUse) as refused:
            DirectoryLock(tmp_path, "relasi query")
        assert refused.value.holder is not None
        assert refused.value.holder.socket is None


def test_the_directory_is_made_and_the_file_is_private(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "new" / "data", "relasi run"):
        assert stat.S_IMODE((tmp_path / "new" / "data" / FILE_NAME).stat().st_mode) == 0o600


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file.*cannot be used as a data directory"):
        DirectoryLock(tmp_path / "file", "relasi run")

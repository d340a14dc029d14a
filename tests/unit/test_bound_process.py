"""The broker and the servers of the tests end with pytest, also when it is killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.bound_process import bound
from support.kafka_broker import ROOT, until

# The child tells its own number: before it runs, it is not bound yet.
PARENT = (
    "import subprocess; from support.bound_process import bound; "
    "subprocess.Popen(bound(['sh', '-c', 'echo $$; exec sleep 600'])).wait()"
)


def runs(pid: int) -> bool:
    """Whether a process is there and not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux's setpriv is not there")
def test_a_bound_process_ends_when_the_one_that_started_it_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(signal.SIGKILL)
    for _ in until(10):
        if not runs(child):
            break


def test_it_is_the_same_process_with_the_same_exit_code() -> None:
    program = "import os, sys; print(os.getpid()); sys.exit(3)"
    with subprocess.Popen(bound([sys.executable, "-c", program]), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
    assert process.returncode == 3

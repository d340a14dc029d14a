"""Work in a process of its own, with little memory and little time."""

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEMORY: Final = 500 << 20
SECONDS: Final = 60  # on a machine that others use too; the processor's own time is held to less
ROOT: Final = Path(__file__).resolve().parents[2]
_REPORT: Final = """
import pathlib, sys, time
sys.path[:0] = [{root!r}, {tests!r}]
def peak():
    # Of this program alone: getrusage also counts what the process had before it became this program, as a copy of its
    # parent, and that may be a run of tests with a gigabyte.
    return int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) << 10
{before}
begun, first = time.process_time(), peak()
{work}
seconds = time.process_time() - begun
print()
print(peak(), peak() - first, seconds)
"""


@dataclass(frozen=True)
class Measured:
    """What a process said, the most memory that it had, how much of it the work took, and seconds of processor time."""

    said: str
    peak: int
    added: int
    seconds: float


def bounded(before: str, work: str, *, address_space: int | None = None) -> Measured:
    """Run Python in a process of its own: ``before`` prepares, ``work`` is measured.

    ``address_space``: bytes that it may claim, used or not; beyond it every allocation fails.
    """
    script = _REPORT.format(root=str(ROOT), tests=str(ROOT / "tests"), before=before, work=work)

    def limit() -> None:
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=limit,  # nothing in this process has threads that hold locks now
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *said, last = done.stdout.splitlines()
    peak, added, seconds = last.split()
    return Measured("\n".join(said).strip(), int(peak), int(added), float(seconds))

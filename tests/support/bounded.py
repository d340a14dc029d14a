"""Work in a process of its own, with little memory and little time."""

import subprocess
from dataclasses import dataclass
from typing import Final

from support.forked import origin

MEMORY: Final = 500 << 20
SECONDS: Final = 60  # on a machine that others use too; the processor's own time is held to less
_REPORT: Final = """
import pathlib, time
def peak():
    # Of this process alone: getrusage also counts what the process had before that it was forked from.
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


def bounded(before: str, work: str, *, imports: str = "") -> Measured:
    """Run Python in a process of its own: ``before`` prepares, ``work`` is measured.

    ``imports``: done once for all who need the same (see ``forked``).
    """
    script = _REPORT.format(before=before, work=work)
    with origin(imports).start(script, (), None) as process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, err[-2000:]
    *said, last = out.splitlines()
    peak, added, seconds = last.split()
    return Measured("\n".join(said).strip(), int(peak), int(added), float(seconds))

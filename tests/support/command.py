"""The command `relasi`, in this process and in one of its own, and what a data directory holds in the end."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streams import cli
from streams.embedded.session import REPORTS
from streams.reports.chdb import ChdbSink
from streams.reports.sink import Sink
from support.forked import Process, origin

PATIENCE_SECONDS: Final = 120.0

# What a directory holds, positions in the log and instants of this machine's clock aside.
CONTENT: Final = {
    "touchpoints": "SELECT * EXCEPT (import_id) FROM touchpoints ORDER BY customer_id, event_id",
    "transitions": "SELECT * EXCEPT (partition, offset) FROM transitions ORDER BY customer_id, id",
    "judgements": "SELECT * EXCEPT (partition, offset) FROM judgements ORDER BY customer_id, id",
    "profiles": "SELECT * EXCEPT (partition, offset) FROM profiles ORDER BY customer_id",
    "rejects": "SELECT * EXCEPT (partition, at) FROM rejects ORDER BY source, position, payload",
    "stage_daily": "SELECT * FROM stage_daily ORDER BY day, stage",
}
# A row as JSON, because the digest of a tuple with a null in it is null.
DIGEST: Final = "SELECT count() AS many, groupBitXor(cityHash64(formatRow('JSONEachRow', *))) AS digest FROM ({})"

Content = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Directory:
    """A data directory and what it holds."""

    path: Path
    content: Content


@dataclass(frozen=True)
class Ran:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@contextmanager
def standard_input(given: bytes) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before


def relasi(*words: str | Path, given: bytes = b"") -> Ran:
    """Run the command here: one data directory after another can be open in a process."""
    out, err = io.StringIO(), io.StringIO()
    with standard_input(given), redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
    return Ran(code, out.getvalue(), err.getvalue())


def done(*words: str | Path, given: bytes = b"") -> str:
    """Standard output of a command that must succeed."""
    ran = relasi(*words, given=given)
    assert ran.code == 0, ran
    return ran.out


# What commands load, and some of the code that was compiled; but for chDB, which starts threads as soon as it is there.
IMPORTS: Final = """
import sys
import pandas, rich.progress, schemas.registry
import streams.embedded.importing, streams.embedded.socket, streams.imports.prepare
from support.shell import apply_all, new_partition
from support.messages import touchpoint, tick
partition = new_partition()
apply_all(partition, touchpoint("e", "c", 1_700_000_000_000), tick(1_710_000_000_000))
partition.checkpoint()
assert "chdb" not in sys.modules
"""
PROGRAM: Final = "import sys\nfrom streams import cli\nsys.exit(cli.main(sys.argv[1:]))"


def start(*words: str | Path, program: str = PROGRAM, cwd: Path | None = None) -> Process:
    """Start the command in a process of its own, with pipes for all that it reads and writes."""
    return origin(IMPORTS).start(program, [str(word) for word in words], cwd)


def finish(process: Process, given: str = "") -> Ran:
    """Wait until a process has ended by itself."""
    with process:
        try:
            out, err = process.communicate(given, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ran(process.wait(), out, err)


def elsewhere(*words: str | Path, given: str = "", cwd: Path | None = None) -> Ran:
    """Run the command in a process of its own."""
    return finish(start(*words, cwd=cwd), given)


def rows(data: Path, sql: str) -> list[dict[str, Any]]:
    """The answer to a question, through the command."""
    found: list[dict[str, Any]] = json.loads(done("query", sql, "--format", "json", "--data", data))
    return found


def content(data: Path, *names: str) -> Content:
    """What a directory that no process uses holds, by view."""
    with closing(ChdbSink(data / REPORTS)) as sink:
        return contents(sink, *names)


def contents(sink: Sink, *names: str) -> Content:
    """What reports hold, by view."""
    return {name: sink.query(CONTENT[name]).to_pylist() for name in names or CONTENT}


def digest(data: Path) -> Content:
    """Count and digest of each view, for directories that hold too much to look at every row."""
    with closing(ChdbSink(data / REPORTS)) as sink:
        return digests(sink)


def digests(sink: Sink) -> Content:
    """Count and digest of each view of reports."""
    return {name: sink.query(DIGEST.format(sql)).to_pylist() for name, sql in CONTENT.items()}

"""A disk that fills up: the command stops before it acknowledges, and the next start goes on without loss.

A limit on the size of files stands for the disk: the same writes fail, in the middle of the same steps.
"""

import re
from pathlib import Path
from typing import Final

import pytest
from support.command import Content, digest, done, finish, relasi, rows, start
from support.forked import Process
from support.histories import csv_file, history

from streams.embedded.database import ENGINE
from streams.embedded.log import Log
from streams.embedded.rows_file import RowsFile
from streams.log.messages import TOUCHPOINTS_TOPIC

LIMITED: Final = """
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from streams import cli
sys.exit(cli.main(sys.argv[2:]))
"""
TOUCHPOINTS: Final = 20_000
# The log's own tables don't fit; the touchpoints don't; they do, but the checkpoint doesn't.
LIMITS: Final = (50_000, 200_000, 3_000_000)


def limited(limit: int, *words: str | Path) -> Process:
    return start(str(limit), *words, program=LIMITED)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    some = history(customers=4000, touchpoints=TOUCHPOINTS, days=600, seed=3)
    return csv_file(some, tmp_path_factory.mktemp("file") / "history.csv")


@pytest.fixture(scope="module")
def whole(file: Path) -> Content:
    """What an import with room enough makes of the file."""
    data = file.with_name("whole")
    done("import", file, "--data", data)
    return digest(data)


@pytest.mark.slow
def test_an_import_stops_and_goes_on(file: Path, whole: Content, data: Path) -> None:
    for limit in LIMITS:
        ran = finish(limited(limit, "import", file, "--data", data))
        assert (ran.code, ran.out) == (1, ""), ran
        file_is_full = re.match(rf"relasi: {data}/(relasi|rows)\.sqlite: no room to write", ran.err)
        assert file_is_full or "rows could not be written to" in ran.err, "the reports may be the first to find no room"
        assert "Free some space" in ran.err
    with Log(data) as log, RowsFile(data) as rows:
        # The touchpoints are in the log, and none of them, but at most the policy, is acknowledged.
        assert log.end_offset(TOUCHPOINTS_TOPIC, 0) > TOUCHPOINTS
        assert rows.position(ENGINE, TOUCHPOINTS_TOPIC, 0) <= 1
    assert f"{TOUCHPOINTS:,} touchpoints" in done("import", file, "--data", data)
    assert digest(data) == whole


@pytest.mark.slow
def test_a_running_process_ends_and_the_next_one_goes_on(file: Path, whole: Content, data: Path) -> None:
    with limited(LIMITS[-1], "run", "--data", data, "--tick-seconds", "86400") as process:
        assert "running on" in process.stderr.readline()
        ran = relasi("import", file, "--data", data)
        ended = finish(process)
    for one in (ran, ended):
        assert (one.code, one.out) == (1, "")
        assert "no room to write" in one.err or "could not be written" in one.err
    assert f"{TOUCHPOINTS:,} touchpoints" in done("import", file, "--data", data)
    assert digest(data)["touchpoints"] == whole["touchpoints"]
    counted = rows(
        data,
        "SELECT (SELECT sum(purchases) FROM profiles) AS counted, count() AS made FROM touchpoints "
        "WHERE kind = 'order_completed'",
    )
    assert counted[0]["counted"] == counted[0]["made"] > 0

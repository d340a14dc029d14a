"""What only the engine in process can get wrong: its directory, its disk, its threads."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chdb
import pytest
from support.report_rows import profile, reject, table

from streams.reports.chdb import UNMERGED_PARTS, ChdbSink
from streams.reports.ddl import statements
from streams.reports.errors import ReportsError


def test_tables_from_before_namespaces_keep_their_rows_and_collapse_as_they_did(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    for statement in statements():
        if statement.startswith("CREATE TABLE"):
            sink._writer.run(statement, {})
    stored = "INSERT INTO touchpoints_raw (event_id, customer_id, anonymous_id, kind) VALUES "
    rows = "('e1', 'ann', NULL, 'x'), ('e2', NULL, 'ann', 'x'), ('e1', 'ann', NULL, 'x')"
    sink._writer.run(stored + rows, {})
    sink._writer.run("INSERT INTO profiles_raw (customer_id, purchases, `offset`) VALUES ('ann', 1, 1)", {})
    for _ in range(2):
        sink.create()
        (tmp_path / "reports" / "created").unlink()
    sink.insert("profiles_raw", table("profiles_raw", [profile(purchases=2, offset=2)]))
    sink.insert("profiles_raw", table("profiles_raw", [profile(purchases=5, offset=1, namespace="anonymous")]))
    sink._writer.run(stored + rows, {})
    known = "SELECT namespace, customer_id, purchases FROM profiles ORDER BY namespace"
    told = "SELECT namespace, customer_id, event_id FROM touchpoints ORDER BY event_id"
    assert [tuple(row.values()) for row in sink.query(known).to_pylist()] == [
        ("anonymous", "ann", 5),
        ("known", "ann", 2),
    ]
    assert [tuple(row.values()) for row in sink.query(told).to_pylist()] == [
        ("known", "ann", "e1"),
        ("anonymous", "ann", "e2"),
    ]
    sink.close()


ROOT = Path(__file__).resolve().parents[2]

# Runs in a process of its own, because the limit on the size of files would hold for pytest too.
FULL_DISK = """
import json, os, resource, signal, sys
from pathlib import Path
from typing import Any
import numpy as np
from schemas.registry import FileRegistry
from streams.reports.chdb import ChdbSink
from streams.reports.container import container
from streams.reports.errors import ReportsError

def touchpoints(count):
    # event id, customer id, no anonymous id, two instants, kind, seven nulls, no lines, two nulls, no properties
    bodies = [
        bytes([8]) + b"%04d" % n + bytes([2, 200, 1]) + os.urandom(50).hex().encode() + bytes([0, 2, 2, 8]) + b"seen"
        + bytes(7) + bytes(1) + bytes(2) + bytes(1)
        for n in range(count)
    ]
    stops = np.cumsum([len(body) for body in bodies])
    starts = np.concatenate([[0], stops[:-1]])
    return container(FileRegistry().schema(1), np.frombuffer(b"".join(bodies), np.uint8), starts, stops)

sink = ChdbSink(Path(sys.argv[1]))
sink.create()
sink.insert_touchpoints(touchpoints(10))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), most))
try:
    sink.insert_touchpoints(touchpoints(2000))
except ReportsError as error:
    print(str(error).replace("\\n", " "))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))  # less than the definition of a view takes
sink.create()
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sink.insert_touchpoints(touchpoints(10))
print(sink.query("SELECT count() AS n FROM touchpoints WHERE not ignore(*)").to_pylist(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def count(sink: ChdbSink) -> int:
    (row,) = sink.query("SELECT count() AS n FROM rejects").to_pylist()
    return int(row["n"])


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    return subprocess.run(command, env=path, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "complaint"),
    [
        ("100000", "could not be written to"),  # our own file does not fit
        ("300000", "did not reach the disk whole"),  # the engine's does not, and the engine does not notice
    ],
)
def test_rows_that_do_not_fit_on_the_disk_are_an_error_and_the_rest_stays(
    tmp_path: Path, limit: str, complaint: str
) -> None:
    ran = run(FULL_DISK, str(tmp_path / "reports"), limit)
    assert complaint in ran.stdout, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[{'n': 20}]"
    assert ran.returncode == -9
    reopened = ChdbSink(tmp_path / "reports")
    (row,) = reopened.query("SELECT count() AS n FROM touchpoints WHERE not ignore(*)").to_pylist()
    assert row["n"] == 20
    reopened.close()


def test_rows_are_there_after_the_directory_was_closed(tmp_path: Path) -> None:
    first = ChdbSink(tmp_path / "reports")
    first.create()
    first.insert("rejects_raw", table("rejects_raw", [reject()]))
    first.close()
    first.close()
    with pytest.raises(ReportsError, match="closed"):
        first.query("SELECT 1")
    second = ChdbSink(tmp_path / "reports")
    assert count(second) == 1
    second.close()


def test_a_directory_from_before_a_column_was_added_goes_on(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (made,) = (each for each in statements() if each.startswith("CREATE TABLE IF NOT EXISTS profiles_raw"))
    connect: Callable[[str], Any] = chdb.connect
    before = connect(str(tmp_path / "reports"))
    for sql in ("CREATE DATABASE relasi", "USE relasi", made, "INSERT INTO profiles_raw (customer_id) VALUES ('ann')"):
        before.query(sql)
    assert "value_tier" not in made
    before.close()
    sink = ChdbSink(tmp_path / "reports")
    sink.create()
    sink.insert("profiles_raw", table("profiles_raw", [profile(customer_id="bob")]))
    old, new = sink.query("SELECT * FROM profiles_published ORDER BY customer_id").to_pylist()
    assert new == profile(customer_id="bob")
    assert (old["customer_id"], old["value_tier"], old["trust_signs"], old["end_at"]) == ("ann", "", [], None)
    sink.close()


def test_a_second_directory_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    first = ChdbSink(tmp_path / "first")
    with pytest.raises(ReportsError, match=r"second.*already initialized"):
        ChdbSink(tmp_path / "second")
    first.close()
    ChdbSink(tmp_path / "second").close()


def test_another_process_is_refused(tmp_path: Path) -> None:
    held = ChdbSink(tmp_path / "reports")
    other = run(
        "import sys; from pathlib import Path; from streams.reports.chdb import ChdbSink; ChdbSink(Path(sys.argv[1]))",
        str(tmp_path / "reports"),
    )
    held.close()
    assert other.returncode == 1
    assert "only one process at a time may use them" in other.stderr


@pytest.mark.parametrize("name", ["what?", "all*", "{a,b}"])
def test_a_name_that_the_engine_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportsError, match="choose another name"):
        ChdbSink(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["with space", "it's & 100% [new]", "日本"])
def test_other_names_are_fine(tmp_path: Path, name: str) -> None:
    sink = ChdbSink(tmp_path / name)
    sink.create()
    sink.insert("rejects_raw", table("rejects_raw", [reject()]))
    assert count(sink) == 1
    sink.close()


def test_a_directory_that_can_not_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportsError, match="can't be created"):
        ChdbSink(tmp_path / "file" / "reports")


def test_an_answer_in_another_format_is_refused(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    with pytest.raises(ReportsError, match="leave FORMAT out"):
        sink.query("SELECT 1 FORMAT JSON")
    sink.close()


def test_questions_may_be_asked_while_rows_come_in(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    sink.create()
    seen: list[int] = []

    def ask() -> None:
        seen.extend(count(sink) for _ in range(15))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for number in range(15):
        sink.insert("rejects_raw", table("rejects_raw", [reject(position=number)]))
    for asker in askers:
        asker.join()
    assert len(seen) == 30
    assert count(sink) == 15
    sink.close()


def parts(sink: ChdbSink, table_name: str = "rejects_raw") -> list[tuple[str, int, str]]:
    """Name, level (how often it was merged) and type of the parts of a table."""
    asked = "SELECT name, level, part_type AS type FROM system.parts WHERE active AND table = {table:String}"
    found = sink.query(asked, {"table": table_name}).to_pylist()
    return [(row["name"], row["level"], row["type"]) for row in found]


def stored(sink: ChdbSink, numbers: range) -> None:
    for number in numbers:
        sink.insert("rejects_raw", table("rejects_raw", [reject(position=number)]))


def storing_elsewhere(sink: ChdbSink) -> None:
    stored(sink, range(3))
    sink.insert("elsewhere", table("rejects_raw", [reject()]))


def test_parts_stay_as_they_are_while_much_is_stored_until_they_are_many(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    sink.create()
    with sink.without_merges():
        stored(sink, range(UNMERGED_PARTS))
        assert [level for _, level, _ in parts(sink)] == [0] * UNMERGED_PARTS
        with pytest.raises(ReportsError, match="Cancelled"):
            sink._writer.run("OPTIMIZE TABLE rejects_raw FINAL", {})
        stored(sink, range(UNMERGED_PARTS, UNMERGED_PARTS + 2))
        sink._writer.run("OPTIMIZE TABLE rejects_raw FINAL", {})
        assert len(parts(sink)) == 1
    assert count(sink) == UNMERGED_PARTS + 2
    sink.close()


def test_parts_are_merged_again_once_much_is_stored_also_where_that_failed(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    sink.create()
    with pytest.raises(ReportsError, match="no such table"), sink.without_merges():
        storing_elsewhere(sink)
    sink._writer.run("OPTIMIZE TABLE rejects_raw FINAL", {})
    assert len(parts(sink)) == 1
    assert count(sink) == 3
    sink.close()


def test_columns_of_a_part_stand_in_one_file_also_in_a_directory_from_before(tmp_path: Path) -> None:
    sink = ChdbSink(tmp_path / "reports")
    for statement in statements():
        if statement.startswith("CREATE TABLE"):
            sink._writer.run(statement, {})
    sink.create()
    rows = table("profiles_raw", [profile(customer_id=f"{number:0200}") for number in range(30_000)])
    sink.insert("profiles_raw", rows)
    assert rows.nbytes > 10 * 2**20
    assert [kind for _, _, kind in parts(sink, "profiles_raw")] == ["Compact"]
    sink.close()

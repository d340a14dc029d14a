"""`relasi import`: rows that are no touchpoints, touchpoints that the policy refuses, and files that are neither."""

import io
from pathlib import Path
from typing import Any, Final

import fastavro
import pytest
from aiokafka.record.memory_records import MemoryRecords
from support.command import Directory, done, relasi, rows
from support.histories import HISTORY, csv_file, csv_of

from schemas.registry import FileRegistry
from schemas.wire import unframe
from streams.embedded.rows_file import RowsFile
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.outputs import rejects

BAD_LINES: Final = (11, 21, 31, 41)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """The history with four lines that are no touchpoints."""
    lines = csv_of(HISTORY).splitlines()
    lines[10] = ",".join(["", "", *lines[10].split(",")[2:]])
    lines[20] = lines[20].replace("2023-", "20x3-", 1)
    lines[30] = lines[30] + ",one,field,too,many"
    lines[40] = "only one field"
    file = tmp_path / "bad.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def messages(data: Path, topic: str) -> list[dict[str, Any]]:
    """What a topic of the log holds, as aiokafka and fastavro read it."""
    registry = FileRegistry()
    with RowsFile(data) as rows:
        batches = MemoryRecords(rows.read(topic, 0, 0, 1 << 30))
    found: list[dict[str, Any]] = []
    while (batch := batches.next_batch()) is not None:
        for record in batch:
            schema_id, body = unframe(record.value)
            schema: Any = fastavro.parse_schema(registry.schema(schema_id))
            read: Any = fastavro.schemaless_reader
            found.append(read(io.BytesIO(body), schema))
    return found


def test_bad_rows_become_rejects_with_their_lines(bad: Path, data: Path) -> None:
    said = done("import", bad, "--data", data).splitlines()
    assert said[0] == f"bad.csv: {len(HISTORY) - 4} touchpoints imported"
    assert said[1] == "  4 bad rows became rejects; the first of them:"
    assert [line.split(":")[0] for line in said[2:5]] == [f"    line {line}" for line in BAD_LINES[:3]]

    found = rows(data, "SELECT * FROM rejects ORDER BY position")
    lines = bad.read_text().splitlines()
    assert [(row["source"], row["position"]) for row in found] == [(str(bad), line) for line in BAD_LINES]
    assert [row["payload"] for row in found] == [lines[line - 1] for line in BAD_LINES]
    assert [row["reason"] for row in found][:2] == ["no_customer", "bad_time"]


def test_bad_rows_are_in_the_log_too(bad: Path, data: Path) -> None:
    done("import", bad, "--data", data)
    found = messages(data, rejects.TOPIC.named())
    assert [row["line"] for row in found] == list(BAD_LINES)
    assert {row["topic"] for row in found} == {str(bad)}
    assert found[0]["payload"].decode() == bad.read_text().splitlines()[BAD_LINES[0] - 1]


def test_a_file_of_bad_rows_alone_is_imported_once(data: Path) -> None:
    file = data.with_name("bad.csv")
    file.write_text("customer_id,occurred_at,kind\nann,never,seen\n")
    first, again = (relasi("import", file, "--data", data) for _ in range(2))
    assert (first.code, again.code) == (3, 3)
    assert "0 touchpoints imported\n  1 bad rows became rejects" in first.out
    assert "nothing of bad.csv could be used: the times are not understood" in first.err
    assert "--time-format" in first.err
    assert "imported before (0 touchpoints)" in again.out
    assert [row["position"] for row in rows(data, "SELECT * FROM rejects")] == [2]


def test_touchpoints_that_the_policy_refuses_are_told_and_kept(data: Path) -> None:
    strange = [row | {"currency": "XTS"} if row["amount"] else row for row in HISTORY]
    refused = sum(1 for row in strange if row["amount"])
    said = done("import", csv_file(strange, data.with_name("strange.csv")), "--data", data)
    assert f"{refused} of them were refused by the policy" in said
    found = rows(data, "SELECT reason, source, count() AS many FROM rejects GROUP BY reason, source")
    assert found == [{"reason": "unknown_currency", "source": TOUCHPOINTS_TOPIC, "many": refused}]
    assert [row["reason"] for row in messages(data, rejects.TOPIC.named())] == ["unknown_currency"] * refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bytes_of", "told"),
    [
        ("empty.csv", b"", "is empty; expected CSV, JSON lines, Parquet or an Avro container"),
        ("header.csv", b"customer_id,occurred_at,kind\n", "has no rows; expected"),
        ("sheet.xlsx", b"PK\x03\x04rest", "a ZIP archive or a spreadsheet"),
        ("half.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K", "cut off"),
        ("strange.csv", b"a,b\n1,2\n", "no customer: name the column with --map customer_id=COLUMN"),
        ("missing.csv", None, "cannot be read (No such file or directory); expected"),
    ],
)
def test_what_cannot_be_imported_says_what_was_expected(
    name: str, bytes_of: bytes | None, told: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if bytes_of is not None:
        file.write_bytes(bytes_of)
    ran = relasi("import", file, "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (1, "")
    assert f"{file}: " in ran.err
    assert told in ran.err


def test_nothing_is_left_beside_the_log_and_the_reports(imported: Directory) -> None:
    assert {path.name for path in imported.path.iterdir()} == {"relasi.sqlite", "rows.sqlite", "relasi.lock", "reports"}

"""A data directory over many processes: what each leaves for the next."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import Directory, content, done, relasi
from support.histories import csv_file, history
from support.messages import DAY, schemas, tick
from support.shell import apply_all

from processors.row.namespaces import NAMESPACES
from streams.embedded.editions import editions
from streams.embedded.log import FILE_NAME, Log
from streams.embedded.rows_file import RowsFile
from streams.embedded.session import Session
from streams.engine.checkpoint import HEADER_KEY, POLICY_KEY, stored_in_columns
from streams.engine.former import is_former
from streams.engine.partition import Partition
from streams.policies import preset

LAYOUTS: Final = Path(__file__).parents[1] / "data" / "layouts"


def checkpoint_bytes(data: Path) -> int:
    with RowsFile(data) as rows:
        return sum(len(value) for _, value in rows.checkpoint(0))


@pytest.mark.slow
def test_checkpoints_of_processes_that_have_ended_do_not_pile_up(data: Path) -> None:
    file = csv_file(history(customers=2000, touchpoints=4000, days=300), data.with_name("history.csv"))
    done("import", file, "--data", data)
    text = done("policy", "show", "--data", data)
    sizes = []
    for number in range(8):
        # Every policy judges, and so writes, everybody.
        policy = data.with_name("policy.toml")
        policy.write_text(text.replace("horizon_days = 91", f"horizon_days = {100 + number}", 1))
        done("policy", "apply", policy, "--data", data)
        sizes.append(checkpoint_bytes(data))
    # What is left is all that there was.
    once = data.with_name("once")
    done("import", file, "--policy", policy, "--data", once)
    everybody = checkpoint_bytes(once)
    # Nearly: judged again and again, rows hold some more.
    assert max(sizes) < 1.2 * everybody
    columns = "customer_id, stage, purchases, spend_minor, churn_risk"
    # At one instant: a policy judges everybody when it comes into force, and that is what a profile is as of.
    sql = f"SELECT {columns} FROM profiles_at(at = '2026-01-01') ORDER BY customer_id"
    assert done("query", sql, "--data", data) == done("query", sql, "--data", once)
    said = done("advance", "--to", "2026-01-01", "--data", data)
    assert said == done("advance", "--to", "2026-01-01", "--data", once)


def test_what_a_cut_off_import_left_beside_the_log_is_cleared(imported: Directory, data: Path) -> None:
    shutil.copytree(imported.path, data, symlinks=True)
    (data / "import-abc").mkdir()
    (data / "import-abc" / "arrived.arrow").write_bytes(b"rows")
    (data / "received-abc").write_bytes(b"standard input")
    done("query", "SELECT 1", "--data", data)
    assert {path.name for path in data.iterdir()} == {path.name for path in imported.path.iterdir()}


def test_a_directory_can_be_copied_and_moved(imported: Directory, tmp_path: Path) -> None:
    shutil.copytree(imported.path, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy").rename(tmp_path / "moved")
    assert content(tmp_path / "moved") == imported.content


def test_a_log_that_lost_its_end_is_refused(imported: Directory, data: Path) -> None:
    shutil.copytree(imported.path, data, symlinks=True)
    with Log(data) as log, log.transaction():
        log._connection.execute("DELETE FROM batches WHERE last_offset > 2")
    ran = relasi("query", "SELECT 1", "--data", data)
    assert (ran.code, ran.out) == (1, "")
    assert "is older than what was made of it" in ran.err


def stored(data: Path) -> tuple[Partition, set[bytes]]:
    """The partition that a process would begin with, and the keys of what it is made from."""
    with Log(data), RowsFile(data) as rows:
        records = list(rows.checkpoint(0))
    partition = Partition(0, preset(), schemas())
    partition.restore(stored_in_columns(records))
    return partition, {key for key, _ in records}


def people(partition: Partition) -> dict[tuple[str, str], dict[str, Any]]:
    """How each customer stands, by namespace and id; all but where that is."""
    numbers = partition.numbers()
    starts, lengths = partition.ids(numbers)
    rows, spaces = partition.rows(numbers), partition.namespaces(numbers).tolist()
    ids = [bytes(partition.table.ids[at : at + size]).decode() for at, size in zip(starts, lengths, strict=True)]
    fields = [name for name in rows.dtype.names if name != "entry_at"]
    return {
        (NAMESPACES[space], who): {name: row[name].tolist() for name in fields}
        for space, who, row in zip(spaces, ids, rows, strict=True)
    }


@pytest.mark.slow
def test_a_directory_whose_checkpoints_were_chunks_is_gone_on_with(data: Path) -> None:
    data.mkdir()
    (data / FILE_NAME).write_bytes(gzip.decompress((LAYOUTS / "layout-2.sqlite.gz").read_bytes()))
    told = json.loads(gzip.decompress((LAYOUTS / "layout-2.customers.json.gz").read_bytes()))
    before, keys = stored(data)
    assert all(map(is_former, keys))
    assert (before.next_offset, before.time, before.policy.hash) == (told["offset"], told["time"], told["policy"])
    everybody = {(each["namespace"], each["id"]): each["row"] for each in told["customers"]}
    marks = {"touched", "unreported", "ring", "ring_at"}
    # What rows did not have then is as in an empty one.
    then = set(next(iter(everybody.values()))) - marks
    assert {who: {name: row[name] for name in then} for who, row in people(before).items()} == {
        who: {name: row[name] for name in then} for who, row in everybody.items()
    }
    # There are no reports: they are made anew from the log. And all rows are written anew.
    said = done("query", "SELECT DISTINCT namespace, customer_id FROM profiles_raw", "--format", "csv", "--data", data)
    assert sorted(said.replace('"', "").split()[1:]) == sorted(",".join(who) for who in everybody)
    after, keys = stored(data)
    # What they lack only the past can give: they are of the next edition, by themselves, and once.
    assert ("cancelled_minor" in before.lacking, after.lacking) == (True, [])
    with Session(data, "test") as session:
        assert [each.number for each in editions(session.log)] == [1, 2]
    assert not any(map(is_former, keys))
    assert len([key for key in keys if key[0] < len(NAMESPACES)]) == after.customers == len(everybody)
    assert {HEADER_KEY, POLICY_KEY} <= keys
    assert people(after) == people(before)
    # Whose day had not ended is judged when it does.
    apply_all(after, tick(told["time"] + DAY))
    reviewed = {who: row["reviewed_at"] for who, row in people(after).items()}
    touched = {who for who, row in everybody.items() if row["touched"]}
    assert {who for who, row in everybody.items() if reviewed[who] > row["reviewed_at"]} == touched != set()

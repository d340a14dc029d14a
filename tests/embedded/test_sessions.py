"""A data directory over many processes: what each leaves for the next."""

import shutil
from pathlib import Path

from support.command import Directory, content, done, relasi
from support.histories import csv_file, history

from streams.embedded.log import Log


def checkpoint_bytes(data: Path) -> int:
    with Log(data) as log:
        return sum(len(value) for _, value in log.checkpoint(0))


def test_checkpoints_of_processes_that_have_ended_do_not_pile_up(data: Path) -> None:
    file = csv_file(history(customers=2000, touchpoints=4000, days=300), data.with_name("history.csv"))
    done("import", file, "--data", data)
    text = done("policy", "show", "--data", data)
    sizes = []
    for number in range(8):
        # Every policy judges, and so writes, everybody.
        policy = data.with_name("policy.toml")
        policy.write_text(text.replace("horizon_days = 91", f"horizon_days = {100 + number}"))
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
    assert "it is another log than the one that they were made from" in ran.err

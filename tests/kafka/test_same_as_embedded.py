"""Two workers make of the same touchpoints what the embedded shell makes of them, row for row."""

from pathlib import Path

from support.kafka_inputs import write_files
from support.kafka_workers import Install, embedded, same


def test_two_workers_equal_the_embedded_shell(install: Install, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=1, files=3, count=6_000, customers=1_500)
    oracle = embedded(tmp_path / "embedded", files)
    made = install()
    workers = [made.start(), made.start()]
    for path in files:
        made.must("produce", str(path), "--as-arrived")
    for worker in workers:
        worker.wait_ready()
    made.settle()
    assert made.stop_all() == [0, 0]
    same(made.tables(), oracle)
    assert len(oracle["transitions_raw"]) > 1_000

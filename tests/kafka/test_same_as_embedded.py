"""Two workers make of the same touchpoints what the embedded shell makes of them: row for row, message for message."""

from pathlib import Path

from support.kafka_inputs import write_files
from support.kafka_workers import Install, embedded, embedded_published, same

from streams.outputs import judgements, transitions

TOPICS = (transitions.TOPIC, judgements.TOPIC)


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
    for topic, table in zip(TOPICS, ("transitions_raw", "judgements_raw"), strict=True):
        told = made.published(topic)
        # Keys and bodies, byte for byte; each fact has one body, and its row the same id.
        assert told == embedded_published(tmp_path / "embedded", topic)
        assert {len(bodies) for bodies in told.values()} == {1}
        assert told.keys() == {row["id"].encode() for row in oracle[table]}


def test_without_reports_the_topics_say_the_same(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=2, files=1, count=4_000, customers=800)
    embedded(tmp_path / "embedded", [file])
    made = install(clickhouse="")
    worker = made.start()
    made.must("produce", str(file), "--as-arrived")
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0, worker.text()
    for topic in TOPICS:
        told = made.published(topic)
        assert len(told) > 100
        assert told == embedded_published(tmp_path / "embedded", topic)

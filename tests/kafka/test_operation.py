"""How a worker behaves as a process: pages, graceful stop, refusals, standby."""

import re
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition
from support.clickhouse_server import Server
from support.kafka_broker import PATIENCE, running, until
from support.kafka_inputs import write_files
from support.kafka_restored import remembered
from support.kafka_workers import Install, Installation, embedded, installation, same

CONVENTION = re.compile(r"^relasi_[a-z_]+(_seconds|_bytes|_records|_rows|_total)$")


def test_pages_metrics_and_a_graceful_stop(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=3, files=1, count=3_000, customers=300)
    made = install()
    made.must("produce", str(file), "--as-arrived")
    worker = made.start(checkpoint_seconds=60)
    for _ in until():
        status, text = worker.page("/readyz")
        if status == 200:
            break
        assert (status, bool(text)) in ((0, False), (503, True))
    assert worker.page("/livez") == (200, "ok\n")
    worker.wait_caught_up()
    text = worker.page("/metrics")[1]
    # Transitions come of records, and are none.
    assert worker.counted("relasi_transitions_total") > 0
    assert 'relasi_records_total{outcome="transitions"}' not in text
    assert 'relasi_records_total{outcome="judgements"}' not in text
    families = [line.split() for line in text.splitlines() if line.startswith("# TYPE")]
    names = [name for _, _, name, kind in families if not name.endswith("_created")]
    assert names
    assert [name for name in names if not CONVENTION.match(name)] == []
    assert worker.stop() == 0, worker.text()
    committed, ends = made.positions()
    assert committed == ends
    assert "customer 1" not in worker.log.read_text()


def test_a_stop_in_the_midst_of_the_load_commits_what_it_remembers_and_nothing_beyond(
    install: Install, tmp_path: Path
) -> None:
    (file,) = write_files(tmp_path / "files", seed=6, files=1, count=30_000, customers=1_000)
    oracle = embedded(tmp_path / "embedded", [file])
    made = install()
    made.must("produce", str(file), "--as-arrived")
    # In small fetches, so that there is a midst.
    worker = made.start(fetch_bytes=4_096, checkpoint_seconds=60)
    for _ in until():
        if worker.counted('relasi_records_total{outcome="accepted"}') > 0:
            break
    assert worker.stop() == 0, worker.text()
    committed, ends = made.positions()
    assert committed == remembered(made)
    assert sum(committed.values()) < sum(ends.values())
    again = made.start()
    made.settle()
    assert again.stop() == 0, again.text()
    same(made.tables(), oracle)


def test_standby_takes_over(install: Install, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=4, files=2, count=3_000, customers=600)
    oracle = embedded(tmp_path / "embedded", files)
    made = install(standby=1)
    workers = [made.start(), made.start()]
    for worker in workers:
        worker.wait_ready()
    made.must("produce", str(files[0]), "--as-arrived")
    made.settle()
    workers[0].kill()
    made.must("produce", str(files[1]), "--as-arrived")
    made.settle()
    assert workers[1].stop() == 0, workers[1].text()
    same(made.tables(), oracle)


def test_topics_that_are_missing_or_differ_are_refused(install: Install) -> None:
    made = install()
    assert made.relasi("topics", "check").returncode == 0
    made.environment["RELASI_PARTITIONS"] = "5"
    for command in (["topics", "check"], ["topics", "apply"], ["worker"]):
        done = made.relasi(*command)
        assert done.returncode == 1
        assert "has 4 partitions, RELASI_PARTITIONS says 5" in done.stdout + done.stderr
    made.environment |= {"RELASI_PARTITIONS": "4", "RELASI_PREFIX": "nowhere"}
    done = made.relasi("worker")
    assert done.returncode == 1
    assert "nowhere.touchpoints.v1: is missing" in done.stderr
    assert "relasi topics apply" in done.stderr


def create_anew(made: Installation, name: str = "{}.touchpoints.v1") -> None:
    """Delete a topic, and create it again."""
    name = name.format(made.name)
    admin = KafkaAdminClient(bootstrap_servers=[made.broker.servers])
    admin.delete_topics([name])
    for _ in until():
        if name not in admin.list_topics():
            break
    admin.close()
    made.must("topics", "apply")


def test_a_topic_that_was_created_anew_under_old_state_is_refused(install: Install, tmp_path: Path) -> None:
    first, more = write_files(tmp_path / "files", seed=5, files=2, count=500, customers=50)
    made = install()
    made.must("produce", str(first), "--as-arrived")
    worker = made.start()
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0
    create_anew(made)
    # Filled beyond where the old one ended, so that its end does not tell.
    made.must("produce", str(first), str(more), "--as-arrived")
    again = made.start()
    assert again.process.wait(PATIENCE) == 1
    assert "it is another log than the one that they were made from" in again.text()


def test_a_topic_that_is_created_anew_under_a_running_worker_ends_it(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=5, files=1, count=500, customers=50)
    made = install()
    made.must("produce", str(file), "--as-arrived")
    worker = made.start()
    worker.wait_ready()
    made.settle()
    create_anew(made)
    assert worker.process.wait(PATIENCE) == 1
    assert "it is another log" in worker.text() or "is gone from the broker" in worker.text()


def test_offsets_without_a_checkpoint_on_a_log_without_its_head_are_refused(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=5, files=1, count=500, customers=50)
    made = install(partitions=1)
    made.must("produce", str(file), "--as-arrived")
    worker = made.start()
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0
    create_anew(made, "{}-profiles-changelog")
    # All of the log is there: every customer is made anew of it.
    again = made.start()
    again.wait_ready()
    again.wait_caught_up(partitions=1)
    assert again.counted('relasi_records_total{outcome="accepted"}') > 400
    assert again.stop() == 0
    create_anew(made, "{}-profiles-changelog")
    admin = KafkaAdminClient(bootstrap_servers=[made.broker.servers])
    admin.delete_records({TopicPartition(f"{made.name}.touchpoints.v1", 0): 100})
    admin.close()
    last = made.start()
    assert last.process.wait(PATIENCE) == 1
    assert "no checkpoint of that is in the changelog, and the log begins at 100" in last.text()


@pytest.mark.parametrize("again", [False, True], ids=["and nothing is made anew", "and its topics are made anew"])
def test_a_broker_that_is_wiped_under_a_running_worker_ends_it(clickhouse: Server, tmp_path: Path, again: bool) -> None:
    (file,) = write_files(tmp_path / "files", seed=5, files=1, count=500, customers=50)
    (tmp_path / "made").mkdir()
    with (
        running(tmp_path / "broker") as broker,
        installation(broker, clickhouse, f"wiped{again}", tmp_path / "made", ticks="clock") as made,
    ):
        made.must("produce", str(file), "--as-arrived")
        worker = made.start()
        worker.wait_ready()
        worker.wait_caught_up()
        broker.wipe()
        if again:
            made.must("topics", "apply")
            made.must("produce", str(file), "--as-arrived")
        assert worker.process.wait(PATIENCE) == 1
        assert ("it is another log" if again else "is gone from the broker") in worker.text()
        if again:
            # It has left nothing there that would keep another one from beginning.
            assert remembered(made) == {}
            following = made.start()
            made.settle()
            assert following.stop() == 0, following.text()

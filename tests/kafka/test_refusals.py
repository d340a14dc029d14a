"""What a worker refuses, waits for, or ends over: one clear line, and nothing acknowledged that is not true."""

import signal
import time
from pathlib import Path
from typing import Any, Final

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from support.kafka_broker import PATIENCE, free_ports, until
from support.kafka_inputs import write_files
from support.kafka_workers import PROGRAM, Install, Installation, embedded, same

HOUR: Final = 3600
CLOCK_AHEAD: Final = (
    f"import sys, time; true = time.time_ns; time.time_ns = lambda: true() + {HOUR} * 10**9; "
    "from streams.cli import main; sys.exit(main())"
)
OTHER_VERSION: Final = (
    "import sys; from streams.kafka import versions; versions.VERSIONS['{library}'] = '9.9'; "
    "from streams.cli import main; sys.exit(main())"
)


def configure(made: Installation, topic: str, **config: str) -> None:
    """Set what a topic is like, beside what is declared."""
    admin = KafkaAdminClient(bootstrap_servers=[made.broker.servers])
    wanted = {key.replace("_", "."): value for key, value in config.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])
    admin.close()


def test_ticks_of_a_clock_that_is_ahead_are_ignored_and_counted(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=31, files=1, count=400, customers=50)
    made = install(ticks="clock", tick_seconds=0.2)
    made.must("produce", str(file), "--as-arrived")
    made.program = ("-c", CLOCK_AHEAD)
    ahead = made.start()
    ahead.wait_ready()
    name = 'relasi_records_total{outcome="ticks_ignored"}'
    before = ahead.counted(name)
    for _ in until():
        if ahead.counted(name) >= before + 10:
            break
    # By the clock of the worker itself its partitions would be at the present.
    ages = [line for line in ahead.page("/metrics")[1].splitlines() if line.startswith("relasi_tick_age_seconds{")]
    assert ages
    assert min(float(line.rpartition(" ")[2]) for line in ages) > HOUR
    assert ahead.stop() == 0, ahead.text()
    made.program = PROGRAM
    right = made.start()
    for _ in until():
        if right.counted('relasi_records_total{outcome="ticks"}') >= 4:
            break
    assert right.stop() == 0, right.text()


def test_a_send_that_fails_for_good_ends_the_worker_before_anything_is_acknowledged(
    install: Install, tmp_path: Path
) -> None:
    (file,) = write_files(tmp_path / "files", seed=32, files=1, count=2_000, customers=300)
    oracle = embedded(tmp_path / "embedded", [file])
    made = install()
    topic = f"{made.name}.transitions.v1"
    # Which messages it takes is declared and checked; that none is older than nothing is not.
    configure(made, topic, message_timestamp_before_max_ms="0")
    made.must("produce", str(file), "--as-arrived")
    worker = made.start()
    assert worker.process.wait(PATIENCE) == 1
    assert f"{topic}: a message could not be written to Kafka" in worker.text()
    committed, ends = made.positions()
    assert [number for number, end in ends.items() if committed.get(number, 0) >= end] == []
    configure(made, topic, message_timestamp_before_max_ms=str(2**63 - 1))
    again = made.start()
    again.wait_ready()
    made.settle()
    assert again.stop() == 0, again.text()
    same(made.tables(), oracle)


def test_a_changelog_without_compaction_is_refused_until_it_is_mended(install: Install) -> None:
    made = install()
    changelog = f"{made.name}-profiles-changelog"
    configure(made, changelog, cleanup_policy="delete")
    for command in (["worker"], ["topics", "check"]):
        done = made.relasi(*command)
        assert done.returncode == 1
        assert f"{changelog}: cleanup.policy is delete, declared is compact" in done.stdout + done.stderr
    assert "relasi topics apply" in made.relasi("worker").stderr
    made.must("topics", "apply")
    made.must("topics", "check")


@pytest.mark.parametrize("library", ["aiokafka", "faust-streaming", "mode-streaming"])
def test_other_versions_of_the_libraries_are_refused(install: Install, library: str) -> None:
    made = install()
    made.program = ("-c", OTHER_VERSION.format(library=library))
    worker = made.start()
    assert worker.process.wait(PATIENCE) == 1
    assert f"can't run on {library} " in worker.text()
    assert "instead of 9.9" in worker.text()


def test_a_worker_waits_for_a_broker_that_is_not_there(install: Install) -> None:
    nobody = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    worker = install().start(broker=nobody)
    for _ in until():
        if worker.page("/readyz") == (503, "Kafka is unreachable (RELASI_BROKER)\n"):
            break
    used, waits = worker.processor_seconds(), worker.text().count("broker unreachable")
    begun = time.monotonic()
    for _ in until():
        if worker.text().count("broker unreachable") >= waits + 2:
            break
    assert worker.page("/livez") == (200, "ok\n")
    # Two more attempts, seconds of waiting: whoever tried again at once would have used all of them.
    assert worker.processor_seconds() - used < (time.monotonic() - begun) / 2
    assert all("RELASI_BROKER" in line and nobody in line for line in worker.text().splitlines() if "unreach" in line)
    assert worker.stop() == 0, worker.text()


def test_a_port_that_is_taken_is_a_wrong_setting(install: Install) -> None:
    made = install()
    first = made.start()
    for _ in until():
        if first.page("/livez")[0] == 200:
            break
    made.environment["RELASI_WEB_PORT"] = str(first.port)
    done = made.relasi("worker")
    assert done.returncode == 2
    assert "RELASI_WEB_PORT" in done.stderr
    first.signal(signal.SIGKILL)


def rejects(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "at"} for row in rows]


def test_bad_rows_of_a_file_reach_the_table_of_rejects_as_those_of_an_import_do(
    install: Install, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(
        "customer_id,occurred_at,kind,amount,currency\n"
        "a,2024-01-01,order_completed,10.00,USD\n"
        "b,yesterday,order_completed,10.00,USD\n"
        "c,2024-01-02,order_completed,much,USD\n"
        f"d,2024-01-02,{'long' * 300_000},10.00,USD\n"
        "e,2024-01-02,order_completed,10.00,USD\n"
    )
    wanted = rejects(embedded(tmp_path / "embedded", [file])["rejects_raw"])
    assert [row["payload_bytes"] > 1_000_000 for row in wanted].count(True) == 1
    assert len(wanted) == 3
    made = install()
    said = made.must("produce", str(file), "--as-arrived")
    # More than a message may have is no more than a bad row, and what stands behind it is sent.
    assert "3 bad rows" in said
    assert "2 touchpoints sent" in said
    assert rejects(made.tables()["rejects_raw"]) == wanted


def test_reports_are_applied_again_and_again_without_harm(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=33, files=1, count=300, customers=50)
    made = install()
    said = made.must("reports", "apply")
    made.must("produce", str(file), "--as-arrived")
    worker = made.start()
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0, worker.text()
    before = made.tables()
    assert len(before["touchpoints_raw"]) == 300
    assert made.must("reports", "apply") == said
    assert made.tables() == before


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("", 2, "RELASI_CLICKHOUSE is empty"),
        ("clickhouse://host:9000/relasi?colour=red", 2, "the URL of ClickHouse must look like"),
        ("clickhouse://default@127.0.0.1:{port}/relasi", 1, "RELASI_CLICKHOUSE: ClickHouse at 127.0.0.1:{port}"),
    ],
)
def test_reports_that_cannot_be_applied_say_why(install: Install, url: str, code: int, says: str) -> None:
    port = free_ports(1)[0]
    made = install()
    made.environment["RELASI_CLICKHOUSE"] = url.format(port=port)
    done = made.relasi("reports", "apply")
    assert done.returncode == code
    assert says.format(port=port) in done.stderr
    assert done.stderr.startswith("relasi: ")

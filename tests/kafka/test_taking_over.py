"""Workers whose fence is another's, and changelogs that an earlier version wrote."""

import asyncio
import base64
import gzip
import json
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from support.checkpoints_on_kafka import committed
from support.kafka_broker import Broker
from support.kafka_inputs import write_files
from support.kafka_restored import restored, settings_of
from support.kafka_workers import Install, Installation, embedded, same
from support.messages import Message, batch

from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.engine.former import is_former
from streams.engine.partition import Partition
from streams.kafka.fencing import transactional_id
from streams.kafka.topics import check, topics_of
from streams.log.batches import read_batches
from streams.policies import preset

# Where a row lies; and what rows of before policies had a version do not know: it is as if nothing of it had come.
UNCOMPARED: Final = (
    "entry_at", "marketing_minor", "cancelled_minor", "against_minor", "last_consent_at", "last_refusal_at",
    "cancelled", "refusals", "chosen", "terms_opened", "term_started_at", "term_until", "order_bought_at",
    "order_purchases", "before_bound_at", "silent_at", "searched", "urged", "varieties",
)  # fmt: skip
RECORDED: Final = Path(__file__).parents[1] / "data" / "changelog_of_layout_4.json.gz"

Records = list[tuple[bytes, bytes | None]]


async def initialise(made: Installation, numbers: range) -> None:
    """What a worker does that was slow in a generation that is over."""
    for number in numbers:
        async with AIOKafkaProducer(
            bootstrap_servers=made.broker.servers, transactional_id=transactional_id(made.name, number)
        ):
            pass


def test_a_worker_that_is_fenced_by_a_late_one_takes_over_again(install: Install, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", seed=61, files=3, count=2_000, customers=400)
    oracle = embedded(tmp_path / "embedded", files)
    made = install()
    worker = made.start()
    worker.wait_ready()
    made.must("produce", str(files[0]), "--as-arrived")
    made.settle()
    asyncio.run(initialise(made, range(4)))
    made.must("produce", str(files[1]), "--as-arrived")
    made.settle()
    assert worker.log.read_text().count("tenure ended") == 4
    asyncio.run(initialise(made, range(2)))
    made.must("produce", str(files[2]), "--as-arrived")
    made.settle()
    assert worker.stop() == 0, worker.text()
    assert worker.log.read_text().count("tenure ended") == 6
    same(made.tables(), oracle)


def recorded() -> tuple[Records, Records]:
    """(log, changelog) of one partition, as a worker left them that wrote chunks in slots."""
    found = json.loads(gzip.decompress(RECORDED.read_bytes()))

    def read(records: Any) -> Records:
        return [(base64.b64decode(key or ""), base64.b64decode(value) if value else None) for key, value in records]

    return read(found["log"]), read(found["changelog"])


def of_this_log(value: bytes, identity: str) -> bytes:
    """A record of a checkpoint that names this log instead of the one that it was made from."""
    size = int.from_bytes(value[:4], "big")
    told = json.loads(value[4 : 4 + size])
    assert len(told["log"]) == len(identity)
    return value.replace(told["log"].encode(), identity.encode())


async def put(broker: Broker, topic: str, records: Records) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.servers, max_request_size=2 << 20) as producer:
        for key, value in records:
            await producer.send_and_wait(topic, value, key or None, 0)


def whole(log: Records) -> Partition:
    """A partition that has read a log from its beginning."""
    partition = Partition(0, preset(), look_up_all(FileRegistry()))
    for offset, (_, value) in enumerate(log):
        partition.apply(read_batches(batch([Message(value or b"")], offset), offset))
    return partition


def rows_of(partition: Partition) -> dict[int, dict[str, Any]]:
    """What is remembered of each customer, without what came of where its row lies."""
    rows = partition.rows(partition.numbers())
    names = [name for name in rows.dtype.names if name not in UNCOMPARED]
    return {int(row["hash"]): {name: row[name].tolist() for name in names} for row in rows}


def test_a_changelog_of_chunks_is_migrated_when_it_is_first_taken_over(install: Install, tmp_path: Path) -> None:
    log, changelog = recorded()
    assert all(is_former(key) for key, _ in changelog)
    made = install(partitions=1, clickhouse="")
    topics = topics_of(settings_of(made))
    identity = check(settings_of(made, partitions=1))
    told = [(key, None if value is None else of_this_log(value, identity)) for key, value in changelog]
    asyncio.run(put(made.broker, topics.touchpoints, log))
    asyncio.run(put(made.broker, topics.changelog, told))
    worker = made.start()
    worker.wait_ready()
    before = worker.counted("relasi_records_total")
    (more,) = write_files(tmp_path / "files", seed=62, files=1, count=300, customers=60)
    made.must("produce", str(more), "--as-arrived")
    made.settle()
    assert worker.stop() == 0, worker.text()
    # What the chunks held was not read again, and what their rows lack is said with what to do about it.
    assert before == 0
    said = worker.log.read_text()
    assert "rows lack what only the past can give" in said
    assert "cancelled_minor" in said
    assert "relasi rebuild --layout" in said
    partition, keys = restored(made)
    assert not any(map(is_former, keys))
    # Every row is what it would be had there never been another layout.
    wanted = whole(asyncio.run(committed(made.broker.servers, topics.touchpoints)))
    assert rows_of(partition) == rows_of(wanted)
    assert len(rows_of(wanted)) > 30

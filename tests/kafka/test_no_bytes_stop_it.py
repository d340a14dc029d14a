"""Whatever bytes stand in the log, a worker goes on behind them, and says in topic and table what it left out."""

import asyncio
import io
from typing import Any, Final

import fastavro
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from support.kafka_workers import Install, Installation
from support.messages import START, touchpoint

from schemas.registry import FileRegistry
from schemas.wire import unframe
from streams.payloads import MOST_PAYLOAD

MEGABYTE: Final = 1_000_000
LARGE: Final = 64 * MEGABYTE
GOOD: Final = [touchpoint(str(number), f"customer {number}", START) for number in range(2)]
BYTES: Final[list[tuple[str, str | None, bytes]]] = [
    ("not_framed", None, b"\xff" * (3 * MEGABYTE)),
    ("not_framed", "gzip", b"\xff" * (3 * MEGABYTE)),
    ("long_event_id", "zstd", touchpoint("e" * (3 * MEGABYTE), "ann", START)),
    ("batch_too_large", "zstd", b"\0" * (40 * MEGABYTE)),
    ("batch_too_large", "lz4", b"\0" * (40 * MEGABYTE)),
]


def allow_large(made: Installation) -> None:
    admin = KafkaAdminClient(bootstrap_servers=[made.broker.servers])
    topic = f"{made.name}.touchpoints.v1"
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(LARGE)})])
    admin.close()


async def send(made: Installation, value: bytes, codec: str | None) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=made.broker.servers, compression_type=codec, max_request_size=LARGE, max_batch_size=LARGE
    ) as producer:
        await producer.send_and_wait(f"{made.name}.touchpoints.v1", value, partition=0)


async def rejects(made: Installation) -> list[dict[str, Any]]:
    """The messages of the topic of rejects."""
    tp = TopicPartition(f"{made.name}.rejects.v1", 0)
    registry = FileRegistry()
    found: list[dict[str, Any]] = []
    async with AIOKafkaConsumer(bootstrap_servers=made.broker.servers, max_partition_fetch_bytes=LARGE) as consumer:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            schema_id, body = unframe((await consumer.getone(tp)).value)
            schema = fastavro.parse_schema(registry.schema(schema_id))
            read: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
            found.append(read)
    return found


def test_a_worker_goes_on_behind_whatever_bytes_there_are(install: Install) -> None:
    made = install(partitions=1)
    allow_large(made)
    for value, codec in [(GOOD[0], None), *((value, codec) for _, codec, value in BYTES), (GOOD[1], "gzip")]:
        asyncio.run(send(made, value, codec))
    worker = made.start()
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0, worker.text()
    tables, said = made.tables(), asyncio.run(rejects(made))
    assert len(tables["touchpoints_raw"]) == len(GOOD)
    wanted = [reason for reason, _, _ in BYTES]
    assert sorted(row["reason"] for row in tables["rejects_raw"]) == sorted(wanted)
    by_offset = {message["offset"]: message for message in said}
    assert [by_offset[offset]["reason"] for offset in range(1, 1 + len(BYTES))] == wanted
    for offset, (reason, _, value) in enumerate(BYTES, 1):
        message = by_offset[offset]
        if reason == "batch_too_large":
            assert message["payload_bytes"] == len(message["payload"]) < MEGABYTE
        else:
            assert (message["payload"], message["payload_bytes"]) == (value[:MOST_PAYLOAD], len(value))
        assert message["records"] == 1
    assert {row["payload_sha256"] for row in tables["rejects_raw"]} == {each["payload_sha256"] for each in said}

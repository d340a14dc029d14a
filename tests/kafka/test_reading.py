"""What may stand in a topic: every codec, transactions, records that make no sense. One partition: one log."""

import asyncio
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from support.kafka_broker import PATIENCE
from support.kafka_inputs import write_files
from support.kafka_workers import Install, Installation, same, tables_of

from schemas.bodies import Bodies, bodies_of
from schemas.registry import FileRegistry
from streams.clock import now_ms
from streams.embedded.session import Session
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare
from streams.log.messages import message
from streams.log.touchpoints import touchpoints_with_ticks
from streams.policies import preset

CODECS: Final = (None, "gzip", "snappy", "lz4", "zstd")

Messages = list[tuple[bytes, bytes]]


def messages_of(file: Path, workdir: Path) -> Messages:
    """(key, value) of the policy, and of every touchpoint and tick of a file."""
    registry, policy = FileRegistry(), preset()
    found = [(b"", message(registry, "Policy", {"text": policy.text, "hash": policy.hash}))]
    with prepare(str(file), Mapping(), as_arrived=True, workdir=workdir, now=now_ms()) as prepared:
        time = 0
        for batch in prepared.batches():
            keys, bodies, time = touchpoints_with_ticks(batch, registry, time)
            found += [(keys.message(i), bodies.message(i)) for i in range(len(keys.offsets) - 1)]
    return found


def embedded(directory: Path, messages: Messages) -> dict[str, list[dict[str, Any]]]:
    with Session(directory, "test", accept_rejects=True) as session:
        runner = session.runner
        keys: Bodies = bodies_of([key for key, _ in messages])
        with runner.log.transaction():
            runner.append(keys, bodies_of([value for _, value in messages]))
        runner.settle()
        return tables_of(runner.sink)


async def send(made: Installation, messages: Messages, **settings: Any) -> None:
    """As a stranger's client would: message by message, in batches of its own making."""
    async with AIOKafkaProducer(bootstrap_servers=made.broker.servers, linger_ms=20, **settings) as producer:
        await asyncio.gather(*[await put(producer, made, each) for each in messages])


async def put(producer: AIOKafkaProducer, made: Installation, each: tuple[bytes, bytes]) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = await producer.send(f"{made.name}.touchpoints.v1", each[1], each[0], 0)
    return future


async def transactions(made: Installation, parts: list[tuple[Messages, bool]]) -> None:
    """Each part in a transaction that is committed, or aborted."""
    settings = {"bootstrap_servers": made.broker.servers, "transactional_id": made.name, "linger_ms": 20}
    async with AIOKafkaProducer(**settings) as producer:
        for messages, commit in parts:
            await producer.begin_transaction()
            await asyncio.gather(*[await put(producer, made, each) for each in messages])
            await (producer.commit_transaction() if commit else producer.abort_transaction())


def finish(made: Installation, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    worker = made.start(*arguments)
    worker.wait_ready()
    made.settle()
    assert worker.stop() == 0, worker.text()
    return made.tables()


def test_every_codec_and_transactions_and_poison(install: Install, tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "files", seed=7, files=1, count=6_000, customers=500)
    sound = messages_of(file, tmp_path)
    mixed = [
        part
        for number, each in enumerate(sound)
        for part in ([each, (b"", b"poison")] if number % 100 == 99 else [each])
    ]
    oracle = embedded(tmp_path / "embedded", mixed)
    made = install(partitions=1, fetch_bytes=32_768)
    share = len(mixed) // 8
    for number, codec in enumerate(CODECS):
        asyncio.run(send(made, mixed[number * share : (number + 1) * share], compression_type=codec))
    rest = mixed[len(CODECS) * share :]
    half = len(rest) // 2
    aborted = [(key, value) for key, value in sound[:300]]
    parts = [
        (aborted, False),
        (rest[:half], True),
        ([], False),
        (aborted, False),
        (rest[half:], True),
        (aborted, False),
    ]
    asyncio.run(transactions(made, parts))
    same(finish(made), oracle)
    assert len(oracle["rejects_raw"]) == len(sound) // 100
    assert {row["reason"] for row in oracle["rejects_raw"]} == {"not_framed"}


def test_nothing_but_poison_stops_the_worker_until_it_is_told_to_go_on(install: Install, tmp_path: Path) -> None:
    poison = [(b"", b"poison %d" % number) for number in range(10_050)]
    made = install(partitions=1)
    asyncio.run(send(made, poison))
    worker = made.start()
    assert worker.process.wait(PATIENCE) == 1
    assert "10000 consecutive records were rejected" in worker.text().replace(",", "")
    assert "--accept-rejects" in worker.text()
    found = finish(made, "--accept-rejects")
    assert len(found["rejects_raw"]) == len(poison)

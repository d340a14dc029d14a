"""That the benchmarks still run: each part on a few events, and nothing of it is timed."""

import asyncio
import importlib
import pkgutil
from typing import Any, cast

import benchmarks
import pytest
from benchmarks import engine, outputs, profiles, visitors, workload
from benchmarks.kafka_load import send_all
from support.kafka_fakes import FakeProducer

from streams.kafka.producer import Producer
from streams.kafka.topics import topics_of
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.transitions import TRANSITIONS
from streams.reports.tables import TABLES
from streams.settings import Settings

# Of an environment of its own, or for the environment of another.
APART = {"kafka_quix", "kafka_faust"}


@pytest.mark.parametrize(
    "name", [each.name for each in pkgutil.iter_modules(benchmarks.__path__) if each.name not in APART]
)
def test_every_part_can_be_loaded(name: str) -> None:
    if name != "__main__":
        importlib.import_module(f"benchmarks.{name}")


def test_the_engine_is_measured_over_touchpoints_that_it_accepts() -> None:
    some = workload.fetches(workload.table(3000, 100, 1))
    partition = engine.new_partition(collect=True)
    assert engine.counting_rate(engine.new_partition(collect=False), some) > 0
    assert engine.building_rate(partition, some) > 0
    assert partition.customers == 100
    assert engine.naive_rate(some)[1] > 0
    seconds, checkpoint = engine.checkpoint_seconds(partition)
    assert seconds > 0
    assert engine.restore_seconds(partition, checkpoint) > 0


def test_both_ways_of_messages_say_as_many() -> None:
    results = outputs.results_of(2000, 100)
    for output in (TRANSITIONS, JUDGEMENTS):
        found = output.messages(results)
        assert found is not None
        assert len(found.bodies.offsets) > 1
        outputs.by_columns(output, results)


def test_a_topic_is_filled_as_produce_fills_it() -> None:
    settings = Settings(partitions=3)
    producer = FakeProducer()
    rows = workload.table(1000, 50, 1)
    asyncio.run(send_all(cast(Producer, producer), settings, rows))
    touchpoints = topics_of(settings).touchpoints
    sent: dict[int, list[Any]] = {}
    for topic, partition, bodies in producer.bodies:
        assert topic == touchpoints
        sent.setdefault(partition, []).extend(bodies)
    assert sorted(sent) == [0, 1, 2]
    assert sum(map(len, sent.values())) > 1000


def test_visitors_and_devices_are_counted_apart() -> None:
    figures = visitors.cheap(visitors=200, customers=20, at_once=300)
    assert all(figure.value > 0 for figure in figures)


def test_profiles_have_every_column_of_their_table() -> None:
    assert profiles.customers("hash", 10).schema == TABLES["profiles_raw"]

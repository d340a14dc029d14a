"""What it costs to say what came of touchpoints: CPU per message, beside the columns and the encoder of batches."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Final

from benchmarks.report import Figure
from benchmarks.workload import fetches, table
from schemas.encode import encode_bodies
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.embedded.session import preset
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.output import Output, Results, Rows
from streams.outputs.transitions import TRANSITIONS

ROUNDS: Final = 7
EVENTS: Final = 200_000
CUSTOMERS: Final = 20_000
REGISTRY: Final = FileRegistry()


def results_of(events: int, customers: int) -> Results:
    """What a partition makes of a stream."""
    partition = Partition(0, preset(), look_up_all(REGISTRY))
    applied = [partition.apply(fetch) for fetch in fetches(table(events, customers, 1))]
    return Results([each for each in applied if isinstance(each, Applied)], partition, REGISTRY, "")


def by_columns(output: Output, results: Results) -> None:
    """Rows as the reports have them, then the encoder of batches."""
    assert output.topic is not None
    schema_id = REGISTRY.id_of(output.topic.record)
    for rows in output.rows(results):
        assert isinstance(rows, Rows)
        for batch in rows.content.combine_chunks().to_batches():
            encode_bodies(batch, REGISTRY.schema(schema_id), schema_id)


def _cpu(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


def messages() -> list[Figure]:
    """Both ways interleaved, of all facts of a history at once."""
    results, figures = results_of(EVENTS, CUSTOMERS), []
    for output in (TRANSITIONS, JUDGEMENTS):
        found = output.messages(results)
        assert found is not None
        count = len(found.bodies.offsets) - 1
        direct, ratios = [], []
        for _ in range(ROUNDS):
            direct.append(_cpu(partial(output.messages, results)))
            ratios.append(_cpu(partial(by_columns, output, results)) / direct[-1])
        figures += [
            Figure(f"{output.name}: CPU per message", median(direct) / count * 1e9, "ns"),
            Figure("  of columns and the encoder of batches", median(ratios), "x", at_least=2),
            Figure("  bytes per message", int(found.bodies.offsets[-1]) / count, "bytes"),
            Figure("  messages per event", count / EVENTS, ""),
        ]
    return figures

"""An import: a prepared file into the log, resumable, and never twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from schemas.bodies import bodies_of
from streams.embedded.known import KnownEvents
from streams.embedded.log import ImportProgress
from streams.embedded.runner import Runner
from streams.imports.prepare import Prepared
from streams.messages import REJECTS_TOPIC, message, reject_messages, touchpoints_with_ticks
from streams.reports.tables import REJECTS

RUNNING: Final = "running"
FINISHED: Final = "finished"
FROM_A_FILE: Final = -1  # the partition of rejects that never came into the log
_REJECTS_AT_ONCE: Final = 10_000

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What an import did. ``already``: the same content was imported before, and nothing was done."""

    rows: int
    resumed_at: int
    known: int
    rejects: int
    late: bool
    already: bool


def import_prepared(runner: Runner, prepared: Prepared, progress: Report) -> Outcome:
    """Write the rows to the log, with ticks as their time passes, apply them, and report them."""
    before = runner.log.find_import(prepared.content_key)
    if before is not None and before.state == FINISHED:
        return Outcome(before.rows_total, before.rows_done, before.known, before.rejects, late=False, already=True)
    state = before or ImportProgress(
        prepared.content_key, prepared.name, prepared.rows, 0, 0, 0, RUNNING, runner.now(), None
    )
    late = prepared.rows > 0 and prepared.first_at < runner.partition.time and state.rows_done == 0
    finished = _finish(runner, prepared, _write_rows(runner, prepared, state, progress))
    return Outcome(prepared.rows, state.rows_done, finished.known, finished.rejects, late=late, already=False)


def _write_rows(runner: Runner, prepared: Prepared, state: ImportProgress, progress: Report) -> ImportProgress:
    known = KnownEvents()
    if prepared.rows > state.rows_done:
        known.load(runner.sink, prepared.first_at, prepared.last_at)
    time = runner.partition.time
    for batch in prepared.batches(state.rows_done):
        seen = known.notice(batch.column("event_id"))
        state = replace(
            state, rows_done=state.rows_done + batch.num_rows, known=state.known + int(np.count_nonzero(seen))
        )
        time = _append(runner, batch.filter(pa.array(~seen)), state, time)
        runner.catch_up()
        progress("importing", state.rows_done, prepared.rows)
    return state


def _append(runner: Runner, batch: pa.RecordBatch, state: ImportProgress, time: int) -> int:
    with runner.log.transaction():
        if batch.num_rows:
            keys, bodies, time = touchpoints_with_ticks(batch, runner.registry, time)
            runner.append(keys, bodies)
        runner.log.put_import(state)
    return time


def _finish(runner: Runner, prepared: Prepared, state: ImportProgress) -> ImportProgress:
    rejects = 0
    tables = []
    for table in _reject_tables(prepared, runner.now()):
        runner.reject(table)
        rejects += table.num_rows
        tables.append(table)
    state = replace(state, rejects=rejects, state=FINISHED, finished=runner.now())
    # The reports are emitted before the import is remembered as finished: a crash between does it again, to no effect.
    runner.emit()
    with runner.log.transaction():
        if prepared.rows and prepared.last_at > runner.partition.time:
            runner.append(None, bodies_of([message(runner.registry, "Tick", {"at": prepared.last_at})]))
        for table in tables:
            runner.put(REJECTS_TOPIC, None, reject_messages(table, runner.registry))
        runner.log.put_import(state)
    runner.settle()
    return state


def _reject_tables(prepared: Prepared, now: int) -> list[pa.Table]:
    rows = [
        {
            "reason": reject.reason,
            "detail": reject.detail,
            "source": prepared.name,
            "position": reject.row,
            "partition": FROM_A_FILE,
            "at": now,
            "payload": reject.payload,
        }
        for reject in prepared.rejects
    ]
    chunks = (rows[first : first + _REJECTS_AT_ONCE] for first in range(0, len(rows), _REJECTS_AT_ONCE))
    return [pa.Table.from_pylist(chunk, REJECTS) for chunk in chunks]

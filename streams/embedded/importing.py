"""An import: a prepared file into the log, resumable, and never twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from streams.embedded.giving_back import give_back, give_back_code
from streams.embedded.log import ImportProgress
from streams.embedded.runner import Runner
from streams.engine.outcomes import OUTCOME_REJECTED
from streams.imports.prepare import Prepared
from streams.imports.recorded import TABLE, Counted, import_row, refuse_other_mapping
from streams.imports.refused import reject_tables
from streams.imports.survey import Survey
from streams.known import KnownEvents, import_id_of, marked, noticed
from streams.log.messages import reject_messages
from streams.log.ticks import tick_messages
from streams.log.touchpoints import touchpoints_with_ticks

RUNNING: Final = "running"
FINISHED: Final = "finished"
IMPORT_ROWS: Final = 65_536

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What an import did.

    All ``rows`` went into the log. Of them ``known`` were stored before and count nothing, and ``refused`` could not be
    applied (this time: what was refused before an import was cut off is not counted again). ``rejects`` are rows that
    are no touchpoints.
    ``late``: some of what was new lies before the time of the log. ``already``: the same content was imported before,
    and nothing was done.
    """

    rows: int
    resumed_at: int
    known: int
    rejects: int
    refused: int
    late: bool
    already: bool


def import_prepared(
    runner: Runner,
    prepared: Prepared,
    progress: Report,
    rows_at_once: int = IMPORT_ROWS,
    survey: Survey | None = None,
    again: bool = False,
) -> Outcome:
    """Write the rows to the log, with ticks as their time passes, apply them, and report them.

    ``survey`` takes in every row that this writes; with it the reports remember the import. ``again``: also where the
    same content was imported under another mapping, for which this raises NothingUsable otherwise.
    """
    before = runner.log.find_import(prepared.content_key)
    if before is not None and before.state == FINISHED:
        return Outcome(before.rows_total, before.rows_done, before.known, before.rejects, 0, late=False, already=True)
    if not again and before is None:
        refuse_other_mapping(runner.sink, prepared)
    now = runner.now()
    state = before or ImportProgress(prepared.content_key, prepared.name, prepared.rows, 0, 0, 0, RUNNING, now, None)
    if not state.import_id:
        state = replace(state, import_id=import_id_of(prepared.content_key, now))
    refused = int(runner.partition.counts[OUTCOME_REJECTED])
    resumed_at = state.rows_done
    if survey is not None and resumed_at:
        _survey_before(prepared, survey, resumed_at, rows_at_once)
    state, late = _write_rows(runner, prepared, state, progress, rows_at_once, survey)
    progress("reporting", 0, 0)
    state = _finish(runner, prepared, state, survey)
    progress("reporting", prepared.rows, prepared.rows)
    refused = int(runner.partition.counts[OUTCOME_REJECTED]) - refused
    return Outcome(prepared.rows, resumed_at, state.known, state.rejects, refused, late=late, already=False)


def _write_rows(
    runner: Runner,
    prepared: Prepared,
    state: ImportProgress,
    progress: Report,
    rows_at_once: int,
    survey: Survey | None,
) -> tuple[ImportProgress, bool]:
    """Returns the progress, and whether something new lies before the time at which this began."""
    known = KnownEvents()
    if prepared.rows > state.rows_done:
        # What somebody else's import has applied and not yet reported is known too.
        runner.emit()
        for batch in prepared.batches(state.rows_done, rows_at_once):
            known.expect(batch)
        known.load(runner.sink)
    began = time = runner.partition.time
    late = False
    give_back()
    give_back_code()
    for batch in prepared.batches(state.rows_done, rows_at_once, last=True):
        seen = noticed(known, batch, survey)
        state = replace(
            state, rows_done=state.rows_done + batch.num_rows, known=state.known + int(np.count_nonzero(seen))
        )
        late = late or bool(np.any(batch.column("occurred_at").to_numpy()[~seen] < began))
        time = _append(runner, marked(batch, seen, state.import_id), state, time)
        runner.catch_up()
        progress("importing", state.rows_done, prepared.rows)
    return state, late


def _append(runner: Runner, batch: pa.RecordBatch, state: ImportProgress, time: int) -> int:
    """Append the batch and remember the progress, both or neither: hence over the engine's own connection."""
    if batch.num_rows:
        keys, bodies, time = touchpoints_with_ticks(batch, runner.registry, time)
    with runner.log.transaction():
        if batch.num_rows:
            runner.append(keys, bodies)
        runner.log.put_import(state)
    return time


def _survey_before(prepared: Prepared, survey: Survey, rows: int, rows_at_once: int) -> None:
    """Take in the rows that an import wrote before it was cut off."""
    for batch in prepared.batches(0, rows_at_once):
        survey.add(batch.slice(0, min(rows, batch.num_rows)))
        rows -= batch.num_rows
        if rows <= 0:
            return


def _finish(runner: Runner, prepared: Prepared, state: ImportProgress, survey: Survey | None = None) -> ImportProgress:
    now = runner.now()
    rejects = 0
    for table in reject_tables(prepared.rejects, state.source, now):
        runner.reject(table)
        rejects += table.num_rows
    state = replace(state, rejects=rejects, state=FINISHED, finished=now)
    # The row is stored before the import is remembered as finished: a crash between does it again, to no effect.
    row = None
    if survey is not None:
        row = import_row(state.import_id, prepared, survey, Counted(state.known, rejects), now)
        runner.sink.insert(TABLE, row)
    with runner.log.transaction():
        if prepared.rows and prepared.last_at > runner.partition.time:
            runner.append(None, tick_messages(runner.registry, [prepared.last_at]))
        for table in reject_tables(prepared.rejects, state.source, now):
            runner.append_rejects(reject_messages(table, runner.registry))
        runner.log.put_import(state)
        if row is not None:
            runner.log.put_told(state.import_id, row)
    runner.settle()
    return state

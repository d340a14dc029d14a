"""Rows and reports of an edition, made from the log's beginning in a folder beside those in force."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from schemas.registry import Registry
from streams.embedded.belonging import REPORTS, claim_rows, identity_of
from streams.embedded.editions import NEXT, say_built
from streams.embedded.log import Log
from streams.embedded.made_from import MadeFrom, write_made_from
from streams.embedded.rebuilding import Progress, outside_of_partitions, reported
from streams.embedded.remembering import window_of
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.policies import preset
from streams.reports.chdb import ChdbSink
from streams.reports.logs import write_epoch

_PARTITION: Final = 0


def build_edition(
    directory: Path, log: Log, registry: Registry, edition: Edition, progress: Progress, now: Callable[[], int]
) -> None:
    """Build an edition in the folder of the next one, with all that the log holds; nobody has chDB open here.

    Raises ReportsError, StorageError.
    """
    folder, identity = directory / NEXT, identity_of(log, now())
    # What one that was cut off has left.
    shutil.rmtree(folder, ignore_errors=True)
    reports = folder / REPORTS
    reports.mkdir(parents=True)
    write_made_from(reports, MadeFrom(identity.log, 0))
    with ExitStack() as stack:
        rows = stack.enter_context(RowsFile(folder))
        claim_rows(rows, identity)
        sink = ChdbSink(reports)
        stack.callback(sink.close)
        sink.create()
        stack.enter_context(sink.without_merges())
        write_epoch(sink, identity.log, identity.epoch, now())
        partition = Partition(
            _PARTITION,
            preset(),
            [],
            asks=True,
            # What stands in the log was accepted once, however many rejects stand in a row.
            accept_rejects=True,
            window=window_of(log),
            log=identity.log,
            epoch=identity.epoch,
            edition=edition,
        )
        runner = Runner(log, rows, sink, partition, registry, now, lambda offset: reported(reports, identity, offset))
        runner.catch_up(lambda: progress("building the next edition", partition.next_offset, edition.until))
        runner.settle()
        outside_of_partitions(log, sink, registry, edition.left_out)
        runner.checkpoint()
    say_built(directory, edition)

"""Reports made anew from the log, beside those that are there: these go once the new ones are whole."""

import errno
import shutil
from collections.abc import Callable, Container
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.registry import Registry
from streams.embedded.belonging import REPORTS, Identity, check_reports
from streams.embedded.editions import edition_in_force
from streams.embedded.failures import StorageError, StorageFull
from streams.embedded.log import REFUSED, Log
from streams.embedded.made_from import MadeFrom, write_made_from
from streams.embedded.readers import read_records
from streams.embedded.remembering import window_of
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.embedded.told import Told
from streams.engine.partition import Partition
from streams.imports.recorded import TABLE as IMPORTS_TABLE
from streams.imports.refused import FROM_A_FILE
from streams.log.messages import TOUCHPOINTS_TOPIC, reject_rows
from streams.outputs.outgoing import Handed
from streams.outputs.rejects import TABLE as REJECTS_TABLE
from streams.policies import preset
from streams.reports.chdb import ChdbSink
from streams.reports.logs import known_epochs, write_epoch
from streams.reports.tables import REJECTS

FORMER: Final = "reports.former"
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Progress = Callable[[str, int, int], None]


class Remaking(Runner):
    """A runner that reports, and neither remembers nor says anything."""

    def checkpoint(self, *, profiles: bool = True) -> None:
        """Report what was processed; a crash begins anew."""
        self.emit()
        if profiles:
            self.report_profiles()
        self.forget_unsaid()

    def _tell(self, told: Told, handed: Handed) -> None:
        """Say nothing."""


def put_aside(directory: Path) -> None:
    """Begin reports anew. What a rebuild that was cut off has left goes; what was there before it waits aside."""
    reports, former = directory / REPORTS, directory / FORMER
    if former.exists():
        shutil.rmtree(reports, ignore_errors=True)
    elif reports.exists():
        reports.rename(former)
    reports.mkdir(exist_ok=True)


def rebuild(
    directory: Path, log: Log, identity: Identity, registry: Registry, now: Callable[[], int], progress: Progress
) -> None:
    """Make the reports of a log anew, as far as the log reaches. Nobody has the reports open. Raises ReportsError."""
    put_aside(directory)
    reports = directory / REPORTS
    write_made_from(reports, MadeFrom(identity.log, 0, whole=False))
    sink = ChdbSink(reports)
    try:
        sink.create()
        write_epoch(sink, identity.log, identity.epoch, now())
        # What stands in the log was accepted once, however many rejects stand in a row.
        partition = Partition(
            0,
            preset(),
            [],
            asks=True,
            accept_rejects=True,
            log=identity.log,
            epoch=identity.epoch,
            window=window_of(log),
            edition=edition_in_force(log),
        )
        runner = Remaking(log, None, sink, partition, registry, now)
        end = log.end_offset(TOUCHPOINTS_TOPIC, 0)
        with sink.without_merges():
            runner.catch_up(lambda: progress("making the reports anew", partition.next_offset, end))
            runner.checkpoint()
        outside_of_partitions(log, sink, registry, edition_in_force(log).left_out)
    finally:
        sink.close()
    write_made_from(reports, MadeFrom(identity.log, partition.next_offset))
    shutil.rmtree(directory / FORMER, ignore_errors=True)


def opened_reports(
    directory: Path,
    log: Log,
    rows: RowsFile,
    identity: Identity,
    anew: Callable[[], None],
) -> ChdbSink:
    """The reports, with all that the rows call complete. ``anew`` makes them where they are gone, torn, or older.

    Raises OtherLog, ReportsError, StorageError.
    """
    reports = directory / REPORTS
    made = check_reports(directory, log, rows, identity)
    if made is not None:
        reports.mkdir(exist_ok=True)
        # Before there are any tables: reports without a word of what they were made from are somebody else's.
        reported(reports, identity, made.offset)
        sink = ChdbSink(reports)
        try:
            sink.create()
            if not sink.torn():
                if identity.log not in known_epochs(sink):
                    write_epoch(sink, identity.log, identity.epoch, identity.epoch)
                return sink
        except BaseException:
            sink.close()
            raise
        sink.close()
    anew()
    return ChdbSink(reports)


def reported(reports: Path, identity: Identity, offset: int) -> None:
    """The reports hold all up to an offset. Raises StorageError."""
    try:
        write_made_from(reports, MadeFrom(identity.log, offset))
    except OSError as error:
        kind = StorageFull if error.errno in _NO_ROOM else StorageError
        raise kind(
            f"{reports}: no room to write, or no right to ({error.strerror}). Nothing of this step was stored or "
            "acknowledged. Free some space and start again: it goes on where it stopped."
        ) from error


def outside_of_partitions(
    log: Log, sink: ChdbSink, registry: Registry, left_out: Container[str], done: int = 0
) -> None:
    """Report what no partition sees: rows of files and requests that became rejects, and imports that count.

    ``done``: up to which offset of the rejects the reports hold them. The rejects of an import that is left out are
    those of its file and instant.
    """
    told = list(log.told())
    gone = {_file_and_instant(row) for row in told if row["id"][0].as_py() in left_out}
    while (batch := read_records(log, REFUSED, 0, done)) is not None:
        rows = reject_rows([record.value or b"" for record in batch.records], registry)
        counting = [row for row in rows if row["partition"] != FROM_A_FILE or (row["source"], row["at"]) not in gone]
        sink.insert(REJECTS_TABLE, pa.Table.from_pylist(counting, REJECTS))
        done = batch.next_offset
    for row in told:
        if row["id"][0].as_py() not in left_out:
            sink.insert(IMPORTS_TABLE, row)


def _file_and_instant(row: pa.Table) -> tuple[str, datetime]:
    return row["file"][0].as_py(), row["at"][0].as_py()

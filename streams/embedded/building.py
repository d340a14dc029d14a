"""The next edition of a data directory, built from the log's beginning beside the one in force."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa

from processors.policy.policy import Policy
from schemas.registry import Registry
from streams.clock import now_ms
from streams.embedded.belonging import REPORTS, Identity, claim_rows
from streams.embedded.editions import NEXT, edition_in_force, put_in_force
from streams.embedded.failures import StorageError
from streams.embedded.log import Log
from streams.embedded.made_from import MadeFrom, write_made_from
from streams.embedded.rebuilding import Progress, outside_of_partitions, reported
from streams.embedded.remembering import window_of
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.embedded.session import Session
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.imports.recorded import TABLE as IMPORTS_TABLE
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.policies import preset
from streams.reports.chdb import ChdbSink
from streams.reports.logs import write_epoch
from streams.reports.tables import IMPORTS

_PARTITION: Final = 0


class NoSuchImport(StorageError):
    """An import that is to be left out, and never was or is left out already."""


def rebuilt(
    directory: Path,
    command: str,
    *,
    policy: Policy | None = None,
    left_out: Sequence[str] = (),
    unlinked: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    now: Callable[[], int] = now_ms,
) -> Edition:
    """Build the next edition and put it in force: under another policy from the start, or without some imports.

    Or without links of some pairs of ids: ``unlinked``, see ``streams.engine.edition.pair``.

    What earlier editions changed stays so. What the log gets meanwhile is in it. A crash at any step leaves the one
    before in force, or this one. Raises NoSuchImport, and what opening a ``Session`` raises.
    """
    # Opened once as always: what a crash left is applied, and what can't be read is refused before anything is built.
    with Session(directory, command, progress=progress, now=now) as session:
        log, registry = session.log, session.runner.registry
        imports = imports_of(session)
        edition = next_edition(log, policy, left_out, imports, unlinked)
        # One process has the engine of the reports open for one directory at a time.
        session.runner.checkpoint()
        session.sink.close()
        _build(session.directory, log, session.identity, registry, edition, progress, now)
        put_in_force_after(session, edition, left_out)
    return edition


def put_in_force_after(session: Session, edition: Edition, left_out: Sequence[str]) -> None:
    """Close what the session has of the edition before, and have the new one take its place."""
    session.rows.close()
    session.finished = True
    with session.log.transaction():
        # Their content may be imported again.
        for import_id in left_out:
            session.log.forget_import(import_id)
    put_in_force(session.directory, session.log, edition)


def imports_of(session: Session) -> pa.Table:
    """The imports that the reports tell of, columns ``IMPORTS``."""
    columns = ", ".join(f"`{name}`" for name in IMPORTS.names)
    return session.sink.query(f"SELECT {columns} FROM {IMPORTS_TABLE} FINAL").cast(IMPORTS)


def next_edition(
    log: Log, policy: Policy | None, left_out: Sequence[str], imports: pa.Table, unlinked: Sequence[str] = ()
) -> Edition:
    """What the next edition of a log would be. Raises NoSuchImport."""
    known = set(imports.column("id").to_pylist())
    before, end = edition_in_force(log), log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
    for each in left_out:
        if each in before.left_out:
            raise NoSuchImport(f"{log.path}: the import {each} is left out already")
        if each not in known:
            raise NoSuchImport(f"{log.path}: there is no import {each}; `relasi imports` lists all")
    return Edition(
        before.number + 1,
        before.policy if policy is None else policy.text,
        before.since if policy is None else end,
        (*before.left_out, *left_out),
        end,
        tuple(dict.fromkeys((*before.unlinked, *unlinked))),
    )


def _build(
    directory: Path,
    log: Log,
    identity: Identity,
    registry: Registry,
    edition: Edition,
    progress: Progress,
    now: Callable[[], int],
) -> None:
    folder = directory / NEXT
    reports = folder / REPORTS
    reports.mkdir(parents=True)
    write_made_from(reports, MadeFrom(identity.log, 0))
    with ExitStack() as stack:
        rows = stack.enter_context(RowsFile(folder))
        claim_rows(rows, identity)
        sink = ChdbSink(reports)
        stack.callback(sink.close)
        sink.create()
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
        end = log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
        runner.catch_up(lambda: progress("building the next edition", partition.next_offset, end))
        runner.settle()
        outside_of_partitions(log, sink, registry, edition.left_out)
        runner.checkpoint()

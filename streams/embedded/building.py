"""The next edition of a data directory, built from the log's beginning beside the one in force.

It is built in the process that was asked for it, and so on another core than that of a process that runs; one process
has the engine of the reports open for one directory at a time.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from processors.policy.policy import Policy
from streams.clock import now_ms
from streams.embedded.belonging import REPORTS, claim_rows, identity_of, refuse_lost
from streams.embedded.client import NotAnswered, ask
from streams.embedded.editions import NEXT, NoSuchImport, built_edition, edition_in_force, put_in_force, say_built
from streams.embedded.lock import BuildLock, DirectoryInUse, DirectoryLock
from streams.embedded.log import Log
from streams.embedded.made_from import MadeFrom, write_made_from
from streams.embedded.rebuilding import Progress, outside_of_partitions, reported
from streams.embedded.remembering import window_of
from streams.embedded.rows_file import RowsFile
from streams.embedded.runner import Runner
from streams.embedded.session import Session, registry_of
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.policies import preset
from streams.reports.chdb import ChdbSink
from streams.reports.logs import write_epoch

_PARTITION: Final = 0


def rebuilt(
    directory: Path,
    command: str,
    *,
    policy: Policy | None = None,
    left_out: Sequence[str] = (),
    keep: bool = False,
    progress: Progress = lambda *_: None,
    now: Callable[[], int] = now_ms,
) -> Edition:
    """Build the next edition and put it in force: under another policy from the start, or without some imports.

    What earlier editions changed stays so. A process that runs goes on meanwhile, and takes the edition when it is
    built; what the log gets until then is in it. A crash at any step leaves the one before in force, or this one.
    ``keep``: what was in force stays beside it, to be asked. Raises NoSuchImport, EditionUnderWay, and what opening a
    ``Session`` raises.
    """
    directory = directory.absolute()
    refuse_lost(directory)
    with BuildLock(directory, command):
        _prepared(directory, command, progress, now)
        with Log(directory) as log:
            edition = next_edition(log, policy, left_out)
            _build(directory, log, edition, progress, now)
        say_built(directory, edition)
        _hand_over(directory, command, keep, progress, now)
    return edition


def _prepared(directory: Path, command: str, progress: Progress, now: Callable[[], int]) -> None:
    """Have what a crash left applied, and what can't be read refused, before anything is built.

    Whoever holds the directory has done so; what it is at by now is at an end when it answers, and it begins no import
    any more.
    """
    try:
        with Session(directory, command, progress=progress, now=now):
            pass
    except DirectoryInUse as error:
        _asked(error, ["--begin"])


def _hand_over(directory: Path, command: str, keep: bool, progress: Progress, now: Callable[[], int]) -> None:
    """Put in force what was built: by whoever holds the directory now, or here."""
    try:
        with DirectoryLock(directory, command), Log(directory) as log:
            put_in_force(directory, log, built_edition(directory), keep=keep)
    except DirectoryInUse as error:
        _asked(error, ["--switch", *(["--keep"] if keep else [])])
    else:
        with Session(directory, command, progress=progress, now=now):
            pass


def _asked(held: DirectoryInUse, words: list[str]) -> None:
    """Have the process that holds the directory do its part of a rebuild. Raises NotAnswered where it does not."""
    if held.holder is None or held.holder.socket is None:
        raise held
    said = bytearray()
    if ask(held.holder.socket, ["rebuild", *words], Path.cwd(), said.extend, said.extend):
        raise NotAnswered(said.decode(errors="replace").strip().removeprefix("relasi: "))


def known_imports(log: Log) -> set[str]:
    """The ids of all imports that a log has touchpoints of."""
    told = {str(row["id"][0].as_py()) for row in log.told()}
    return told | {each.import_id for each in log.imports() if each.import_id}


def next_edition(log: Log, policy: Policy | None, left_out: Sequence[str]) -> Edition:
    """What the next edition of a log would be. Raises NoSuchImport."""
    known = known_imports(log)
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
    )


def _build(directory: Path, log: Log, edition: Edition, progress: Progress, now: Callable[[], int]) -> None:
    folder, identity, registry = directory / NEXT, identity_of(log, now()), registry_of(log)
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

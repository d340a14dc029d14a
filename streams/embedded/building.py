"""The next edition of a data directory, built from the log's beginning beside the one in force.

It is built in the process that was asked for it, and so on another core than that of a process that runs; one process
has the engine of the reports open for one directory at a time.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from processors.policy.policy import Policy
from streams.clock import now_ms
from streams.embedded.belonging import refuse_lost
from streams.embedded.client import NotAnswered, ask
from streams.embedded.edition_files import build_edition
from streams.embedded.editions import (
    NotBuilt,
    built_edition,
    edition_in_force,
    finish_switch,
    next_edition,
    put_in_force,
)
from streams.embedded.lock import BuildLock, DirectoryInUse, DirectoryLock
from streams.embedded.log import Log
from streams.embedded.rebuilding import Progress
from streams.embedded.session import Session, registry_of
from streams.engine.edition import Edition

_AGAIN_SECONDS: Final = 0.2
_TRIES: Final = 300
"""A minute, for a command that has the directory for itself."""


def rebuilt(
    directory: Path,
    command: str,
    *,
    policy: Policy | None = None,
    left_out: Sequence[str] = (),
    keep: bool = False,
    unlinked: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    now: Callable[[], int] = now_ms,
) -> Edition:
    """Build the next edition and put it in force: under another policy from the start, or without some imports.

    Or without links of some pairs of ids: ``unlinked``, see ``streams.engine.edition.pair``.

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
            edition = next_edition(log, policy, left_out, unlinked)
            build_edition(directory, log, registry_of(log), edition, progress, now)
        _hand_over(directory, command, edition, keep, progress, now)
    return edition


def _prepared(directory: Path, command: str, progress: Progress, now: Callable[[], int]) -> None:
    """Have what a crash left applied, and what can't be read refused, before anything is built.

    Whoever holds the directory has done so; what it is at by now is at an end when it answers, and it begins no import
    any more.
    """

    def here() -> None:
        with Session(directory, command, progress=progress, now=now):
            pass

    _here_or_there(here, ["--begin"])


def _hand_over(
    directory: Path, command: str, edition: Edition, keep: bool, progress: Progress, now: Callable[[], int]
) -> None:
    """Put in force what was built: by whoever holds the directory now, or here."""

    def here() -> None:
        with DirectoryLock(directory, command), Log(directory) as log:
            # Who was asked before may have ended on the way.
            if edition_in_force(log).number < edition.number:
                put_in_force(directory, log, built_edition(directory), keep=keep)
            else:
                finish_switch(directory, log)
        with Session(directory, command, progress=progress, now=now):
            pass

    _here_or_there(here, ["--switch", *(["--keep"] if keep else [])])


def _here_or_there(here: Callable[[], None], words: list[str]) -> None:
    """Do it here, or have the process that holds the directory do it; whoever holds it and answers nobody is awaited.

    Raises DirectoryInUse where that takes too long, and NotBuilt where it was refused.
    """
    for tries in range(_TRIES):
        try:
            here()
        except DirectoryInUse as held:
            if tries == _TRIES - 1:
                raise
            if _done_there(held, words):
                return
            Event().wait(_AGAIN_SECONDS)
        else:
            return


def _done_there(held: DirectoryInUse, words: list[str]) -> bool:
    """Whether the process that holds the directory has done its part; False: it answers nobody, or not any more."""
    if held.holder is None or held.holder.socket is None:
        return False
    said = bytearray()
    try:
        code = ask(held.holder.socket, ["rebuild", *words], Path.cwd(), said.extend, said.extend)
    except NotAnswered:
        return False
    if code:
        raise NotBuilt(said.decode(errors="replace").strip().removeprefix("relasi: "))
    return True

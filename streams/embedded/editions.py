"""The editions of a log: which is in force, and how the next one takes the place of the one before.

The list stands in the log. An edition has rows and reports of its own, which are built in a folder beside those in
force. When it has all that the log holds, one transaction puts it in force; then its files take their places, which
any later start finishes where a crash came between.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streams.clock import now_ms
from streams.embedded.handing_on import begin_deliveries
from streams.embedded.layout import ROWS_NAME
from streams.embedded.lock import EditionUnderWay, check_not_building
from streams.embedded.log import Log
from streams.engine.edition import FIRST, Edition
from streams.log.topics import TOUCHPOINTS_TOPIC

if TYPE_CHECKING:
    from processors.policy.policy import Policy

NEXT: Final = "edition.next"
"""The folder in which an edition is built."""
_BUILT: Final = "built.json"
_REPORTS: Final = "reports"
_EDITIONS: Final = "editions"
_SWITCHING: Final = "switching"
_PARTITION: Final = 0
_NOT, _REPLACING, _KEEPING = "0", "1", "2"
_BESIDE: Final = ("-wal", "-shm")


class NoSuchImport(Exception):
    """An import that is to be left out, and never was or is left out already."""


class NotBuilt(Exception):
    """There is no edition that could take the place of the one in force, or be dropped."""


def editions(log: Log) -> list[Edition]:
    """All that were ever in force, the last being the one that is."""
    return [FIRST, *map(_edition, json.loads(log.setting(_EDITIONS) or "[]"))]


def _edition(written: dict[str, Any]) -> Edition:
    return Edition(**{name: _told(value) for name, value in written.items()})


def _told(value: Any) -> Any:
    """JSON has lists for tuples."""
    return tuple(value) if isinstance(value, list) else value


def edition_in_force(log: Log) -> Edition:
    """Under which rules the log is read."""
    return editions(log)[-1]


def known_imports(log: Log) -> set[str]:
    """The ids of all imports that a log has touchpoints of."""
    told = {str(row["id"][0].as_py()) for row in log.told()}
    return told | {each.import_id for each in log.imports() if each.import_id}


def next_edition(log: Log, policy: "Policy | None", left_out: Sequence[str], unlinked: Sequence[str] = ()) -> Edition:
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
        tuple(dict.fromkeys((*before.unlinked, *unlinked))),
    )


def kept(directory: Path, number: int) -> Path:
    """Where rows and reports of an edition lie that was in force and is kept."""
    return directory / f"edition.{number}"


def say_built(directory: Path, edition: Edition) -> None:
    """Say that the folder has all of an edition; without that nobody puts it in force."""
    (directory / NEXT / _BUILT).write_text(json.dumps(edition._asdict()), "utf-8")


def built_edition(directory: Path) -> Edition:
    """The edition that was built and is not in force yet. Raises NotBuilt."""
    try:
        return _edition(json.loads((directory / NEXT / _BUILT).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise NotBuilt(
            f"{directory}: there is no edition that could be put in force; `relasi rebuild` builds one"
        ) from (error)


def put_in_force(directory: Path, log: Log, edition: Edition, *, keep: bool = False) -> None:
    """Have the edition that was built take the place of the one before, whose rows and reports go, or are kept.

    Nobody has them open. Raises NotBuilt where it does not follow the one in force.
    """
    before = edition_in_force(log)
    if edition.number != before.number + 1:
        raise NotBuilt(f"{directory}: edition {edition.number} was built to follow another than {before.number}")
    after = [each._asdict() for each in [*editions(log)[1:], edition]]
    with log.transaction():
        # What is left out from now on may be imported again.
        for import_id in set(edition.left_out) - set(before.left_out):
            log.forget_import(import_id)
        log.put_setting(_EDITIONS, json.dumps(after))
        log.put_setting(_SWITCHING, _KEEPING if keep else _REPLACING)
    finish_switch(directory, log)


def is_switching(log: Log) -> bool:
    """Whether an edition is in force whose files are not yet in their places."""
    return log.setting(_SWITCHING) not in (None, _NOT)


def finish_switch(directory: Path, log: Log) -> None:
    """Put the files of the edition in force where they belong. What was built and never put in force goes."""
    built = directory / NEXT
    if is_switching(log):
        _move(directory, built, _former(directory, log))
        with log.transaction():
            log.put_setting(_SWITCHING, _NOT)
    elif _is_built_now(directory):
        return
    if built.exists():
        shutil.rmtree(built)


def _former(directory: Path, log: Log) -> Path | None:
    """Where what was in force before is to be kept; None: it goes."""
    if log.setting(_SWITCHING) != _KEEPING:
        return None
    former = kept(directory, editions(log)[-2].number)
    former.mkdir(exist_ok=True)
    return former


def _move(directory: Path, built: Path, former: Path | None) -> None:
    if (built / ROWS_NAME).exists():
        begin_deliveries(directory, built, now_ms())
        # First what belongs to the old file: beside the new one it would be taken for its own.
        for name in (*(ROWS_NAME + end for end in _BESIDE), ROWS_NAME):
            if former is not None and (directory / name).exists():
                (directory / name).replace(former / name)
            elif name != ROWS_NAME:
                (directory / name).unlink(missing_ok=True)
        (built / ROWS_NAME).replace(directory / ROWS_NAME)
    if (built / _REPORTS).exists():
        if former is not None and (directory / _REPORTS).exists():
            (directory / _REPORTS).rename(former / _REPORTS)
        shutil.rmtree(directory / _REPORTS, ignore_errors=True)
        (built / _REPORTS).rename(directory / _REPORTS)


def _is_built_now(directory: Path) -> bool:
    try:
        check_not_building(directory)
    except EditionUnderWay:
        return True
    return False


def kept_editions(directory: Path) -> list[int]:
    """The numbers of editions that were in force and are kept."""
    ends = (path.name.removeprefix("edition.") for path in directory.glob("edition.*") if path.is_dir())
    return sorted(int(end) for end in ends if end.isdecimal())


def kept_reports(directory: Path, number: int) -> Path:
    """The reports of an edition that is kept. Raises NotBuilt."""
    if number not in kept_editions(directory):
        there = ", ".join(map(str, kept_editions(directory))) or "none"
        raise NotBuilt(f"{directory}: edition {number} is not kept here; kept are: {there}")
    return kept(directory, number) / _REPORTS


def drop(directory: Path, number: int) -> None:
    """Delete what is kept of an edition. Raises NotBuilt."""
    shutil.rmtree(kept_reports(directory, number).parent)

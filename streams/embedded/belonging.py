"""Whether log, rows and reports in a directory belong together, and what of them has to be made anew.

The log is the truth. Rows and reports name the log that they were made from, and up to which offset; what they lack,
the log gives again. Only a log that is not the one that they were made from is refused: nobody can say which is right.
"""

import uuid
from pathlib import Path
from typing import Final, NamedTuple

from streams.embedded.database import ENGINE
from streams.embedded.failures import StorageError
from streams.embedded.layout import ROWS_NAME
from streams.embedded.log import FILE_NAME, REFUSED, Log
from streams.embedded.made_from import MadeFrom, read_made_from
from streams.embedded.rows_file import RowsFile
from streams.log.topics import TOUCHPOINTS_TOPIC

REPORTS: Final = "reports"
_CREATED: Final = "created"
_LOG: Final = "log"
_EPOCH: Final = "epoch"
_PARTITION: Final = 0
_BACK: Final = f"Bring back the {FILE_NAME} that they were made from"


class OtherLog(StorageError):
    """The log is not the one that the rows or the reports beside it were made from."""


class Identity(NamedTuple):
    """Which log it is: an id made with it, and an epoch, by which later logs are told from earlier ones."""

    log: str
    epoch: int


def refuse_lost(directory: Path) -> None:
    """Raise OtherLog where the log is gone, or empty, and what was made of it is still there."""
    log = directory / FILE_NAME
    wal = log.with_name(FILE_NAME + "-wal")
    if any(each.exists() and each.stat().st_size for each in (log, wal)):
        return
    left = [name for name in (ROWS_NAME, REPORTS) if _holds(directory / name)]
    if left:
        names = " and ".join(left)
        raise OtherLog(
            f"{log}: is {'empty' if log.exists() else 'gone'}, but {names} of it are there. {_BACK}; or, to begin with "
            f"nothing, move {names} away."
        )


def _holds(path: Path) -> bool:
    if path.is_dir():
        return (path / _CREATED).exists() or read_made_from(path) is not None
    return path.exists() and path.stat().st_size > 0


def identity_of(log: Log, now: int) -> Identity:
    """What a log says that it is. One that says nothing yet was made now (ms), or before logs had epochs."""
    known = log.setting(_LOG)
    if known is None:
        known = uuid.uuid4().hex
        epoch = 0 if log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION) else now
        with log.transaction():
            log.put_setting(_LOG, known)
            log.put_setting(_EPOCH, str(epoch))
    return Identity(known, int(log.setting(_EPOCH) or 0))


def stated_identity(log: Log) -> Identity | None:
    """What a log says that it is; None: nothing yet."""
    known = log.setting(_LOG)
    return None if known is None else Identity(known, int(log.setting(_EPOCH) or 0))


def check_rows(log: Log, rows: RowsFile, identity: Identity) -> None:
    """Raise OtherLog unless the rows were made from this log, as far as it reaches now."""
    made_from = rows.setting(_LOG)
    if made_from not in (None, identity.log):
        raise OtherLog(
            f"{rows.path}: was made from another log than {log.path}. {_BACK}; or have rows and reports made anew from "
            "the log that is there: `relasi reports rebuild`."
        )
    reached, end = rows.position(ENGINE, TOUCHPOINTS_TOPIC, _PARTITION), log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
    if reached > end:
        raise _older(log, rows.path, reached, end)


def remove_rows(directory: Path) -> None:
    """Have the rows made anew, and all that came out, from the log."""
    for end in ("", "-wal", "-shm"):
        (directory / (ROWS_NAME + end)).unlink(missing_ok=True)


def _older(log: Log, what: Path, reached: int, end: int) -> OtherLog:
    return OtherLog(
        f"{log.path}: is older than what was made of it: it ends at offset {end}, and {what} reaches up to {reached}. "
        f"{_BACK}; or have rows and reports made anew from the log that is there: `relasi reports rebuild`."
    )


def claim_rows(rows: RowsFile, identity: Identity) -> None:
    """Have rows that are new, or from before logs had an identity, say from which log they are."""
    if rows.setting(_LOG) is None:
        with rows.transaction():
            rows.put_setting(_LOG, identity.log)


def check_reports(directory: Path, log: Log, rows: RowsFile, identity: Identity) -> MadeFrom | None:
    """What the reports have of this log; None: they have to be made anew from it. Raises OtherLog.

    Reports from before they said what they were made from are those of a log from before it had an epoch.
    """
    reports = directory / REPORTS
    reached, end = rows.position(ENGINE, TOUCHPOINTS_TOPIC, _PARTITION), log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
    made = read_made_from(reports)
    if made is None and (reports / _CREATED).exists():
        if identity.epoch == 0:
            return MadeFrom(identity.log, reached)
        raise _other(log, reports)
    if made is None:
        empty = end == 0 and log.end_offset(REFUSED, _PARTITION) == 0
        return MadeFrom(identity.log, 0) if empty else None
    if made.log != identity.log:
        raise _other(log, reports)
    if made.offset > end:
        raise _older(log, reports, made.offset, end)
    return made if made.whole and made.offset >= reached else None


def _other(log: Log, reports: Path) -> OtherLog:
    return OtherLog(
        f"{reports}: were made from another log than {log.path}. {_BACK}; or have rows and reports made anew from "
        "the log that is there: `relasi reports rebuild`."
    )

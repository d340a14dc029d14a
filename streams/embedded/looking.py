"""A data directory, opened to be asked: nobody is restored, and nothing need be writable.

The reports answer by themselves, and one customer is one row. That holds while nothing waits to be applied or
reported, which the end of a command and a clean end of a process leave; otherwise the whole session is opened.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from streams.embedded.belonging import REPORTS, check_reports, check_rows, refuse_lost, stated_identity
from streams.embedded.database import ENGINE
from streams.embedded.editions import is_switching
from streams.embedded.failures import StorageError
from streams.embedded.layout import open_to_read
from streams.embedded.leftovers import leftovers
from streams.embedded.lock import FILE_NAME as LOCK_NAME
from streams.embedded.lock import DirectoryLock, SharedLock
from streams.embedded.log import FILE_NAME, REFUSED, Log
from streams.embedded.made_from import read_made_from
from streams.embedded.rows_file import FILE_NAME as ROWS_NAME
from streams.embedded.rows_file import UNREPORTED, RowsFile
from streams.log.topics import TOUCHPOINTS_TOPIC
from streams.reports.chdb import ChdbSink
from streams.reports.mirror import mirrored

if TYPE_CHECKING:
    from streams.embedded.session import Progress, Session
    from streams.engine.partition import Partition

_PARTITION: Final = 0


class NotReady(StorageError):
    """Something has to be done in the directory first, by someone who may write there."""


class Look:
    """The reports and the rows of a directory, as far as questions need them; a context manager.

    Raises NotReady where a ``Session`` has to be opened first, and what that raises besides. ``writable``: whether the
    directory can be written to; where not, the engine works on links to its files.
    """

    def __init__(self, directory: Path, command: str, *, writable: bool) -> None:
        self.directory = directory = directory.absolute()
        with ExitStack() as stack:
            stack.enter_context(DirectoryLock(directory, command) if writable else SharedLock(directory))
            refuse_lost(directory)
            if writable and leftovers(directory):
                raise NotReady(f"{directory}: something is to be cleared away first")
            try:
                log = stack.enter_context(Log(directory, opened=open_to_read))
                self._rows: Final = stack.enter_context(RowsFile(directory, opened=open_to_read))
            except StorageError as error:
                raise NotReady(str(error)) from error
            if is_switching(log):
                raise NotReady(f"{directory}: an edition is to be put in force first; {_WRITER}")
            _check(directory, log, self._rows)
            reports = directory / REPORTS
            self.sink = ChdbSink(reports if writable else stack.enter_context(mirrored(reports)))
            stack.callback(self.sink.close)
            if not self.sink.is_current() or self.sink.torn():
                raise NotReady(f"{reports}: have to be brought on first; {_WRITER}")
            self._stack = stack.pop_all()

    def bring_up_to_date(self) -> None:
        """They are."""

    def partition_with(self, customer: str) -> "Partition":
        """A partition that has the rows by an id, and of those that it leads to, and nobody else's."""
        # What answers from the reports alone needs no engine.
        from processors.row.namespaces import NAMESPACES
        from streams.engine.checkpoint import led_to, stored_in_columns
        from streams.engine.partition import Partition
        from streams.policies import preset

        name = customer.encode("utf-8", "surrogateescape")
        keys = [bytes([space]) + name for space in range(len(NAMESPACES))]
        records: dict[bytes, bytes] = {}
        while keys:
            found = dict(self._rows.checkpoint_of(_PARTITION, keys))
            records |= found
            # Behind a forwarding address is the row that it leads to.
            led = [led_to(key, value) for key, value in found.items()]
            keys = [key for key in led if key is not None and key not in records]
        partition = Partition(_PARTITION, preset(), [], window=0)
        partition.restore(stored_in_columns(records.items()))
        return partition

    def close(self) -> None:
        """Let go of the directory."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


_WRITER: Final = "run the command once as a user who may write there"


def _check(directory: Path, log: Log, rows: RowsFile) -> None:
    """Raise NotReady unless all that the log holds is in the rows and in the reports, or OtherLog."""
    identity = stated_identity(log)
    if identity is None:
        raise NotReady(f"{log.path}: has to be brought on first; {_WRITER}")
    check_rows(log, rows, identity)
    made = check_reports(directory, log, rows, identity)
    reached = rows.position(ENGINE, TOUCHPOINTS_TOPIC, _PARTITION)
    done = (
        made is not None
        and made == read_made_from(directory / REPORTS)
        and reached == log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION)
        and rows.position(ENGINE, REFUSED, _PARTITION) == log.end_offset(REFUSED, _PARTITION)
        and rows.setting(UNREPORTED) == "0"
    )
    if not done:
        raise NotReady(f"{directory}: something waits to be applied or reported; {_WRITER}")


def is_writable(directory: Path) -> bool:
    """Whether this user may write in a data directory."""
    names = (".", FILE_NAME, ROWS_NAME, LOCK_NAME, REPORTS)
    there = [directory / name for name in names if (directory / name).exists()]
    return all(os.access(each, os.W_OK) for each in there)


@contextmanager
def opened_to_ask(directory: Path, command: str, progress: "Progress" = lambda *_: None) -> "Iterator[Look | Session]":
    """The directory, opened for questions. Raises what opening a ``Session`` raises; NotReady: who may not write."""
    writable = is_writable(directory)
    with ExitStack() as stack:
        opened: Look | Session
        try:
            opened = stack.enter_context(Look(directory, command, writable=writable))
        except NotReady:
            if not writable:
                raise
            opened = stack.enter_context(_session(directory, command, progress))
        yield opened


def _session(directory: Path, command: str, progress: "Progress") -> "Session":
    from streams.embedded.session import Session

    return Session(directory, command, progress=progress)

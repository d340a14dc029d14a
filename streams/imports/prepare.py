"""From a file to a time-ordered, resumable sequence of canonical batches."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from streams.imports.arrivals import Arrivals
from streams.imports.content_ids import with_ids
from streams.imports.files import Input, Progress, receive
from streams.imports.mapping import Mapping
from streams.imports.order import Run
from streams.imports.reading import Reading
from streams.imports.rejects import Rejects

MEMORY_ROWS: Final = 2_000_000
_VERSION: Final = b"relasi import 1"


class Prepared:
    """A file ready to be imported.

    ``content_key``: SHA-256 (hex) of the file's bytes as given, the mapping and the order asked for: the identity of
    this import. ``rows`` canonical rows, ``rejects`` the rows that are none. ``was_sorted``: the file was not in order
    of time, and its rows are yielded in another order than the file's. ``first_at``, ``last_at``: ms since 1970, 0
    without rows. ``ignored``: columns that nobody asked for. ``skipped``: rows of which the mapping makes nothing, the
    first of them in line ``first_skipped``. ``grouping``: what became of rows of one order. ``snapshot_day``: the day
    of which a table of customers is. ``unread``: further sheets of a workbook that have the same columns. ``statuses``:
    warnings of columns that say that an order was none (``statuses.py``).
    """

    def __init__(self, source: Input, key: str, arrivals: Arrivals, runs: list[Run], rejects: Rejects, folder: Path,
                 ignored: tuple[str, ...], read: Reading, *, was_sorted: bool) -> None:  # fmt: skip
        self.name = source.name
        self.format = source.format
        self.encoding = source.encoding if source.detected else None
        """Of a text of which only its bytes told it."""
        self.content_key = key
        self.sha256 = source.sha256
        self.mapping = read.mapping
        self.rows = arrivals.rows
        self.first_at = arrivals.first if arrivals.rows else 0
        self.last_at = arrivals.last if arrivals.rows else 0
        self.was_sorted = was_sorted
        self.rejects = rejects
        self.ignored = ignored
        self.without_currency = read.without_currency
        self.skipped = read.skipped
        self.first_skipped = read.first_skipped
        self.unread = read.unread
        self.statuses = tuple(read.statuses.warnings())
        self.snapshot_day = read.snapshot_day
        self.grouping = arrivals.grouping
        self._runs = runs
        self._folder = folder

    def batches(self, skip: int = 0, size: int = 65_536, *, last: bool = False) -> Iterator[Any]:
        """Canonical record batches (``CANONICAL``) of up to ``size`` rows, without the first ``skip`` rows.

        ``last``: nobody asks for rows any more, so that what was yielded need not be kept.
        The order of rows is a function of the file and the mapping alone, so that an import can go on where it was
        cut off; only how rows are cut into batches may differ.
        """
        for run in self._runs:
            if skip < run.rows:
                for batch in run.batches(skip, size, last=last):
                    yield with_ids(batch)
            skip = max(0, skip - run.rows)

    def close(self) -> None:
        """Free the memory and delete the files; ``batches`` and ``rejects`` are over then."""
        self._runs = []
        self.rejects.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def prepare(
    source: Path | str | BinaryIO,
    mapping: Mapping,
    *,
    as_arrived: bool,
    workdir: Path,
    now: int,
    memory_rows: int = MEMORY_ROWS,
    progress: Progress | None = None,
    own_currency: str | None = None,
    ask_currency: bool = False,
) -> Prepared:
    """Read a whole file (a path, "-" for standard input, or an open binary file) and put it in order.

    ``as_arrived`` keeps the file's order. Rows later than ``now`` (ms since 1970) are rejected: what has not happened
    yet is no touchpoint, and would move the time of its partition there, for good. ``own_currency`` is that of amounts
    without one; None: nobody has said it, and it stays unsaid unless ``ask_currency``. Everything that needs room on
    disk goes to a folder of its own in ``workdir``, which ``Prepared.close`` deletes.

    Raises ``InputProblem`` when the file as a whole cannot be imported, also because it can be read in two ways; a bad
    row only makes a reject.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="import-", dir=workdir))
    try:
        given = receive(source, folder, mapping, progress)
        read = Reading(given, mapping, memory_rows, now, own_currency, folder, progress, ask_currency=ask_currency)
        arrivals, rejects, ignored = read()
        if progress is not None:
            progress("sorting", 0, arrivals.rows)
        runs = arrivals.runs(as_arrived=as_arrived)
        if progress is not None:
            progress("sorting", arrivals.rows, arrivals.rows)
        was_sorted = not (as_arrived or arrivals.in_order)
        key = _key(given, mapping, as_arrived=as_arrived)
        return Prepared(given, key, arrivals, runs, rejects, folder, ignored, read, was_sorted=was_sorted)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _key(given: Input, mapping: Mapping, *, as_arrived: bool) -> str:
    order = b"as arrived" if as_arrived else b"by time"
    return hashlib.sha256(b"\0".join([_VERSION, given.sha256.encode(), mapping.digest().encode(), order])).hexdigest()

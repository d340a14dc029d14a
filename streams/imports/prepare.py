"""From a file to a time-ordered, resumable sequence of canonical batches."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from streams.imports.arrivals import Arrivals
from streams.imports.blocks import Source
from streams.imports.columnar import AvroSource, ParquetSource
from streams.imports.delimited import DelimitedSource
from streams.imports.files import EXPECTED, Input, Progress, receive, seekable
from streams.imports.identity import with_ids
from streams.imports.jsonl import JsonSource
from streams.imports.mapping import Mapping
from streams.imports.normalise import Normaliser
from streams.imports.order import Run
from streams.imports.plan import check_columns, plan_of, wanted_columns
from streams.imports.problems import ImportReject, InputProblem

MEMORY_ROWS: Final = 2_000_000
_DAY: Final = 86_400_000
_VERSION: Final = b"relasi import 1"
_REJECTS_IN_MEMORY: Final = 1 << 20


class Rejects:
    """Rejects in order of their rows, in memory while they are few and on disk when they are many."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_REJECTS_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (closed in close)
        self._count = 0

    def add(self, reject: ImportReject) -> None:
        entry = asdict(reject) | {"payload": reject.payload.decode("latin-1")}
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ImportReject]:
        self._file.seek(0)
        for line in self._file:
            entry = json.loads(line)
            yield ImportReject(**entry | {"payload": entry["payload"].encode("latin-1")})

    def close(self) -> None:
        self._file.close()


class Prepared:
    """A file ready to be imported.

    ``content_key``: SHA-256 (hex) of the file's bytes as given, the mapping and the order asked for: the identity of
    this import. ``rows`` canonical rows, ``rejects`` the rows that are none. ``was_sorted``: the file was not in order
    of time, and its rows are yielded in another order than the file's. ``first_at``, ``last_at``: ms since 1970, 0
    without rows. ``ignored``: columns that nobody asked for.
    """

    def __init__(self, source: Input, key: str, arrivals: Arrivals, runs: list[Run], rejects: Rejects, folder: Path,
                 ignored: tuple[str, ...], *, was_sorted: bool) -> None:  # fmt: skip
        self.name = source.name
        self.format = source.format
        self.content_key = key
        self.rows = arrivals.rows
        self.first_at = arrivals.first if arrivals.rows else 0
        self.last_at = arrivals.last if arrivals.rows else 0
        self.was_sorted = was_sorted
        self.rejects = rejects
        self.ignored = ignored
        self._runs = runs
        self._folder = folder

    def batches(self, skip: int = 0, size: int = 65_536) -> Iterator[Any]:
        """Canonical record batches (``CANONICAL``) of up to ``size`` rows, without the first ``skip`` rows.

        The order of rows is a function of the file and the mapping alone, so that an import can go on where it was
        cut off; only how rows are cut into batches may differ.
        """
        for run in self._runs:
            if skip < run.rows:
                for batch in run.batches(skip, size):
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
) -> Prepared:
    """Read a whole file (a path, "-" for standard input, or an open binary file) and put it in order.

    ``as_arrived`` keeps the file's order. Rows later than a day after ``now`` (ms since 1970) are rejected: one
    mistyped year would otherwise move the time of its partition there, for good. Everything that needs
    room on disk goes to a folder of its own in ``workdir``, which ``Prepared.close`` deletes.

    Raises ``InputProblem`` when the file as a whole cannot be imported; a bad row only makes a reject.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="import-", dir=workdir))
    rejects = Rejects(folder)
    try:
        given = receive(source, folder, mapping, progress)
        arrivals = Arrivals(memory_rows, folder)
        ignored = _read(given, mapping, arrivals, rejects, now + _DAY, folder, progress)
        if progress is not None:
            progress("sorting", 0, arrivals.rows)
        runs = arrivals.runs(as_arrived=as_arrived)
        if progress is not None:
            progress("sorting", arrivals.rows, arrivals.rows)
        was_sorted = not (as_arrived or arrivals.in_order)
        key = _key(given, mapping, as_arrived=as_arrived)
        return Prepared(given, key, arrivals, runs, rejects, folder, ignored, was_sorted=was_sorted)
    except BaseException:
        rejects.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _key(given: Input, mapping: Mapping, *, as_arrived: bool) -> str:
    order = b"as arrived" if as_arrived else b"by time"
    return hashlib.sha256(b"\0".join([_VERSION, given.sha256.encode(), mapping.digest().encode(), order])).hexdigest()


def _read(
    given: Input,
    mapping: Mapping,
    arrivals: Arrivals,
    rejects: Rejects,
    not_after: int,
    folder: Path,
    progress: Progress | None,
) -> tuple[str, ...]:
    """Read all rows; returns the columns that were left."""
    normaliser = Normaliser(mapping, not_after)
    source = _open(given, mapping, folder)
    known = source.columns
    try:
        if known is not None:
            check_columns(given.name, known, mapping)
            plan = plan_of(known, mapping)
            needed: list[str] | None = plan.needed()
        else:
            needed = None if mapping.keep_extra else wanted_columns(mapping)
        for block in source.blocks(needed):
            batch, bad = normaliser(block)
            arrivals.add(batch)
            for reject in bad:
                rejects.add(reject)
            if progress is not None:
                progress("reading", block.done, block.total)
    finally:
        source.close()
        arrivals.close()
    if arrivals.rows == 0 and len(rejects) == 0:
        raise InputProblem(f"{given.name}: has no rows; {EXPECTED}")
    if known is None and normaliser.columns:
        check_columns(given.name, tuple(normaliser.columns), mapping)
    return tuple(normaliser.ignored) if known is None else plan.ignored


def _open(given: Input, mapping: Mapping, folder: Path) -> Source:
    if given.format == "parquet":
        return ParquetSource(given, seekable(given, folder))
    if given.format == "avro":
        return AvroSource(given, seekable(given, folder))
    return DelimitedSource(given, mapping) if given.format == "csv" else JsonSource(given)

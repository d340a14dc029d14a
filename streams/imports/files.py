"""The file itself: where its bytes come from, what format they are in, and which import they are."""

import codecs
import gzip
import hashlib
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from streams.imports.encodings import of_head, of_text
from streams.imports.mapping import Mapping
from streams.imports.problems import InputProblem

Progress = Callable[[str, int, int], None]
"""Called with (phase, done, total); phases are "receiving", "reading" and "sorting", totals of 0 are unknown."""

_PIECE: Final = 4 << 20
_LOOKED_AT: Final = 64
"""Pieces by which an encoding is told: a quarter of a gibibyte, and of what unzips to more no more than that."""
LONGEST_ROW: Final = 1 << 20
"""Bytes of a line of text: what may stand in a touchpoint has room many times over."""
LONGEST_LINE: Final = 64 << 20
"""From so many bytes on, a file whose line does not end is no text in lines at all."""
TOO_LONG: Final = f"the line is longer than {LONGEST_ROW:,} bytes"
LARGEST_RATIO: Final = 200
"""Times its size that a compressed file may expand to."""
_SMALL: Final = 64 << 20
_GZIP: Final = b"\x1f\x8b"
_MAGIC: Final = {b"PAR1": "parquet", b"Obj\x01": "avro"}
_ZIP: Final = b"PK\x03\x04"
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOKS: Final = (_ZIP, _OLD_WORKBOOK)
_FOREIGN: Final = {
    _ZIP: "a ZIP archive or a spreadsheet; unpack it, or export the sheet as CSV",
    b"BZh": "compressed with bzip2; unpack it first, or use gzip",
    b"\xfd7zXZ": "compressed with xz; unpack it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard; unpack it first, or use gzip",
    b"%PDF": "a PDF document; export the rows as CSV",
}
_MARKUP: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype|!--|html|table|meta|style)\b", re.IGNORECASE)
_SUFFIXES: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
STANDARD_INPUT: Final = "standard input"
"""As messages call what has no name."""
EXPECTED: Final = (
    "expected CSV, JSON lines, Parquet or an Avro container, gzipped or not, or a workbook, with at least one row"
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Input:
    """A file to read: its bytes as given, and what they turned out to be. ``encoding``: of text that is not UTF-8;
    ``detected``: nobody said it, and its bytes have no mark of it."""

    name: str
    path: Path
    size: int
    compressed: bool
    format: str
    sha256: str
    encoding: str | None = None
    detected: bool = False


class Stream:
    """The bytes of an input from its start, unzipped, and text as UTF-8; ``done`` counts the bytes as given, for the
    progress bar."""

    def __init__(self, source: Input) -> None:
        self.source = source
        self._raw = source.path.open("rb")
        self._plain: _Readable = gzip.GzipFile(fileobj=self._raw) if source.compressed else self._raw
        self._decoder = codecs.getincrementaldecoder(source.encoding)() if source.encoding else None

    @property
    def done(self) -> int:
        return self._raw.tell()

    def read(self, size: int = _PIECE) -> bytes:
        """Up to ``size`` bytes as given; empty at the end. Raises ``InputProblem`` when the compression is damaged, or
        the text is not in its encoding."""
        try:
            piece = self._plain.read(size)
            if self._decoder is None:
                return piece
            while not (text := self._decoder.decode(piece, final=not piece)) and piece:
                piece = self._plain.read(size)
            return text.encode()
        except UnicodeError as error:
            raise InputProblem(
                f"{self.source.name}: is not text in {self.source.encoding} ({error}); nothing of it was imported, say "
                "what it is with --encoding"
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputProblem(
                f"{self.source.name}: the gzip stream is damaged or cut off ({error}); nothing of it was imported, "
                "fetch the file again"
            ) from error

    def close(self) -> None:
        self._raw.close()


def receive(source: Path | str | BinaryIO, workdir: Path, mapping: Mapping, progress: Progress | None) -> Input:
    """The input behind a path, "-" (standard input) or an open binary file; the latter two are copied to ``workdir``.

    Raises ``InputProblem`` when it cannot be read, is empty, or is in a format that is none of ours.
    """
    if isinstance(source, str) and source != "-":
        source = Path(source)
    if isinstance(source, Path):
        path, name = source, str(source)
    else:
        path, name = workdir / "received", STANDARD_INPUT
        _copy(sys.stdin.buffer if isinstance(source, str) else source, path, progress)
    try:
        head = _head(path)
        size = path.stat().st_size
        compressed = head.startswith(_GZIP)
        if compressed:
            with closing(Stream(Input(name, path, size, compressed, "", ""))) as stream:
                head = stream.read(4096)
        encoding = _encoding_of(head, mapping)
        if encoding is not None:
            with closing(Stream(Input(name, path, size, compressed, "", "", encoding))) as stream:
                head = stream.read(4096)
        # What it is comes first: of gigabytes of nothing the hash alone would take minutes.
        format_found = "workbook" if _is_workbook(path, head) else _format_of(name, head, mapping)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputProblem(f"{name}: cannot be read ({error.strerror}); {EXPECTED}") from error
    return _detected(Input(name, path, size, compressed, format_found, sha256, encoding), mapping)


def _encoding_of(head: bytes, mapping: Mapping) -> str | None:
    """The encoding of text that is not UTF-8, as far as its beginning or the mapping says."""
    if head.startswith((*_MAGIC, *_WORKBOOKS)):
        return None
    if mapping.encoding is not None:
        name = codecs.lookup(mapping.encoding).name
        return None if name in ("utf-8", "ascii") else name
    return of_head(head)


def _detected(given: Input, mapping: Mapping) -> Input:
    """A text whose encoding nobody said and its beginning did not tell: as all of it tells."""
    if mapping.encoding is not None or given.encoding is not None or given.format not in ("csv", "jsonl"):
        return given
    try:
        with closing(Stream(given)) as stream:
            found = of_text(islice(iter(stream.read, b""), _LOOKED_AT))
    except InputProblem:
        # What is damaged is told where it is read.
        return given
    return given if found is None else replace(given, encoding=found, detected=True)


def _copy(source: _Readable, path: Path, progress: Progress | None) -> None:
    done = 0
    with path.open("wb") as file:
        while piece := source.read(_PIECE):
            file.write(piece)
            done += len(piece)
            if progress is not None:
                progress("receiving", done, 0)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _is_workbook(path: Path, head: bytes) -> bool:
    if head.startswith(_OLD_WORKBOOK):
        return True
    if not head.startswith(_ZIP):
        return False
    from streams.imports.workbooks import is_workbook

    return is_workbook(path)


def _format_of(name: str, head: bytes, mapping: Mapping) -> str:
    if not head.strip():
        raise InputProblem(f"{name}: is empty; {EXPECTED}")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return what
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputProblem(f"{name}: is {what}; {EXPECTED}")
    if mapping.format in _MAGIC.values():
        raise InputProblem(f"{name}: does not begin like {mapping.format}; {EXPECTED}")
    if _MARKUP.match(head):
        raise InputProblem(
            f"{name}: is a page or a document of tags (HTML, XML), also where it is called .xls; open it in a "
            f"spreadsheet and save it as CSV or .xlsx; {EXPECTED}"
        )
    if b"\0" in head:
        raise InputProblem(f"{name}: is neither text nor in a known format; {EXPECTED}")
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    plain = Path(name).with_suffix("") if name.endswith(".gz") else Path(name)
    return mapping.format or ("jsonl" if first in (b"{", b"[") else _SUFFIXES.get(plain.suffix.lower(), "csv"))


def seekable(source: Input, workdir: Path) -> Path:
    """The input's path, or of a copy of it without the compression, for formats that are not read front to back."""
    if not source.compressed:
        return source.path
    plain, most = workdir / "unzipped", max(_SMALL, LARGEST_RATIO * source.size)
    with closing(Stream(source)) as stream, plain.open("wb") as file:
        while piece := stream.read():
            if file.tell() + len(piece) > most:
                raise InputProblem(
                    f"{source.name}: unzips to more than {LARGEST_RATIO} times its size, "
                    f"as no {source.format} file does; {EXPECTED}"
                )
            file.write(piece)
    return plain

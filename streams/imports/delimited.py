"""Reader of CSV, TSV and text in columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.imports.blocks import Block
from streams.imports.columns import from_parts
from streams.imports.encodings import likely_of
from streams.imports.files import EXPECTED, LONGEST_LINE, LONGEST_ROW, TOO_LONG, Input, Stream
from streams.imports.headers import ROWS, header_of
from streams.imports.mapping import DELIMITERS, Mapping
from streams.imports.problems import ImportReject, InputProblem
from streams.imports.scan import UNCLOSED, WHITESPACE, gather, line_end, split_row, split_rows

_BOM: Final = b"\xef\xbb\xbf"
_MOST_COLUMNS: Final = 4096
_TOLD_DELIMITER: Final = re.compile(rb'"?sep=([,;|\t])"?[ \t]*(?:\r\n|\n|\r)', re.IGNORECASE)
"""A first line by which spreadsheets know how a text is delimited."""
_PREAMBLE: Final = 64 << 10
_SIGNS: Final = (",", "\t", ";", "|")
_MOST_CELLS: Final = 4 << 20
"""Fields of one pass over the text: a header of thousands of columns before millions of blank lines needs no more."""


class DelimitedSource:
    """A delimited text; line numbers are physical ones, the header included."""

    def __init__(self, source: Input, mapping: Mapping, known: frozenset[str] = frozenset()) -> None:
        """``known``: names of columns, ``bare``, by which a header is told from what some write before it."""
        self._source = source
        self._known = known
        self._stream = Stream(source)
        self._data = b""
        self._ended = False
        self._line = 1
        try:
            self._read_more()
            self._data = self._data.removeprefix(_BOM)
            self._read_header(mapping)
        except BaseException:
            self._stream.close()
            raise
        self.columns: tuple[str, ...] | None = tuple(self._names)

    def _read_header(self, mapping: Mapping) -> None:
        told = _TOLD_DELIMITER.match(self._data)
        if told is not None and mapping.delimiter is None:
            mapping = replace(mapping, delimiter=told[1].decode())
        if told is not None:
            self._data, self._line = self._data[told.end() :], self._line + 1
        if mapping.header and self._data:
            self._drop_preamble(mapping)
        self._delimiter = _delimiter_of(mapping, self._first_line())
        found = self._first_fields()
        if mapping.header:
            self._drop_first_line()
        else:
            found = [str(position + 1) for position in range(len(found))]
        self._names = _unique([*mapping.names, *found[len(mapping.names) :]])

    def _drop_preamble(self, mapping: Mapping) -> None:
        """Drop what stands before the header: the owner, the period and the balance, as banks write them."""
        lines = self._data[:_PREAMBLE].splitlines(keepends=True)
        rows, ends = _first_rows(lines, mapping)
        header = header_of(rows, self._known)
        before = ends[header - 1] if header else 0
        self._data = self._data[sum(map(len, lines[:before])) :]
        self._line += before

    def close(self) -> None:
        self._stream.close()

    def _read_more(self) -> None:
        piece = self._stream.read()
        self._ended = not piece
        self._data += piece
        if len(self._data) > LONGEST_LINE:
            raise InputProblem(
                f"{self._source.name}: line {self._line} is longer than {LONGEST_LINE >> 20} MiB; {EXPECTED}"
            )

    def _first_line(self) -> bytes:
        """The first line that is not blank; blank ones before it are dropped, and counted."""
        while True:
            bounds = self._view()
            end = line_end(bounds, 0, len(bounds))
            if end + 1 >= len(bounds) and not self._ended:
                self._read_more()
            elif self._data[:end].strip(b" \t\x1a") or (self._ended and end >= len(self._data)):
                return self._data[:end]
            else:
                self._drop_first_line()

    def _view(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self._data, np.uint8)

    def _drop_first_line(self) -> None:
        """A header whose names hold line breaks would be cut here: nobody writes one, and its rows would be ragged."""
        data = self._view()
        end = line_end(data, 0, len(data))
        width = 2 if self._data[end : end + 2] == b"\r\n" else 1
        self._data = self._data[end + width :]
        self._line += 1

    def _first_fields(self) -> list[str]:
        first = self._first_line()
        self._check_text(first)
        line = np.frombuffer(first, np.uint8)
        starts, stops = np.zeros(_MOST_COLUMNS, np.int32), np.zeros(_MOST_COLUMNS, np.int32)
        quoted = np.zeros(_MOST_COLUMNS, np.bool_)
        count, _ = split_row(line, 0, len(line), True, self._delimiter, starts, stops, quoted)
        if not 0 < count <= _MOST_COLUMNS:
            raise InputProblem(f"{self._source.name}: line {self._line} has no readable columns; {EXPECTED}")
        fields = [line[starts[i] : stops[i]].tobytes() for i in range(count)]
        return [field.replace(b'""', b'"').decode(errors="replace").strip() for field in fields]

    def _check_text(self, line: bytes) -> None:
        """Names that nobody can write in a mapping say that all of the text is in another encoding."""
        try:
            line.decode()
        except UnicodeDecodeError as error:
            likely = likely_of(line)
            told = f"; these words may be in {', '.join(likely)}" if likely else ", such as windows-1250 or shift_jis"
            raise InputProblem(
                f"{self._source.name}: line {self._line} is not UTF-8 ({error.reason}): say in which encoding the text "
                f"is with --encoding{told}"
            ) from None

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of about 4 MiB of text each."""
        wanted = [i for i, name in enumerate(self._names) if needed is None or name in needed]
        while self._data or not self._ended:
            data = self._view()
            position = np.array([0, self._line], np.int64)
            most = int(np.count_nonzero(data == 10) + np.count_nonzero(data == 13)) + 1
            width = len(self._names)
            most = min(most, max(_MOST_CELLS // width, 1))
            starts, stops = np.empty((most, width), np.int32), np.empty((most, width), np.int32)
            quoted, rows = np.empty((most, width), np.bool_), np.empty((most, 4), np.int64)
            n = split_rows(data, position, self._ended, self._delimiter, starts, stops, quoted, rows)
            if n:
                yield self._block(data, starts[:n], stops[:n], quoted[:n], rows[:n], wanted)
            self._data, self._line = self._data[int(position[0]) :], int(position[1])
            if not self._ended and n < most:
                self._read_more()

    def _block(
        self,
        data: npt.NDArray[np.uint8],
        starts: npt.NDArray[np.int32],
        stops: npt.NDArray[np.int32],
        quoted: npt.NDArray[np.bool_],
        rows: npt.NDArray[np.int64],
        wanted: list[int],
    ) -> Block:
        def original(i: int) -> bytes:
            return data[good[i, 1] : good[i, 2]].tobytes()

        long = rows[:, 2] - rows[:, 1] > LONGEST_ROW
        whole = (rows[:, 3] == len(self._names)) & ~long
        good = rows[whole]
        rejects = [
            ImportReject(int(row[0]), *self._why(int(row[3]), bool(too_long)), data[row[1] : row[2]].tobytes())
            for row, too_long in zip(rows[~whole], long[~whole], strict=True)
        ]
        columns = {self._names[i]: _column(data, starts[whole, i], stops[whole, i], quoted[whole, i]) for i in wanted}
        return Block(columns, good[:, 0], original, self._stream.done, self._source.size, rejects)

    def _why(self, count: int, too_long: bool) -> tuple[str, str]:
        """(reason, detail) of a row that was not split, or has other fields than the header."""
        if too_long:
            return "long_line", TOO_LONG
        if count == UNCLOSED:
            return "broken_line", "a quote is not closed"
        if count < 0:
            return "broken_line", "something other than a delimiter follows a closing quote"
        return "broken_line", f"{count} fields, where the file has {len(self._names)} columns"


def _column(
    data: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int32],
    stops: npt.NDArray[np.int32],
    quoted: npt.NDArray[np.bool_],
) -> Any:
    out = np.empty(int(np.sum(stops - starts, dtype=np.int64)), np.uint8)
    offsets = np.empty(len(starts) + 1, np.int32)
    size = gather(data, starts, stops, quoted, out, offsets)
    return from_parts(offsets, out[:size])


def _first_rows(lines: list[bytes], mapping: Mapping) -> tuple[list[list[str]], list[int]]:
    """(the first rows of a text, for each how many lines there are up to its end)."""
    sign = mapping.delimiter if mapping.delimiter is not None else _likely_in(lines)
    sign = DELIMITERS.get(sign, sign)
    if len(sign) != 1:
        return [], []
    rows: list[list[str]] = []
    ends: list[int] = []
    reader = csv.reader((line.decode(errors="replace") for line in lines), delimiter=sign)
    try:
        for row in islice(reader, ROWS):
            rows.append([text.strip() for text in row])
            ends.append(reader.line_num)
    except csv.Error:
        # What is no header is said where its rows are read.
        pass
    # Names between spaces are one cell by every other sign.
    spaced = [len(line.split()) for line in lines[:2]]
    return ([], []) if sign.encode() not in lines[0] and len(set(spaced)) == 1 < len(spaced) else (rows, ends)


def _likely_in(lines: list[bytes]) -> str:
    """The sign that most lines have equally often, and often."""

    def weight(sign: str) -> int:
        counts = Counter(found for line in lines[:ROWS] if (found := line.count(sign.encode())))
        return max((often * found for found, often in counts.items()), default=0)

    return max(_SIGNS, key=weight)


def _delimiter_of(mapping: Mapping, first_line: bytes) -> int:
    """The mapping's delimiter, or the likeliest one of a header: the most frequent of comma, tab, semicolon, bar."""
    if mapping.delimiter is not None:
        sign = DELIMITERS.get(mapping.delimiter, mapping.delimiter)
        return WHITESPACE if sign == "whitespace" else ord(sign)
    likely = max(_SIGNS, key=lambda sign: first_line.count(sign.encode()))
    if likely.encode() not in first_line:
        return WHITESPACE if b" " in first_line.strip() else ord(",")
    return ord(likely)


def _unique(names: list[str]) -> list[str]:
    """Names as they are, but a repeated one with its position: only the first can be meant by it."""
    return [f"{name}.{i + 1}" if name in names[:i] else name for i, name in enumerate(names)]

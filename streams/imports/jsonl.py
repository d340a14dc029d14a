"""Reader of JSON: an object in each line, or a document of them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

import numpy as np
import pyarrow as pa

from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.documents import Documents
from streams.imports.files import EXPECTED, LONGEST_LINE, LONGEST_ROW, TOO_LONG, Input, Stream
from streams.imports.json_columns import FlatLines, lines_of
from streams.imports.mapping import property_of
from streams.imports.problems import ImportReject, InputProblem

_BOM: Final = b"\xef\xbb\xbf"
_NESTED: Final = (dict, list)


class JsonSource:
    """A file of JSON lines. Numbers keep the digits that they were written with; nested values become JSON text."""

    columns: tuple[str, ...] | None = None

    def __init__(self, source: Input, kept: frozenset[str] = frozenset()) -> None:
        """``kept``: columns whose nested values are given as they are."""
        self._source = source
        self._kept = kept
        self._stream = Stream(source)
        self._fresh = b""

    def close(self) -> None:
        self._stream.close()

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of about 4 MiB of text each; blank lines count, and are skipped. Columns are those that it has.

        A column that nobody needs is named, but empty: its name is all that is reported about it.
        """
        self._begin()
        if self._is_document():
            yield from self._of_document(needed)
            return
        first = 1
        names: list[str] = []
        for text in self._pieces():
            may_be_flat = not self._kept and _is_utf8(text)
            for places in lines_of(text):
                count = len(places) - 1
                flat = FlatLines(text, places, names) if may_be_flat else None
                if flat is not None and flat.split(_record) and 2 * len(flat.other) <= count:
                    names = flat.names
                    yield self._of_flat(flat, first, count, needed)
                else:
                    lines = text[places[0] : places[-1] - 1].split(b"\n")
                    yield self._block(lines, range(first, first + count), needed)
                first += count

    def _begin(self) -> None:
        self._fresh = self._stream.read().removeprefix(_BOM)

    def _is_document(self) -> bool:
        """Whether the text is an array, an object over several lines, several in one, or one that may hold an array."""
        first, _, rest = self._fresh.lstrip().partition(b"\n")
        if first[:1] == b"[" or first.strip() == b"{":
            return True
        record = _record(first)
        if isinstance(record, str):
            return record.startswith("Extra data")
        return not rest.strip() and self._stream.done >= self._source.size

    def _of_document(self, needed: Sequence[str] | None) -> Iterator[Block]:
        for elements in Documents(self._source, self._stream, self._fresh).some():
            lines = [element.text.encode("utf-8", "surrogatepass") for element in elements]
            yield self._block(lines, [element.line for element in elements], needed)

    def _pieces(self) -> Iterator[bytes]:
        rest: list[bytes] = []
        fresh = self._fresh
        while fresh:
            whole, end, tail = fresh.rpartition(b"\n")
            if end:
                yield b"".join([*rest, whole])
            rest = [tail] if end else [*rest, fresh]
            if sum(map(len, rest)) > LONGEST_LINE:
                raise InputProblem(f"{self._source.name}: has a line of more than {LONGEST_LINE >> 20} MiB; {EXPECTED}")
            fresh = self._stream.read()
        if any(rest):
            yield b"".join(rest)

    def _of_flat(self, flat: FlatLines, first: int, count: int, needed: Sequence[str] | None) -> Block:
        """The block of lines of which most are flat; the others as Python reads them, each in its place."""
        others = flat.other
        numbers_of = range(first, first + count)
        rest = self._block([flat.line(i) for i in others], [numbers_of[i] for i in others], needed)
        rows = np.concatenate([flat.flat + first, rest.rows])
        order = np.argsort(rows, kind="stable")
        n, columns, numbers = len(flat.flat), {}, set()
        for name in dict.fromkeys([*filter(flat.appears, flat.names), *rest.columns]):
            wanted = needed is None or name in needed
            if not wanted and not property_of(name):
                columns[name] = pa.nulls(len(rows))
                continue
            column, numeric = flat.column(name) if name in flat.names else (pa.nulls(n, pa.string()), True)
            if others:
                more = rest.columns.get(name, pa.nulls(len(rest.rows), pa.string()))
                numeric = numeric and (name not in rest.columns or name in rest.numbers)
                column = pa.concat_arrays([column, more]).take(pa.array(order))
            columns[name] = column
            if wanted and numeric:
                numbers.add(name)
        rows = rows[order]
        return Block(columns, rows, lambda i: flat.line(int(rows[i]) - first), self._stream.done, self._source.size,
                     rest.rejects, frozenset(numbers))  # fmt: skip

    def _block(self, lines: list[bytes], numbers_of: Sequence[int], needed: Sequence[str] | None) -> Block:
        records: list[dict[str, Any]] = []
        at: list[int] = []
        rejects: list[ImportReject] = []
        for i, line in enumerate(lines):
            if line.strip():
                found = TOO_LONG if len(line) > LONGEST_ROW else _record(line, self._kept)
                if isinstance(found, str):
                    reason = "long_line" if found == TOO_LONG else "broken_json"
                    rejects.append(ImportReject(numbers_of[i], reason, found, line))
                else:
                    records.append(found)
                    at.append(i)
        nested = {name: [record.pop(name, None) for record in records] for name in self._kept}
        nested = {name: values for name, values in nested.items() if any(value is not None for value in values)}
        # Records of a file have few shapes: the names of each are looked at once.
        names = dict.fromkeys(name for shape in dict.fromkeys(map(tuple, records)) for name in shape)
        columns: dict[str, Any] = {}
        numbers: set[str] = set()
        for name in names:
            wanted = needed is None or name in needed
            if wanted or property_of(name):
                values = [record.get(name) for record in records]
                kinds = set(map(type, values))
                columns[name] = _column(values, kinds)
                if wanted and kinds <= _NUMERIC:
                    numbers.add(name)
            else:
                columns[name] = pa.nulls(len(at))
        columns |= dict.fromkeys(nested, pa.nulls(len(at)))
        rows = np.array([numbers_of[i] for i in at], np.int64)
        return Block(columns, rows, lambda i: lines[at[i]], self._stream.done, self._source.size, rejects,
                     frozenset(numbers), nested)  # fmt: skip


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class Number(str):
    """A number with the digits that it was written with; text is no number, whatever it looks like."""

    __slots__ = ()


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


_NUMERIC: Final = {Number, type(None)}
_DIGITS_KEPT: Final = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)
_NUMBERS: Final = json.JSONDecoder()
_SCAN: Final[Any] = vars(_DIGITS_KEPT)["scan_once"]
_SPACE: Final = " \t\r\n"
_OBJECTS: Final = frozenset(_NESTED)


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(type(entry) in _NESTED for entry in value.values())


def _parsed(text: str) -> Any:
    """The value of a text; the way around ``decode`` saves a third of the time, and is taken where nothing is wrong."""
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        return _DIGITS_KEPT.decode(text)
    return value if end == len(text) or not text[end:].strip(_SPACE) else _DIGITS_KEPT.decode(text)


def _record(line: bytes, kept: frozenset[str] = frozenset()) -> dict[str, Any] | str:
    """The object in a line, or why there is none. Numbers stay text: 11.77 must not pass through a double."""
    try:
        text = line.decode()
        record = _parsed(text)
        if type(record) is not dict:
            return "not an object"
        nested = []
        if not _OBJECTS.isdisjoint(map(type, record.values())):
            nested = [name for name, value in record.items() if type(value) in _NESTED and name not in kept]
        if nested:
            # A flat object is all text in the end; deeper, a number must not come out in quotes.
            flat = all(type(record[name]) is dict and _is_flat(record[name]) for name in nested)
            values = record if flat else _NUMBERS.decode(text)
            for name in nested:
                record[name] = plain(values[name])
        # Only an escape can make half of a surrogate pair, which has no UTF-8 and so fits no column.
        if b"\\ud" in line or b"\\uD" in line:
            json.dumps(record, ensure_ascii=False).encode()
    except RecursionError:
        return "nested too deeply"
    except UnicodeEncodeError:
        return "half of a surrogate pair is no character"
    except ValueError as error:
        return str(error)
    return record


def _column(values: list[Any], kinds: set[type]) -> Any:
    """A text column of values that are of these types."""
    return pa.array(values if kinds <= _TEXTUAL else list(map(plain, values)), pa.string())


_TEXTUAL: Final = frozenset((str, Number, type(None)))

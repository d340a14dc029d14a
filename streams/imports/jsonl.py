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
        for text in self._pieces():
            lines = text.split(b"\n")
            yield self._block(lines, range(first, first + len(lines)), needed)
            first += len(lines)

    def _begin(self) -> None:
        self._fresh = self._stream.read().removeprefix(_BOM)

    def _is_document(self) -> bool:
        """Whether the text is an array, an object over several lines, or one object that may hold an array."""
        first, _, rest = self._fresh.lstrip().partition(b"\n")
        if first[:1] == b"[" or first.strip() == b"{":
            return True
        return not rest.strip() and self._stream.done >= self._source.size and not isinstance(_record(first), str)

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
        names = dict.fromkeys(name for record in records for name in record)
        columns = {
            name: _column(records, name) if needed is None or name in needed or property_of(name) else pa.nulls(len(at))
            for name in names
        }
        columns |= dict.fromkeys(nested, pa.nulls(len(at)))
        rows = np.array([numbers_of[i] for i in at], np.int64)
        numbers = frozenset(name for name in columns if needed is None or name in needed if _are_numbers(records, name))
        return Block(columns, rows, lambda i: lines[at[i]], self._stream.done, self._source.size, rejects, numbers,
                     nested)  # fmt: skip


class Number(str):
    """A number with the digits that it was written with; text is no number, whatever it looks like."""

    __slots__ = ()


def _are_numbers(records: list[dict[str, Any]], name: str) -> bool:
    return {type(record.get(name)) for record in records} <= _NUMERIC


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


_NUMERIC: Final = {Number, type(None)}
_DIGITS_KEPT: Final = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)
_NUMBERS: Final = json.JSONDecoder()


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(type(entry) in _NESTED for entry in value.values())


def _record(line: bytes, kept: frozenset[str] = frozenset()) -> dict[str, Any] | str:
    """The object in a line, or why there is none. Numbers stay text: 11.77 must not pass through a double."""
    try:
        text = line.decode()
        record = _DIGITS_KEPT.decode(text)
        if not isinstance(record, dict):
            return "not an object"
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


def _column(records: list[dict[str, Any]], name: str) -> Any:
    values = [record.get(name) for record in records]
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(map(plain, values), pa.string())

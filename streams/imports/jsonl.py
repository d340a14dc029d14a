"""Reader of JSON lines: one object per line."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

import numpy as np
import pyarrow as pa

from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.files import EXPECTED, LONGEST_LINE, LONGEST_ROW, TOO_LONG, Input, Stream
from streams.imports.mapping import property_of
from streams.imports.problems import ImportReject, InputProblem

_BOM: Final = b"\xef\xbb\xbf"
_NESTED: Final = (dict, list)


class JsonSource:
    """A file of JSON lines. Numbers keep the digits that they were written with; nested values become JSON text."""

    columns: tuple[str, ...] | None = None

    def __init__(self, source: Input) -> None:
        self._source = source
        self._stream = Stream(source)

    def close(self) -> None:
        self._stream.close()

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of about 4 MiB of text each; blank lines count, and are skipped. Columns are those that it has.

        A column that nobody needs is named, but empty: its name is all that is reported about it.
        """
        first = 1
        for text in self._pieces():
            lines = text.split(b"\n")
            yield self._block(lines, first, needed)
            first += len(lines)

    def _pieces(self) -> Iterator[bytes]:
        rest: list[bytes] = []
        fresh = self._stream.read().removeprefix(_BOM)
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

    def _block(self, lines: list[bytes], first: int, needed: Sequence[str] | None) -> Block:
        records: list[dict[str, Any]] = []
        at: list[int] = []
        rejects: list[ImportReject] = []
        for i, line in enumerate(lines):
            if line.strip():
                found = TOO_LONG if len(line) > LONGEST_ROW else _record(line)
                if isinstance(found, str):
                    reason = "long_line" if found == TOO_LONG else "broken_json"
                    rejects.append(ImportReject(first + i, reason, found, line))
                else:
                    records.append(found)
                    at.append(i)
        names = dict.fromkeys(name for record in records for name in record)
        columns = {
            name: _column(records, name) if needed is None or name in needed or property_of(name) else pa.nulls(len(at))
            for name in names
        }
        rows = np.array(at, np.int64) + first
        return Block(columns, rows, lambda i: lines[at[i]], self._stream.done, self._source.size, rejects)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


_DIGITS_KEPT: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)
_NUMBERS: Final = json.JSONDecoder()


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(type(entry) in _NESTED for entry in value.values())


def _record(line: bytes) -> dict[str, Any] | str:
    """The object in a line, or why there is none. Numbers stay text: 11.77 must not pass through a double."""
    try:
        text = line.decode()
        record = _DIGITS_KEPT.decode(text)
        if not isinstance(record, dict):
            return "not an object"
        nested = [name for name, value in record.items() if type(value) in _NESTED]
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

"""Reader of a sheet of a workbook, or of all that are alike (.xlsx, .xls, .ods), by ``python-calamine``."""

import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.files import EXPECTED, Input
from streams.imports.headers import FEWEST_NAMES, ROWS, header_of
from streams.imports.likeness import bare
from streams.imports.problems import InputProblem

_ROWS: Final = 65_536
_ALL: Final = "*"
_LARGEST: Final = 2 << 30
_LARGEST_RATIO: Final = 200
_MEMBERS: Final = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")


def is_workbook(path: Path) -> bool:
    """Whether a file that begins as a ZIP archive does is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return any(name in names for name in _MEMBERS)


class SheetSource:
    """One sheet, or with the name ``*`` all visible ones that have the columns of the first. Rows count from 1, as in
    the sheet; those of further sheets go on counting.

    The header is the row among the first that names the most columns that are ``known`` (``likeness.bare``), and three
    of them; else the first that is not empty. Without a name, the sheet is the first visible one with such a header.
    """

    def __init__(self, source: Input, sheet: str | None, known: frozenset[str] = frozenset()) -> None:
        from python_calamine import CalamineError, CalamineWorkbook

        self._source = source
        _check_size(source)
        try:
            book = CalamineWorkbook.from_path(str(source.path))
            names = book.sheet_names
            if sheet not in (None, _ALL, *names):
                raise InputProblem(f"{source.name}: has no sheet {sheet!r}; its sheets are {', '.join(names)}")
            hidden = {each.name for each in book.sheets_metadata if "Hidden" in str(each.visible)}
            open_names = [name for name in names if name not in hidden] or names
            asked = [sheet] if sheet in names else open_names
            sheets = {name: _Sheet.of(book.get_sheet_by_name(name), known) for name in asked}
        except (CalamineError, OSError, IndexError) as error:
            raise InputProblem(f"{source.name}: is not a whole workbook ({error}); {EXPECTED}") from error
        told = [name for name, found in sheets.items() if found.known >= FEWEST_NAMES or len(sheets) == 1]
        first = next(iter(told or sheets))
        self.columns: tuple[str, ...] | None = sheets[first].columns
        alike = [name for name, found in sheets.items() if found.columns == self.columns and found.rows]
        self.unread = tuple(name for name in alike if name != first) if sheet is None else ()
        """Further sheets that have the same columns and rows below them, where no sheet was named."""
        chosen = [sheets[name] for name in (dict.fromkeys([first, *alike]) if sheet == _ALL else [first])]
        self._total = sum(found.height for found in chosen)
        self._rows: Iterator[tuple[int, list[Any]]] = _numbered(chosen)

    def close(self) -> None:
        self._rows = iter(())

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of up to 65,536 rows; empty rows are skipped."""
        names = self.columns or ()
        wanted = [i for i, name in enumerate(names) if needed is None or name in needed]
        while some := list(islice(self._rows, _ROWS)):
            told = [(number, row) for number, row in some if _says_something(row)]
            rows = np.array([number for number, _ in told], np.int64)
            values = [[_value(row[i]) if i < len(row) else None for _, row in told] for i in wanted]
            numbers = frozenset(names[i] for i, column in zip(wanted, values, strict=True) if _are_numbers(column))
            columns = {
                names[i]: pa.array(list(map(_surely if _are_mixed(column) else plain, column)), pa.string())
                for i, column in zip(wanted, values, strict=True)
            }
            yield Block(columns, rows, _original(names, told), some[-1][0], self._total, [], numbers)


class _Sheet(NamedTuple):
    """A sheet: its rows, how many of the known names its header has, in which row (from 0), and the columns."""

    sheet: Any
    known: int
    header: int
    columns: tuple[str, ...]
    height: int
    rows: bool

    @classmethod
    def of(cls, sheet: Any, known: frozenset[str]) -> "_Sheet":
        first = list(islice(sheet.iter_rows(), ROWS))
        texts = [[str("" if plain(value) is None else plain(value)) for value in row] for row in first]
        most = max((sum(bare(text) in known for text in row) for row in texts), default=0)
        header = header_of(texts, known)
        columns = _names(first[header]) if first else ()
        rows = any(_says_something(row) for row in islice(sheet.iter_rows(), header + 1, None))
        # total_height is the place of the last row, and one less than there are (*measured*).
        height = 0 if sheet.end is None else int(sheet.end[0]) + 1
        return cls(sheet, most, header, columns, height, rows)


def _numbered(sheets: Sequence[_Sheet]) -> Iterator[tuple[int, list[Any]]]:
    """(number, row) of what stands below the headers of sheets, the numbers going on from sheet to sheet."""
    before = 0
    for found in sheets:
        numbered = enumerate(found.sheet.iter_rows(), before + 1)
        yield from islice(numbered, found.header + 1, None)
        before += found.height


def _says_something(row: Sequence[Any]) -> bool:
    return any(value not in ("", None) for value in row)


def _names(header: Sequence[Any]) -> tuple[str, ...]:
    found = [str(plain(value) or "").strip() or f"column {i + 1}" for i, value in enumerate(header)]
    return tuple(f"{name}.{i + 1}" if name in found[:i] else name for i, name in enumerate(found))


def _original(names: Sequence[str], told: list[tuple[int, list[Any]]]) -> Any:
    def original(i: int) -> bytes:
        row = dict(zip(names, map(plain, map(_value, told[i][1])), strict=False))
        return json.dumps(row, ensure_ascii=False).encode()

    return original


def _value(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date()
    return str(value) if isinstance(value, time | timedelta) else value


def _surely(value: Any) -> str | None:
    """A value beside texts, as text: what its decimal sign is, the number itself knows, whatever the texts say."""
    if not isinstance(value, float) or value.is_integer() or not math.isfinite(value):
        return plain(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}E{exponent}"


def _are_mixed(values: list[Any]) -> bool:
    """Whether texts stand beside numbers, and no dates."""
    kinds = set(map(type, values)) - {type(None), int}
    return kinds == {float, str}


def _are_numbers(values: list[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _check_size(source: Input) -> None:
    if not zipfile.is_zipfile(source.path):
        return
    with zipfile.ZipFile(source.path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _LARGEST or size > max(64 << 20, _LARGEST_RATIO * source.size):
        raise InputProblem(f"{source.name}: unpacks to {size:,} bytes, as no workbook of its size does; {EXPECTED}")

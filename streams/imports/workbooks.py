"""Reader of one sheet of a workbook (.xlsx, .xls, .ods), by ``python-calamine``."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.files import EXPECTED, Input
from streams.imports.problems import InputProblem

_ROWS: Final = 65_536
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
    """One sheet; its first row that is not empty holds the names of the columns. Rows count from 1, as in the sheet."""

    def __init__(self, source: Input, sheet: str | None) -> None:
        from python_calamine import CalamineError, CalamineWorkbook

        self._source = source
        _check_size(source)
        try:
            book = CalamineWorkbook.from_path(str(source.path))
            names = book.sheet_names
            if sheet is not None and sheet not in names:
                raise InputProblem(f"{source.name}: has no sheet {sheet!r}; its sheets are {', '.join(names)}")
            self._sheet = book.get_sheet_by_name(sheet if sheet is not None else names[0])
        except (CalamineError, OSError, IndexError) as error:
            raise InputProblem(f"{source.name}: is not a whole workbook ({error}); {EXPECTED}") from error
        self._total = int(self._sheet.total_height)
        self._rows: Iterator[tuple[int, list[Any]]] = iter(enumerate(self._sheet.iter_rows(), 1))
        header: list[Any] = []
        for _, header in self._rows:
            if any(value not in ("", None) for value in header):
                break
        found = [str(plain(value) or "").strip() or f"column {i + 1}" for i, value in enumerate(header)]
        self.columns: tuple[str, ...] | None = tuple(
            f"{name}.{i + 1}" if name in found[:i] else name for i, name in enumerate(found)
        )

    def close(self) -> None:
        self._rows = iter(())

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """Blocks of up to 65,536 rows; empty rows are skipped."""
        names = self.columns or ()
        wanted = [i for i, name in enumerate(names) if needed is None or name in needed]
        while some := list(islice(self._rows, _ROWS)):
            told = [(number, row) for number, row in some if any(value not in ("", None) for value in row)]
            rows = np.array([number for number, _ in told], np.int64)
            values = [[_value(row[i]) if i < len(row) else None for _, row in told] for i in wanted]
            columns = {
                names[i]: pa.array(list(map(plain, column)), pa.string())
                for i, column in zip(wanted, values, strict=True)
            }
            numbers = frozenset(names[i] for i, column in zip(wanted, values, strict=True) if _are_numbers(column))
            yield Block(columns, rows, _original(names, told), some[-1][0], self._total, [], numbers)


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


def _are_numbers(values: list[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _check_size(source: Input) -> None:
    if not zipfile.is_zipfile(source.path):
        return
    with zipfile.ZipFile(source.path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _LARGEST or size > max(64 << 20, _LARGEST_RATIO * source.size):
        raise InputProblem(f"{source.name}: unpacks to {size:,} bytes, as no workbook of its size does; {EXPECTED}")

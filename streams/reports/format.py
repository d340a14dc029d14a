"""Answers as text: an aligned table for people, JSON and CSV for programs."""

import base64
import csv
import datetime as dt
import io
import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from streams.reports.errors import ReportsError

FORMATS: Final = ("table", "json", "csv")
_GAP: Final = "  "


def render(table: pa.Table, layout: str) -> str:
    """The table in one of FORMATS, ending in a line break.

    Instants are ISO 8601 in UTC. ``json`` is an array of objects, and two columns of one name are a ReportsError there;
    ``csv`` follows RFC 4180, nulls are empty there, and lists and objects are JSON in their cells. Bytes that are no
    text come in Base64. A layout not in FORMATS raises ValueError.
    """
    if layout not in FORMATS:
        raise ValueError(f"{layout!r} is no layout; there are {', '.join(FORMATS)}")
    names = table.column_names
    columns = [
        [_plain(value, field.type) for value in table.column(i).to_pylist()] for i, field in enumerate(table.schema)
    ]
    rows = list(zip(*columns, strict=True))
    if layout == "json":
        return _json(names, rows)
    if layout == "csv":
        return _csv(names, rows)
    return _table(names, rows, [_is_number(field.type) for field in table.schema])


def objects(table: pa.Table) -> list[dict[str, Any]]:
    """The rows as JSON would tell them: instants as texts in UTC, what is no finite number as None."""
    columns = {
        name: [_plain(value, field.type) for value in table.column(i).to_pylist()]
        for i, (name, field) in enumerate(zip(table.column_names, table.schema, strict=True))
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def one_line(text: str) -> str:
    """The text with all escaped that could move the cursor of a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """A value of Arrow as one of JSON."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {str(key): _plain(item, kind.item_type) for key, item in value}
    if pa.types.is_list(kind):
        return [_plain(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        utc = value.astimezone(dt.UTC) if value.tzinfo else value
        return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str | int) else str(value)


def _json(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ReportsError(f"two columns are named {min(twice)}; tell them apart with AS, or ask for csv")
    if not rows:
        return "[]\n"
    objects = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    return "[\n" + ",\n".join(objects) + "\n]\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _shown(value: Any) -> str:
    """A cell on one line; what could move the cursor of a terminal is escaped (payloads hold whatever was sent)."""
    return one_line(f"{value:.6g}" if isinstance(value, float) else _cell(value))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _padded(text: str, width: int, right: bool) -> str:
    fill = " " * (width - _width(text))
    return fill + text if right else text + fill


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]], numeric: Sequence[bool]) -> str:
    if not names:
        return ""
    cells = [[_shown(name) for name in names], *([_shown(value) for value in row] for row in rows)]
    widths = [max(_width(line[column]) for line in cells) for column in range(len(names))]
    lines = [_GAP.join(map(_padded, line, widths, numeric)).rstrip() for line in cells]
    lines.insert(1, _GAP.join("─" * width for width in widths))
    return "\n".join(lines) + "\n"

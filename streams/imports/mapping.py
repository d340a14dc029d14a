"""Which column of a file means which field of a touchpoint: from arguments, from a TOML file, or both.

Light to import: nothing here touches pyarrow, so that the command line can offer these arguments at once.
"""

import argparse
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from processors import toml
from schemas.fields import FIELDS, FieldType, amounts_of, names_in_files, of_type
from streams.imports.choices import CHOICES, choices_in, problems_of_choices
from streams.imports.problems import MappingProblem
from streams.texts import read_text

MONEY: Final = amounts_of(FIELDS)
"""Fields in major units, and the minor-unit fields that they become."""

TIMES: Final = of_type(FIELDS, FieldType.INSTANT)

NAMES: Final = names_in_files(FIELDS)
"""Every field that a column can be mapped to; ``properties.<name>`` comes on top."""

LINE: Final = ("sku", "category", "quantity", "price", "line_amount")
"""The fields of one line of an order, where each row of a file is one; they make ``lines`` where there is a sku."""

FORMATS: Final = ("csv", "jsonl", "parquet", "avro")
DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "whitespace": "whitespace"}
COUNTED: Final = {"seconds": 3, "milliseconds": 0, "microseconds": -3, "nanoseconds": -6}
"""Times as numbers since 1970: the powers of ten that make them milliseconds."""
EXCEL: Final = "excel"
"""Times as days of a spreadsheet, local."""
NUMBERED: Final = (*COUNTED, EXCEL)

_PREFIX: Final = "properties."


@dataclass(frozen=True)
class Mapping:
    """How to read a file. Everything left at None is found out from the file itself.

    ``columns``: field to column name. ``constants``: field to a text that holds for every row, read as if it stood in
    a column; it wins over a column of the field's name. ``names``: what the columns of a text are called, instead of
    the header when it has one; a text with neither has columns "1", "2", …. ``time_formats``: field to a strptime
    pattern, or to one of ``NUMBERED``. ``timezone``: where times that name no zone are local; None: UTC.
    ``encoding``: of a text; None: UTF-8, or UTF-16 with its mark.
    ``decimal``: the decimal sign of amounts that are text; None: as each column as a whole says.
    ``keep_extra``: columns that nobody asked for become properties.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    delimiter: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    time_formats: dict[str, str] = field(default_factory=dict)
    timezone: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    keep_extra: bool = False

    @property
    def choices(self) -> dict[str, str]:
        """What a file leaves open, as it was settled (``choices.py``)."""
        return choices_in(self.constants)

    def digest(self) -> str:
        """SHA-256, in hex, of what the mapping says, however it was written down."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def property_of(field_name: str) -> str | None:
    """The property's name of a field ``properties.<name>``, else None."""
    name = field_name.removeprefix(_PREFIX)
    return name if name and name != field_name else None


def read_mapping(path: Path) -> Mapping:
    """The mapping in a TOML file: keys as in ``Mapping``, ``[columns]`` and ``[constants]`` as tables.

    Raises ``MappingProblem`` with every problem found, each with the file and the key.
    """
    try:
        table = toml.loads(read_text(path))
    except OSError as error:
        raise MappingProblem([f"{path}: cannot be read ({error.strerror}); --mapping takes a TOML file"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingProblem([f"{path}: not TOML: {error}"]) from error
    mapping, problems = _from_table(table)
    problems += list(_problems(mapping))
    if problems:
        raise MappingProblem([f"{path}: {problem}" for problem in problems])
    return mapping


def _from_table(table: dict[str, Any]) -> tuple[Mapping, list[str]]:
    problems: list[str] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("columns", "constants"):
            values[key] = _texts(key, value, problems)
        elif key == "time_format":
            both = dict.fromkeys(TIMES, value) if isinstance(value, str) else _texts(key, value, problems)
            values["time_formats"] = both
        elif key == "names":
            if isinstance(value, list) and all(isinstance(name, str) for name in value):
                values[key] = tuple(value)
            else:
                problems.append("names: expected a list of texts")
        elif key in ("header", "keep_extra"):
            values[key] = _typed(key, value, bool, "true or false", problems)
        elif key in ("format", "delimiter", "decimal", "timezone", "encoding"):
            values[key] = _typed(key, value, str, "a text", problems)
        else:
            problems.append(f"{key}: not a key of a mapping; known are columns, constants, names, header, format, "
                            "delimiter, encoding, time_format, timezone, decimal and keep_extra")  # fmt: skip
    if "names" in values and "header" not in values:
        values["header"] = False
    return Mapping(**{key: value for key, value in values.items() if value is not None}), problems


def _typed(key: str, value: object, kind: type, wanted: str, problems: list[str]) -> object:
    if isinstance(value, kind):
        return value
    problems.append(f"{key}: expected {wanted}")
    return None


def _texts(key: str, value: object, problems: list[str]) -> dict[str, str]:
    if not isinstance(value, dict):
        problems.append(f"{key}: expected a table of field = text")
        return {}
    texts: dict[str, str] = {}
    for name, entry in value.items():
        if isinstance(entry, dict) and name == "properties":
            texts.update(_texts(f"{key}.{name}", {_PREFIX + inner: text for inner, text in entry.items()}, problems))
        elif isinstance(entry, bool) or not isinstance(entry, str | int | float):
            problems.append(f"{key}.{name}: expected a text")
        else:
            texts[name] = str(entry)
    return texts


def _problems(mapping: Mapping) -> Iterator[str]:
    for table, names in (("columns", mapping.columns), ("constants", mapping.constants)):
        for name in names:
            if (
                name not in (*NAMES, *LINE)
                and property_of(name) is None
                and (table == "columns" or name not in CHOICES)
            ):
                fields = ", ".join((*NAMES, *LINE))
                yield f"{table}.{name}: not a field of a touchpoint; fields are {fields}, properties.<name>"
    for name in sorted(set(mapping.columns) & set(mapping.constants)):
        yield f"{name}: mapped to a column and set to a constant; keep one of the two"
    for name in set(mapping.time_formats) - set(TIMES):
        yield f"time_format.{name}: only {' and '.join(TIMES)} are times"
    for pattern in sorted(set(mapping.time_formats.values()) - set(NUMBERED)):
        if (why := _not_a_pattern(pattern)) is not None:
            yield f"time_format: {pattern!r} {why}"
    yield from problems_of_choices(mapping.choices)
    yield from _problems_of_text(mapping)


def _problems_of_text(mapping: Mapping) -> Iterator[str]:
    if mapping.format is not None and mapping.format not in FORMATS:
        yield f"format: {mapping.format!r} is none of {', '.join(FORMATS)}"
    if mapping.delimiter is not None and not _is_delimiter(mapping.delimiter):
        yield f"delimiter: {mapping.delimiter!r} is neither one ASCII character nor one of {', '.join(DELIMITERS)}"
    if mapping.encoding is not None and not _is_encoding(mapping.encoding):
        yield f"encoding: {mapping.encoding!r} is none that is known; expected one such as windows-1252 or utf-16"
    if mapping.timezone is not None and not is_zone(mapping.timezone):
        yield f"timezone: {mapping.timezone!r} is no zone; expected one such as Asia/Jakarta or +07:00"
    if mapping.decimal not in (None, ".", ","):
        yield f"decimal: {mapping.decimal!r} is neither a point nor a comma"


def _not_a_pattern(pattern: str) -> str | None:
    if not any(year in pattern for year in ("%Y", "%y", "%G", "%c", "%x")):
        return f"has no year; expected a pattern such as %Y-%m-%d, or {', '.join(NUMBERED)}"
    try:
        datetime.strptime(datetime(2000, 1, 2, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007
    except ValueError as error:
        return f"is no strptime pattern: {error}"
    return None


def _is_encoding(name: str) -> bool:
    try:
        "text".encode(name)
    except (LookupError, UnicodeError):
        return False
    return True


def is_zone(name: str) -> bool:
    """Whether a text is a name of the IANA database, or an offset such as +07:00."""
    if re.fullmatch(r"[+-](?:[01]\d|2[0-3]):[0-5]\d", name):
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_delimiter(text: str) -> bool:
    return text in DELIMITERS or (len(text) == 1 and text.isascii() and text not in '"\r\n')


def add_mapping_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a file is read; ``mapping_from`` reads them back."""
    group = parser.add_argument_group("how the file is read")
    group.add_argument("--mapping", type=Path, metavar="FILE", help="a TOML file with columns, constants and formats")
    group.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", dest="map_columns",
                       help="which column holds a field, as in --map customer_id=user_id; may be repeated")  # fmt: skip
    group.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="set_constants",
                       help="a value for every row, as in --set kind=order_completed; may be repeated. "
                            f"Also settles what a file leaves open: {', '.join(CHOICES)}")  # fmt: skip
    group.add_argument("--format", choices=FORMATS, dest="input_format", help="by default seen from the file itself")
    group.add_argument("--delimiter", metavar="SIGN", help=f"one character, or one of {', '.join(DELIMITERS)}")
    group.add_argument("--no-header", action="store_true", help="the first line of a text is a row, not a header")
    group.add_argument("--names", metavar="A,B,…", help="column names of a text without a header; else 1, 2, …")
    group.add_argument("--time-format", metavar="PATTERN",
                       help=f'a strptime pattern ("%%d.%%m.%%Y %%H:%%M"), or {", ".join(NUMBERED)}')  # fmt: skip
    group.add_argument("--encoding", metavar="NAME", help="of a text that is not UTF-8, as in windows-1252")
    group.add_argument("--timezone", metavar="ZONE",
                       help="where times that name no zone are local, as in Asia/Jakarta; else UTC")  # fmt: skip
    group.add_argument("--decimal", choices=(".", ","), help="the decimal sign of amounts")
    group.add_argument("--keep-extra", action="store_true", help="keep columns that nobody asked for as properties")


def mapping_from(args: argparse.Namespace) -> Mapping:
    """The mapping that the arguments of ``add_mapping_arguments`` describe; single arguments win over the file.

    Raises ``MappingProblem`` with every problem found.
    """
    problems: list[str] = []
    base = read_mapping(args.mapping) if args.mapping is not None else Mapping()
    columns = _pairs("--map", "FIELD=COLUMN", args.map_columns, problems)
    constants = _pairs("--set", "FIELD=VALUE", args.set_constants, problems)
    formats = dict.fromkeys(TIMES, args.time_format) if args.time_format else {}
    mapping = replace(
        base,
        columns={name: text for name, text in base.columns.items() if name not in constants} | columns,
        constants={name: text for name, text in base.constants.items() if name not in columns} | constants,
        format=args.input_format or base.format,
        delimiter=args.delimiter or base.delimiter,
        header=base.header and not args.no_header and args.names is None,
        names=tuple(args.names.split(",")) if args.names else base.names,
        time_formats=base.time_formats | formats,
        timezone=args.timezone or base.timezone,
        encoding=args.encoding or base.encoding,
        decimal=args.decimal or base.decimal,
        keep_extra=base.keep_extra or args.keep_extra,
    )
    problems += list(_problems(mapping))
    if problems:
        raise MappingProblem(problems)
    return mapping


def _pairs(option: str, shape: str, texts: list[str], problems: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            problems.append(f"{option} {text}: expected {shape}")
        else:
            pairs[name.strip()] = value.strip()
    return pairs

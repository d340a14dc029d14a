"""Which column of a file means which field of a touchpoint: from arguments, from a TOML file, or both.

Light to import: nothing here touches pyarrow, so that the command line can offer these arguments at once.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from streams.imports.choices import CHOICES
from streams.imports.mapped import (
    COMPUTED,
    COUNTED,
    DELIMITERS,
    EXCEL,
    FORMATS,
    IDS,
    LINE,
    MONEY,
    NAMES,
    NUMBERED,
    SNAPSHOT,
    TIMES,
)
from streams.imports.mapped import Mapping as Mapping
from streams.imports.mapped import Rule as Rule
from streams.imports.mapped import property_of as property_of
from streams.imports.mapping_checks import is_zone as is_zone
from streams.imports.mapping_checks import problems_of
from streams.imports.mapping_file import read_mapping as read_mapping
from streams.imports.problems import MappingProblem

__all__ = [
    "COUNTED", "DELIMITERS", "EXCEL", "FORMATS", "IDS", "LINE", "MONEY", "NAMES", "NUMBERED", "TIMES",
    "Mapping", "Rule", "add_mapping_arguments", "is_zone", "mapping_from", "property_of", "read_mapping",
]  # fmt: skip


def add_mapping_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a file is read; ``mapping_from`` reads them back."""
    group = parser.add_argument_group("how the file is read")
    group.add_argument("--mapping", type=Path, metavar="FILE", help="a TOML file with columns, constants and formats")
    group.add_argument("--as", metavar="NAME", dest="as_name", nargs="?", const="",
                       help="a ready mapping, such as shopify, ga4 or segment; --as alone lists them")  # fmt: skip
    group.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", dest="map_columns",
                       help="which column holds a field, as in --map customer_id=user_id, or how it is computed, as in "
                            "--map 'amount==quantity * price'; may be repeated")  # fmt: skip
    group.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="set_constants",
                       help="a value for every row, as in --set kind=order_completed; may be repeated. "
                            f"Also settles what a file leaves open: {', '.join(CHOICES)}")  # fmt: skip
    group.add_argument("--nothing", metavar="A,B,…", help="words that stand for no value, as in NULL,N/A")
    group.add_argument("--skip", metavar="CONDITION",
                       help="""rows to be left out, as in 'status in ["failed", "voided"]'""")  # fmt: skip
    group.add_argument(
        "--sheet", metavar="NAME", help="of a workbook; by default the first; * reads all that have its columns"
    )
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
    if args.mapping is not None and args.as_name:
        raise MappingProblem([f"--as {args.as_name} is a mapping already: leave out --mapping {args.mapping}"])
    base = read_mapping(args.mapping) if args.mapping is not None else Mapping()
    if args.as_name:
        from streams.imports.known_formats import ready_mapping

        base = ready_mapping(args.as_name)
    mapped = _pairs("--map", "FIELD=COLUMN", args.map_columns, problems)
    snapshot = _of_snapshot(base, mapped)
    mapped = {name: text for name, text in mapped.items() if name not in snapshot}
    computed = {name: text.removeprefix(COMPUTED) for name, text in mapped.items() if text.startswith(COMPUTED)}
    columns = {name: text for name, text in mapped.items() if name not in computed}
    constants = _pairs("--set", "FIELD=VALUE", args.set_constants, problems)
    formats = dict.fromkeys(TIMES, args.time_format) if args.time_format else {}
    said = constants | columns | computed
    mapping = replace(
        base,
        columns={name: text for name, text in base.columns.items() if name not in said} | columns,
        constants={name: text for name, text in base.constants.items() if name not in said} | constants,
        computed={name: text for name, text in base.computed.items() if name not in said} | computed,
        snapshot=_instead(base.snapshot, snapshot),
        nothing=tuple(args.nothing.split(",")) if args.nothing else base.nothing,
        skip=args.skip or base.skip,
        sheet=args.sheet or base.sheet,
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
    problems += list(problems_of(mapping))
    if problems:
        raise MappingProblem(problems)
    return mapping


def _of_snapshot(base: Mapping, mapped: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """What ``--map`` says of a snapshot, whose columns are no fields of touchpoints."""
    found: dict[str, tuple[str, ...]] = {
        name: (text,) for name, text in mapped.items() if base.snapshot and name in SNAPSHOT
    }
    if (column := mapped.get("left")) is not None and "left" in found:
        from streams.imports.snapshot import left_by

        found["left"] = (column.removeprefix(COMPUTED) if column.startswith(COMPUTED) else left_by(column),)
    return found


def _instead(before: dict[str, tuple[str, ...]], said: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A snapshot's columns, those that were said in the place of the mapping's; one time since when is enough."""
    since = {"months", "years", "since"}
    gone = set(said) | (since if since & set(said) else set())
    return {name: columns for name, columns in before.items() if name not in gone} | said


def _pairs(option: str, shape: str, texts: list[str], problems: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            problems.append(f"{option} {text}: expected {shape}")
        else:
            pairs[name.strip()] = value.strip()
    return pairs

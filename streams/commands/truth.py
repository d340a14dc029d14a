"""``relasi truth``: how good the forecasts are on a log, held against what came."""

import argparse
import json
import math
import sys
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Final

from streams.commands.purchase_log import EPOCH, SettingsError, add_log_arguments, day, name_of, read_days
from streams.imports.problems import InputProblem, MappingProblem

if TYPE_CHECKING:
    from streams.fitting.truth import Truth

_FAILED, _WRONG_SETTINGS = 1, 2
HEADS: Final = {"r": "r", "rmse": "RMSE", "auc": "AUC", "brier": "Brier", "ece": "ECE", "lift": "lift"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_log_arguments(parser)
    parser.add_argument(
        "--until",
        type=day,
        metavar="DATE",
        help="the last day that the models see; by default half-way through the log",
    )
    parser.add_argument(
        "--end", type=day, metavar="DATE", help="the last day of the forecast; by default the last day in the log"
    )


def run(args: argparse.Namespace) -> int:
    """Print the table. 0: done; 1: the log does not support it; 2: wrong settings."""
    if not args.from_reports:
        return _run(args)
    from streams.commands.held import explained
    from streams.commands.terminal import Terminal

    return explained(Terminal(sys.stdout.write, sys.stderr.write, rich=False), lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from streams.fitting.estimate import CannotFitError
    from streams.fitting.purchases import NoPurchasesError
    from streams.fitting.truth import truth

    cut, end = (None if when is None else when.toordinal() - EPOCH for when in (args.until, args.end))
    try:
        table = truth(read_days(args, None, None, "truth"), args.unit, cut, end)
    except (SettingsError, MappingProblem) as problem:
        return _say(str(problem), _WRONG_SETTINGS)
    except InputProblem as problem:
        return _say(str(problem), _FAILED)
    except (NoPurchasesError, CannotFitError) as problem:
        return _say(f"{name_of(args)}: {problem}", _FAILED)
    sys.stdout.write(as_json(table) if args.format == "json" else as_text(table))
    return 0


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"relasi truth: {message}\n")
    return code


def _date(number: int) -> str:
    return str(date.fromordinal(number + EPOCH))


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def as_text(table: "Truth") -> str:
    """The table, one way to forecast a line."""
    lines = [
        f"{table.customers:,} customers known on {_date(table.cut)}, forecast to {_date(table.end)}; "
        f"{table.silent:.1%} of them bought nothing then",
        f"  {'':<24}" + "".join(f"{head:>8}" for head in HEADS.values()),
    ]
    for row in table.rows:
        figures = "".join(f"{_number(value):>8}" for value in asdict(row.metrics).values())
        lines.append(f"  {row.name:<24}{figures}" + (f"  {row.note}" if row.note else ""))
    lines.append("  r, RMSE: expected purchases; AUC, Brier, ECE: the risk of none; lift: buyers in the safest tenth")
    lines.append(f"  parameters: estimated from this data until {_date(table.cut)}, not those of a policy")
    if table.worth:
        lines.append(f"  {'what they spent':<24}{'r':>8}{'RMSE':>8}{'total':>8}")
    lines += [f"  {w.name:<24}{_number(w.r):>8}{w.rmse:>8,.1f}{w.total:>8.2f}" for w in table.worth]
    return "\n".join(lines) + "\n"


def as_json(table: "Truth") -> str:
    """One object on one line; null where there is nothing to compare."""
    rows = [
        {"forecast": row.name, "note": row.note}
        | {name: None if math.isnan(value) else value for name, value in asdict(row.metrics).items()}
        for row in table.rows
    ]
    answer = {
        "customers": table.customers,
        "silent": table.silent,
        "until": _date(table.cut),
        "end": _date(table.end),
        "parameters": f"estimated from this data until {_date(table.cut)}",
        "rows": rows,
        "worth": [asdict(way) | {"r": None if math.isnan(way.r) else way.r} for way in table.worth],
    }
    return json.dumps(answer) + "\n"

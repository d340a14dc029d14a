"""``relasi fit``: the churn model's parameters from a purchase log."""

import argparse
import json
import sys
import tempfile
import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from streams.imports.kinds import kind_of
from streams.imports.mapping import add_mapping_arguments, mapping_from
from streams.imports.problems import InputProblem, MappingProblem

if TYPE_CHECKING:
    from streams.fitting.estimate import Estimate
    from streams.fitting.histories import Histories

_EPOCH: Final = date(1970, 1, 1).toordinal()
_FAILED, _WRONG_SETTINGS = 1, 2


class _SettingsError(Exception):
    """The policy cannot say what a purchase is."""


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; expected one like 1997-09-30") from error


class _InputFormat:
    """Offers the importers' --format as --input-format: this command's --format is that of its answer."""

    def __init__(self, container: argparse._ActionsContainer) -> None:
        self._container = container

    def add_argument_group(self, title: str) -> "_InputFormat":
        return _InputFormat(self._container.add_argument_group(title))

    def add_argument(self, name: str, **settings: Any) -> None:
        self._container.add_argument("--input-format" if name == "--format" else name, **settings)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments, the importers' mapping included."""
    add_mapping_arguments(cast(argparse.ArgumentParser, _InputFormat(parser)))
    parser.add_argument(
        "file", metavar="FILE", help="a purchase log in any format that `relasi import` reads; - for standard input"
    )
    parser.add_argument("--model", choices=("mbgnbd", "bgnbd"), default="mbgnbd", help="by default mbgnbd")
    parser.add_argument("--unit", choices=("week", "day"), default="week", help="of alpha and of time; by default week")
    parser.add_argument(
        "--until",
        type=_day,
        metavar="DATE",
        help="the last day that counts, as in 1997-09-30; by default the last day in the log",
    )
    parser.add_argument(
        "--purchase-kind",
        action="append",
        metavar="KIND",
        help="kind of touchpoint that is a purchase; may be repeated; by default those of the policy written to, "
        "or of the policy that comes with Relasi",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the answer; by default text")
    parser.add_argument(
        "--write", type=Path, metavar="POLICY", help="store the parameters in this policy's [churn] table"
    )


def run(args: argparse.Namespace) -> int:
    """Fit, print, and store where asked. 0: done; 1: the log does not support a fit; 2: wrong settings."""
    from streams.fitting.estimate import CannotFitError, estimate
    from streams.fitting.histories import NoPurchasesError
    from streams.fitting.store import PolicyEditError

    try:
        seen = _read(args, _purchase_kinds(args))
        _warn_about_the_end(seen, args.until)
        fitted = estimate(args.model, seen)
        sys.stdout.write(_as_json(fitted) if args.format == "json" else _as_text(fitted, seen, args.unit))
        for warning in fitted.warnings:
            _say(warning)
        if args.write is not None:
            _store(args.write, fitted, args.unit)
    except (_SettingsError, MappingProblem, PolicyEditError) as problem:
        return _say(str(problem), _WRONG_SETTINGS)
    except InputProblem as problem:
        return _say(str(problem), _FAILED)
    except (NoPurchasesError, CannotFitError) as problem:
        return _say(f"{args.file}: {problem}", _FAILED)
    return _FAILED if fitted.degenerate and args.write is not None else 0


def _say(message: str, code: int = 0) -> int:
    sys.stderr.write(f"relasi fit: {message}\n")
    return code


def _purchase_kinds(args: argparse.Namespace) -> frozenset[str]:
    if args.purchase_kind:
        return frozenset(kind_of(kind) for kind in args.purchase_kind)
    policy = args.write or files("processors") / "policies" / "commerce.toml"
    try:
        kinds = tomllib.loads(policy.read_text(encoding="utf-8")).get("kinds", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _SettingsError(f"cannot read the policy {policy}: {error}") from error
    pairs = kinds.items() if isinstance(kinds, dict) else ()
    purchases = frozenset(kind for kind, means in pairs if isinstance(means, dict) and means.get("purchase") is True)
    if not purchases:
        raise _SettingsError(f"{policy} names no kind with purchase = true; add one, or give --purchase-kind")
    return purchases


def _read(args: argparse.Namespace, kinds: frozenset[str]) -> "Histories":
    from streams.fitting.histories import histories
    from streams.imports.prepare import prepare

    until = None if args.until is None else args.until.toordinal() - _EPOCH
    # Days are counted, not replayed, so the order of rows is of no interest here.
    with (
        tempfile.TemporaryDirectory(prefix="relasi-fit-") as workdir,
        prepare(args.file, mapping_from(args), as_arrived=True, workdir=Path(workdir)) as prepared,
    ):
        if first := next(iter(prepared.rejects), None):
            left_out = f"{len(prepared.rejects):,} row(s) left out"
            _say(f"{left_out}; the first is row {first.row}: {first.reason}, {first.detail}")
        return histories(prepared.batches(), kinds, args.unit, until)


def _warn_about_the_end(seen: "Histories", until: date | None) -> None:
    if until is not None and seen.end > seen.log_end:
        last = date.fromordinal(seen.log_end + _EPOCH)
        _say(f"the log ends on {last}; up to {until} nobody is taken to have bought anything")


def _parameters(fitted: "Estimate") -> dict[str, float]:
    """Eight digits: far more than any log determines, few enough to read."""
    values = {"r": fitted.r, "alpha": fitted.alpha, "a": fitted.a, "b": fitted.b}
    return {name: float(f"{value:.8g}") for name, value in values.items()}


def _as_json(fitted: "Estimate") -> str:
    answer = {
        "model": fitted.model,
        "params": _parameters(fitted),
        "log_likelihood": fitted.log_likelihood,
        "customers": fitted.customers,
    }
    return json.dumps(answer) + "\n"


def _as_text(fitted: "Estimate", seen: "Histories", unit: str) -> str:
    lines = [f"{fitted.model}, {fitted.customers:,} customers until {date.fromordinal(seen.end + _EPOCH)}, in {unit}s"]
    lines += [f"  {name:<6}{value:>14,.6g}" for name, value in _parameters(fitted).items()]
    lines.append(f"  log-likelihood {fitted.log_likelihood:,.2f}")
    return "\n".join(lines) + "\n"


def _store(path: Path, fitted: "Estimate", unit: str) -> None:
    from processors.policy import find_problems
    from streams.fitting.store import write_churn

    if fitted.degenerate:
        _say(f"{path} is left as it is: degenerate parameters are not stored")
        return
    write_churn(path, {"model": fitted.model, **_parameters(fitted), "unit": unit})
    # New parameters can turn a threshold that was fine into one that fires at once.
    for problem in find_problems(path.read_text(encoding="utf-8")):
        _say(f"{path}, line {problem.line}: {problem.message}")

"""``relasi fit``: the parameters of a model of purchases or of spend, from a purchase log or from the reports."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.commands.purchase_log import EPOCH, SettingsError, add_log_arguments, day, name_of, read_days
from streams.imports.problems import InputProblem, MappingProblem
from streams.texts import read_text

if TYPE_CHECKING:
    from streams.fitting.estimate import Estimate
    from streams.fitting.histories import Histories, Spending
    from streams.fitting.purchases import PurchaseDays
    from streams.fitting.segments import Segment
    from streams.fitting.silence import Ends, Rule

    Silence = tuple[Rule, Ends, Ends]

MODELS: Final = ("mbgnbd", "bgnbd", "paretonbd", "gammagamma")
_PRESETS: Final = "parameters of the preset, not yours: see `relasi fit`"
_FITTED: Final = r"estimated from your data, from [0-9,]+ customers until [0-9-]+"
_FAILED, _WRONG_SETTINGS = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_log_arguments(parser)
    parser.add_argument(
        "--model", choices=MODELS,
        help="one model alone; by default mbgnbd with its calibration of silence, and gammagamma",
    )  # fmt: skip
    parser.add_argument(
        "--until", type=day, metavar="DATE",
        help="the last day that counts, as in 1997-09-30; by default the last day in the log",
    )  # fmt: skip
    parser.add_argument(
        "--segment", choices=("channel", "campaign", "first_month"),
        help="also fit the customers apart by the channel, the campaign or the month of their first purchase",
    )  # fmt: skip
    parser.add_argument(
        "--write", type=Path, metavar="POLICY",
        help="store the parameters in this policy: in [churn] and [silence], those of gammagamma in [value]",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Fit, print, and store where asked. 0: done; 1: the log does not support a fit; 2: wrong settings."""
    if not args.from_reports:
        return _run(args)
    from streams.commands.held import explained
    from streams.commands.terminal import Terminal

    return explained(Terminal(sys.stdout.write, sys.stderr.write, rich=False), lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from streams.commands.fit_report import as_json, as_text
    from streams.fitting.estimate import CannotFitError
    from streams.fitting.histories import until_day
    from streams.fitting.purchases import NoPurchasesError
    from streams.fitting.segments import by_segment, fit
    from streams.fitting.store import PolicyEditError

    try:
        _check(args)
        until = None if args.until is None else args.until.toordinal() - EPOCH
        days = until_day(read_days(args, args.write, args.segment, "fit"), until)
        seen = _summary(args, days, until)
        _warn_about_the_end(seen.end, days.log_end, args.until)
        fitted = fit(args.model or "mbgnbd", seen)
        segments: list[Segment] | None = by_segment(days.segment, seen, fitted) if args.segment else None
        silence = _silence(args, fitted, days, until)
        spend = _spend(args, days, until)
        if args.format == "json":
            as_asked = as_json(fitted, segments, args, silence, spend)
        else:
            as_asked = as_text(fitted, segments, seen.end, args, silence, spend)
        _tell(as_asked, (*fitted.warnings, *(spend.warnings if spend else ())))
        if args.write is not None:
            for each in (fitted, spend):
                if each is not None:
                    _store(args, each, seen.end, silence)
    except (SettingsError, MappingProblem, PolicyEditError) as problem:
        return _say(str(problem), _WRONG_SETTINGS)
    except InputProblem as problem:
        return _say(str(problem), _FAILED)
    except (NoPurchasesError, CannotFitError) as problem:
        return _say(f"{name_of(args)}: {problem}{_kept(args.write)}", _FAILED)
    return 0


def _silence(args: argparse.Namespace, fitted: "Estimate", days: "PurchaseDays", until: int | None) -> "Silence | None":
    from streams.commands.fit_silence import learnt_silence, rule_of

    if fitted.model not in ("mbgnbd", "bgnbd"):
        return None
    return learnt_silence(rule_of(fitted, args.unit, args.write), days, until)


def _spend(args: argparse.Namespace, days: "PurchaseDays", until: int | None) -> "Estimate | None":
    """The model of spend beside that of purchases, where all were asked for and there is any spend."""
    from streams.fitting.estimate import CannotFitError
    from streams.fitting.histories import spending_of
    from streams.fitting.spend import estimate_spend

    if args.model is not None:
        return None
    try:
        return estimate_spend(spending_of(days, until))
    except CannotFitError as problem:
        _say(f"spend is left as it is: {problem}")
        return None


def _say(message: str, code: int = 0) -> int:
    sys.stderr.write(f"relasi fit: {message}\n")
    return code


def _tell(answer: str, warnings: tuple[str, ...]) -> None:
    sys.stdout.write(answer)
    for warning in warnings:
        _say(warning)


def _check(args: argparse.Namespace) -> None:
    if args.model == "paretonbd" and args.write is not None:
        raise SettingsError(
            "a policy's [churn] takes mbgnbd or bgnbd: under Pareto/NBD the end of a relationship has no closed form. "
            "Leave --write out, or fit one of those"
        )


def _summary(args: argparse.Namespace, days: "PurchaseDays", until: int | None) -> "Histories | Spending":
    from streams.fitting.histories import histories_of, spending_of

    return spending_of(days, until) if args.model == "gammagamma" else histories_of(days, args.unit, until)


def _warn_about_the_end(end: int, log_end: int, until: date | None) -> None:
    if until is not None and end > log_end:
        last = date.fromordinal(log_end + EPOCH)
        _say(f"the log ends on {last}; up to {until} nobody is taken to have bought anything")


def _kept(policy: Path | None) -> str:
    """Whose numbers stay in a policy into which nothing was written."""
    if policy is None:
        return ""
    from processors import toml
    from processors.policy.settings import setting

    whose = setting(toml.loads(read_text(policy)), "estimated", "purchases")
    return f". {policy} keeps its numbers: " + (f"estimated {whose}" if whose else "those of the preset, not yours")


def _truer(whose: str = "", expected: float = 0.0) -> dict[str, str]:
    """What comments say that is not true any more once fitted parameters stand there, as a pattern, and what is."""
    if whose:
        return {_PRESETS + "|" + _FITTED: f"estimated from your data, {whose}"}
    return {r"expected to be [0-9.,]*[0-9]": f"expected to be {expected:,.2f}"}


def _store(args: argparse.Namespace, fitted: "Estimate", end: int, silence: "Silence | None") -> None:
    from processors import toml
    from processors.policy.policy import find_problems
    from processors.policy.settings import NEWEST_VERSION, version_of
    from streams.commands.fit_report import of_a_newcomer, rounded
    from streams.commands.fit_silence import settings_of
    from streams.fitting.store import write_table

    path = args.write
    whose = f"from {fitted.customers:,} customers until {date.fromordinal(end + EPOCH)}"
    if fitted.model == "gammagamma":
        write_table(path, "value", {**rounded(fitted)}, _truer(expected=of_a_newcomer(fitted, args.unit)))
        write_table(path, "estimated", {"spend": whose})
    else:
        write_table(path, "churn", {"model": fitted.model, **rounded(fitted), "unit": args.unit}, _truer(whose=whose))
        write_table(path, "estimated", {"purchases": whose})
        if silence is not None and version_of(toml.loads(read_text(path))) >= NEWEST_VERSION:
            write_table(path, "silence", settings_of(silence[0]))
    # New parameters can turn a threshold that was fine into one that fires at once.
    for problem in find_problems(read_text(path)):
        _say(f"{path}, {problem.place}: {problem.message}")

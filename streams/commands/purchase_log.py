"""Where ``fit`` and ``truth`` read purchases: from a file in any format of ``import``, or from the reports."""

import argparse
import sys
import tempfile
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from processors import toml
from streams.clock import now_ms
from streams.imports.kinds import kind_of
from streams.imports.mapping import add_mapping_arguments, mapping_from
from streams.policies import preset_text
from streams.texts import read_text

if TYPE_CHECKING:
    from streams.fitting.purchases import Money, PurchaseDays

EPOCH: Final = date(1970, 1, 1).toordinal()


class SettingsError(Exception):
    """What was asked for cannot be done with these settings."""


def day(text: str) -> date:
    """A date on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; expected one like 1997-09-30") from error


class _InputFormat:
    """Offers the importers' --format as --input-format: these commands' --format is that of their answer."""

    def __init__(self, container: argparse._ActionsContainer) -> None:
        self._container = container

    def add_argument_group(self, title: str) -> "_InputFormat":
        return _InputFormat(self._container.add_argument_group(title))

    def add_argument(self, name: str, **settings: Any) -> None:
        self._container.add_argument("--input-format" if name == "--format" else name, **settings)


def add_log_arguments(parser: argparse.ArgumentParser, data: str = "relasi-data") -> None:
    """Declare where purchases come from and what a purchase is, the importers' mapping included."""
    add_mapping_arguments(cast(argparse.ArgumentParser, _InputFormat(parser)))
    parser.add_argument(
        "file", metavar="FILE", nargs="?",
        help="a purchase log in any format that `relasi import` reads; - for standard input",
    )  # fmt: skip
    parser.add_argument(
        "--from-reports", action="store_true", help="the purchases of a data directory instead of a file"
    )
    parser.add_argument("--data", type=Path, default=Path(data), metavar="DIR", help=f"data directory (default {data})")
    parser.add_argument(
        "--purchase-kind", action="append", metavar="KIND",
        help="kind of touchpoint that is a purchase; may be repeated; by default those of the policy written to, of "
        "the policy in force in the reports, or of the one that comes with Relasi",
    )  # fmt: skip
    parser.add_argument("--unit", choices=("week", "day"), default="week", help="of alpha and of time; by default week")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the answer; by default text")


def name_of(args: argparse.Namespace) -> str:
    """What messages call the source."""
    return str(args.data if args.from_reports else args.file)


def read_days(args: argparse.Namespace, policy: Path | None, segment: str | None, command: str) -> "PurchaseDays":
    """Read the purchases; ``policy`` says what one is, where the arguments don't.

    Raises ``SettingsError``, ``NoPurchasesError``, or what reading a file or the reports raises.
    """
    if (args.file is None) == (not args.from_reports):
        raise SettingsError("give either a FILE or --from-reports")
    text = _text_of(policy)
    days = _from_reports(args, text, segment) if args.from_reports else _from_file(args, text, segment, command)
    if days.returns:
        sys.stderr.write(
            f"relasi {command}: {days.returns:,} row(s) with a negative amount are returns, not purchases\n"
        )
    if days.unpriced:
        sys.stderr.write(
            f"relasi {command}: amounts in {', '.join(days.unpriced)} are left out of spend: the policy has no rate\n"
        )
    return days


def _text_of(policy: Path | None) -> tuple[str, str] | None:
    """(name, text) of the policy file."""
    if policy is None:
        return None
    try:
        return str(policy), read_text(policy)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the policy {policy}: {error}") from error


def _packaged() -> tuple[str, str]:
    return "commerce.toml", preset_text("commerce")


class _Meaning(NamedTuple):
    """What counts, by a policy and the arguments."""

    purchases: frozenset[str]
    back: frozenset[str]  # kinds that take back
    voids: frozenset[str]  # kinds that make their order none
    money: "Money"


def _meaning(args: argparse.Namespace, named: tuple[str, str]) -> _Meaning:
    from streams.fitting.purchases import Money

    name, text = named
    try:
        policy = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"cannot read the policy {name}: {error}") from error
    kinds, rates = (table if isinstance(table, dict) else {} for table in (policy.get("kinds"), policy.get("rates")))
    bought, back, voids = (
        frozenset(
            kind
            for kind, means in kinds.items()
            if isinstance(means, dict) and any(means.get(key) is True for key in keys)
        )
        for keys in (("purchase",), ("refund", "cancellation"), ("cancellation",))
    )
    purchases = frozenset(kind_of(kind) for kind in args.purchase_kind) if args.purchase_kind else bought
    if not purchases:
        raise SettingsError(f"{name} names no kind with purchase = true; add one, or give --purchase-kind")
    usable = {code: float(rate) for code, rate in rates.items() if isinstance(rate, int | float)}
    money = Money(str(policy.get("currency", "USD")), usable)
    return _Meaning(purchases, back - purchases, voids if policy.get("version", 1) != 1 else frozenset(), money)


def _from_file(
    args: argparse.Namespace, policy: tuple[str, str] | None, segment: str | None, command: str
) -> "PurchaseDays":
    means = _meaning(args, policy or _packaged())
    from streams.fitting.cancelled import without_cancelled
    from streams.fitting.purchases import purchase_days
    from streams.imports.prepare import prepare

    # Days are counted, not replayed, so the order of rows is of no interest here.
    with (
        tempfile.TemporaryDirectory(prefix="relasi-fit-") as workdir,
        prepare(
            args.file,
            mapping_from(args),
            as_arrived=True,
            workdir=Path(workdir),
            now=now_ms(),
            own_currency=means.money.currency,
        ) as prepared,
    ):
        if first := next(iter(prepared.rejects), None):
            left_out = f"{len(prepared.rejects):,} row(s) left out"
            reason = f"the first is row {first.row}: {first.reason}, {first.detail}"
            sys.stderr.write(f"relasi {command}: {left_out}; {reason}\n")
        batches = without_cancelled(prepared.batches, means.purchases, means.voids)
        return purchase_days(batches, means.purchases, means.money, segment, means.back)


def _from_reports(args: argparse.Namespace, policy: tuple[str, str] | None, segment: str | None) -> "PurchaseDays":
    from streams.commands.asking import Reports
    from streams.fitting.purchases import DAY_MS, purchase_days
    from streams.fitting.reported import LAST, POLICY, batches_of, purchases_sql

    with Reports(args.data, "relasi fit") as reports:
        if policy is None and not args.purchase_kind:
            found = reports.ask(POLICY).column("text").to_pylist()
            policy = ("the policy in force", str(found[0])) if found else None
        means = _meaning(args, policy or _packaged())
        last = reports.ask(LAST).column("last_ms").to_pylist()[0]
        rows = reports.ask(purchases_sql(means.purchases | means.back))
    days = purchase_days(batches_of(rows), means.purchases, means.money, segment, means.back)
    return replace(days, log_end=int(last) // DAY_MS)

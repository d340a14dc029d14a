"""What an import says when it is done, in both shells: what was understood, and what may not be what it seems."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from streams.commands.terminal import Terminal

if TYPE_CHECKING:
    from streams.imports.prepare import Prepared
    from streams.imports.survey import Survey

_EXAMPLES: Final = 3
_FIRST: Final = 10


def tell_reading(terminal: Terminal, prepared: "Prepared") -> None:
    """How the file was read: its order, and what of it nobody asked for."""
    if prepared.encoding:
        name = {"cp1252": "windows-1252"}.get(prepared.encoding, prepared.encoding)
        terminal.say(f"  read as {name}: it is not UTF-8 (--encoding says it if that is wrong)")
    if prepared.snapshot_day:
        terminal.say(
            f"  a snapshot of customers, of {prepared.snapshot_day}: these touchpoints are what it implies, "
            "and no events that were seen (--set snapshot_at=DATE says another day)"
        )
    if prepared.unread:
        terminal.note(
            f"  warning: {len(prepared.unread)} further sheets have the same columns and were not read: "
            f"{', '.join(prepared.unread)} (--sheet '*' reads all of them, --sheet NAME another one)"
        )
    if prepared.was_sorted:
        terminal.say("  sorted by occurred_at first (--as-arrived keeps the file's order)")
    if prepared.skipped:
        terminal.say(
            f"  {prepared.skipped:,} rows were left out, as the mapping says (the first: line {prepared.first_skipped})"
        )
    told = prepared.grouping
    if told.lines or told.again or told.updates:
        terminal.say(
            f"  {told.lines:,} rows are further lines of an order, {told.again:,} tell one once more, "
            f"{told.updates:,} say that it has grown"
        )
    if told.totals:
        terminal.say("  every row of an order has the amount of the whole order, which was counted once")
    elif told.alike:
        terminal.note(
            "  warning: all rows of an order have the same amount, and were added up: if each has that of the whole "
            "order, say --set order_amount=total; --set order_amount=lines says that this is right"
        )
    for warning in prepared.statuses:
        terminal.note(f"  warning: {warning}")
    if prepared.ignored:
        terminal.say(f"  columns that nobody asked for: {', '.join(prepared.ignored)} (--keep-extra keeps them)")


def tell_rejects(terminal: Terminal, prepared: "Prepared", count: int) -> None:
    """How many rows were none, why, and in which lines."""
    from streams.imports.verdict import rejected

    if not count:
        return
    terminal.say(f"  {count:,} bad rows became rejects; the first of them:")
    for reject in islice(iter(prepared.rejects), _EXAMPLES):
        terminal.say(f"    line {reject.row}: {reject.reason}: {reject.detail}")
    if count > _EXAMPLES:
        for line in rejected(prepared.rejects):
            terminal.say(f"    {line}")


def tell_understood(terminal: Terminal, survey: "Survey") -> None:
    """What came in, as the policy understands it."""
    from streams.imports.verdict import understood, warnings

    for line in understood(survey):
        terminal.say(f"  {line}")
    for line in warnings(survey):
        terminal.note(f"  warning: {line}")


def tell_currency(terminal: Terminal, prepared: "Prepared", currency: str) -> None:
    """Warn of amounts that are in the currency of a policy which nobody chose."""
    if prepared.without_currency:
        terminal.note(
            f"  warning: {prepared.without_currency:,} rows have amounts without a currency, and count as {currency}: "
            "name the column with --map currency=COLUMN, or say it for all rows, as in "
            "--set currency=EUR"
        )


def tell_unusable(terminal: Terminal, title: str, prepared: "Prepared") -> None:
    """Say why nothing of a file could be used, as far as its rejects tell."""
    from streams.imports.causes import causes_of

    for cause in causes_of(prepared.rejects) or ["the policy refuses every row: see the view rejects, and its rates"]:
        terminal.note(f"relasi: nothing of {title} could be used: {cause}")


def tell_first(terminal: Terminal, batches: Iterable[Any]) -> None:
    """The first ten touchpoints as they would be, one a line, without what they don't have."""
    from streams.imports.samples import sample

    rows = [row for batch in islice(batches, 1) for row in batch.slice(0, _FIRST).to_pylist()]
    terminal.say(f"  the first {len(rows)} touchpoints:")
    for row in rows:
        terminal.say(f"    {sample(row)}")

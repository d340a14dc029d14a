"""How instants, money and evidence read, in lines of at most 100 columns where no id is longer than that."""

import textwrap
from collections.abc import Mapping
from typing import Any, Final

from processors.policy.policy import exponent
from streams.reports.format import one_line

WIDTH: Final = 100
_LABEL: Final = 16


def day(at: str | None) -> str:
    """An instant of the document, to the minute."""
    return "never" if at is None else f"{at[:10]} {at[11:16]} UTC"


def money(minor: float, currency: str) -> str:
    """An amount in minor units as one of whole units, with its currency."""
    decimals = exponent(currency)
    return f"{minor / 10**decimals:,.{decimals}f} {currency}"


def percent(share: float | None) -> str:
    """A chance; None where there is none before a first purchase."""
    return "unknown before a first purchase" if share is None else f"{share:.1%}"


def number(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 purchase, 2 purchases."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def touchpoint(evidence: Mapping[str, Any] | None) -> str:
    """What a judgement rests on: a touchpoint, or an instant alone; empty where there is neither."""
    if evidence is None:
        return ""
    when = "" if evidence["at"] is None else day(evidence["at"])
    if evidence["event_id"] is not None:
        return f"{one_line(evidence['kind'])} {one_line(evidence['event_id'])}, {when}"
    if evidence["event_hash"] is not None:
        return f"an event that the history does not hold, {when}"
    return when


def end_evidence(reason: str, evidence: Mapping[str, Any] | None) -> str:
    """What the reason of an end rests on; some rest on an instant, or on what there is not."""
    if evidence is not None and evidence["event_hash"] is not None:
        return touchpoint(evidence)
    if reason == "neglect":
        contact = touchpoint(evidence)
        return f"last contact by the firm {contact}" if contact else "no contact by the firm before it"
    if reason == "life_stage":
        return f"last bought in a category that ends by itself {touchpoint(evidence)}"
    return "nothing that would explain it"


def wrapped(head: str, text: str) -> list[str]:
    """``head`` and the text after it, whose further lines begin where its first does."""
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [head.rstrip()]


def entry(label: str, text: str) -> list[str]:
    """A line of a section: what it tells of, and what it tells."""
    return wrapped(f"  {label:<{_LABEL}}", text)

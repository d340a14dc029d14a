"""What an import says in the end: what was understood, what means nothing, and what may not be what it seems."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from processors.policy.policy import exponent
from streams.imports.nearest import nearest_kinds
from streams.imports.problems import ImportReject
from streams.imports.survey import UNTOLD, Survey

COUNT_WITHOUT_AMOUNT: Final = "--set purchase_without_amount=count"
_REMEDIES: Final = {
    "period": """A number and a unit are understood, as in 12 months: --map 'properties.period==COLUMN + "months"'""",
    "ends_at": "A date after that of the row is understood, as in 2025-12-31 or 31.12.2025",
}
_SHOWN: Final = 6
_LINES: Final = 5


def understood(survey: Survey) -> list[str]:
    """Lines of text: who, when, how much, by which ways."""
    if not survey.rows:
        return []
    return [
        _entry("customers", f"{survey.customers:,}"),
        _entry("dates", f"{day_of(survey.first_at)} to {day_of(survey.last_at)} (UTC)"),
        _entry("purchases", _with_money(survey.purchases, {c: m.brought for c, m in survey.money.items()}, "in")),
        _entry("refunds", _with_money(survey.refunds, {c: m.back for c, m in survey.money.items()}, "back")),
        _entry("currency", _counted(survey.currencies)),
        _entry("channels", _counted(survey.channels)),
        _entry("kinds", _counted(survey.kinds)),
    ]


def warnings(survey: Survey) -> list[str]:
    """Lines of text about what came in and counts nothing, or may not be what it seems."""
    found = []
    for kind, count in survey.unnamed.most_common(_SHOWN):
        near = nearest_kinds(kind, survey.policy.kinds)
        meant = f"; the nearest that it names: {', '.join(near)}" if near else ""
        found.append(f"the policy {survey.policy.name} does not name the kind {kind} ({count:,} rows){meant}")
    if len(survey.unnamed) > _SHOWN:
        found.append(f"nor {len(survey.unnamed) - _SHOWN:,} other kinds; the view unmapped_kinds lists all")
    if survey.unnamed:
        found.append(
            "rows of such kinds are kept and mean nothing: say what they are with --set kind=KIND, with [kinds] in a "
            "mapping, or name them in the policy"
        )
    if survey.without_amount:
        found.append(
            f"{survey.without_amount:,} purchases have no amount, and count as none: name the column with --map "
            f"amount=COLUMN, or count them all the same with {COUNT_WITHOUT_AMOUNT} (policy: minimum_amount = 0)"
        )
    for code, count in survey.without_rate.most_common():
        found.append(f"the policy has no rate for {code}: {count:,} rows are refused until it has one ([rates])")
    for reason, count in survey.refused.most_common():
        lines = survey.refused_lines[reason]
        shown = ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
        found.append(f"refused by the policy: {reason}, {count:,} rows (lines {shown} of the file)")
    for name, texts in survey.unread.items():
        found.append(
            f"{name} of {texts.total():,} rows says nothing of how long a contract or subscription binds "
            f"({_counted(texts, shown=_SHOWN, quoted=True)}): the policy's own time counts. {_REMEDIES[name]}"
        )
    if survey.no_ids:
        found.append(
            f"ids of customers that look like none: {_counted(survey.no_ids, shown=_SHOWN, quoted=True)}; "
            "--set no_id=nothing takes them for nobody"
        )
    return found


def rejected(rejects: Iterable[ImportReject]) -> list[str]:
    """A line of text for each reason, the most frequent first, with the lines of the file."""
    counts: Counter[str] = Counter()
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for reject in rejects:
        counts[reject.reason] += 1
        if len(lines[reject.reason]) < _LINES:
            lines[reject.reason].append(reject.row)
    return [
        f"{reason}: {count:,} rows (lines {', '.join(map(str, lines[reason]))}{', …' if count > _LINES else ''})"
        for reason, count in counts.most_common()
    ]


def amount_of(minor: int, currency: str) -> str:
    """An amount as people read it: ``1,234.50 EUR``."""
    places = exponent(currency)
    return f"{minor / 10**places:,.{places}f} {currency}"


def day_of(at: int) -> str:
    """The day of an instant (ms), UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _entry(name: str, text: str) -> str:
    return f"{name:<10} {text}"


def _with_money(count: int, minor: Mapping[str, int], way: str) -> str:
    money = " and ".join(amount_of(value, code) for code, value in sorted(minor.items()) if value)
    if not count:
        return "none"
    return f"{count:,}, money {way}: {money or 'none told'}"


def _counted(counts: Counter[str], shown: int = _SHOWN, *, quoted: bool = False) -> str:
    if set(counts) <= {UNTOLD}:
        return "none told"
    names = [
        f"{repr(name) if quoted else name or 'none told'} ({count:,})" for name, count in counts.most_common(shown)
    ]
    more = len(counts) - shown
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")

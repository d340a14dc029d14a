"""A table of contracts, memberships or policies without events, told by its columns: what a guess says of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow.compute as pc

from streams.imports.guessed_columns import Found
from streams.imports.guessed_contents import share_of_times
from streams.imports.guessed_names import stripped
from streams.imports.guessed_values import quoted
from streams.imports.name_patterns import BEGIN, END, FEE, TERM
from streams.imports.snapshot import left_by
from streams.imports.statuses import says_status

_ENDED: Final = re.compile(
    r"cancel|terminat|churn|inactive|closed|expired|lapsed|ended|left|gek[uü]ndigt|beendet|inaktiv|abgelaufen|ausgetreten"
    r"|r[eé]sili|termin[eé]|expir|inactif|baja|cancelad|inactiv|vencid|disdett|cessat|scadut|inattiv|opgezegd"
    r"|be[eë]indigd|verlopen|wypowiedzian|zako[nń]czon|uppsagd|avslutad|encerrad|解約|退会",
    re.IGNORECASE,
)
_NOTICE: Final = re.compile(
    r"cancel|terminat|churn|kuend|gekuend|resili|baja|disdett|opzeg|uppsagd|left|exit|leave|lapse|austritt"
)
_FLAG: Final = re.compile(r"^(?:is|has)?(?:churn(?:ed|flag)?|exited|attrition|gekuendigt|cancelled|canceled)$")
_MONTHS: Final = r"^\d+\s+(?i:mon\p{L}*|mths?|mois|mes\p{L}*|mies\p{L}*|m\p{L}nad\p{L}*|maand\p{L}*)\.?$"
_YEARS: Final = r"^\d+\s+(?i:jahre?n?|years?|yrs?|ann?s?|ann[oi]|a\p{L}os?|jaar|jaren|lat\p{L}?|rok|\p{L}r)\.?$"
_UNITS: Final = ((r"^\d+$", "months", False), (_MONTHS, "months", True), (_YEARS, "years", True))
_MOST_WORDS: Final = 20


@dataclass(frozen=True)
class Contracts:
    """Columns: since when each binds, until when, what it costs again and again, its term; ``left``: a condition."""

    since: str
    until: tuple[str, ...]
    fee: str | None
    period: str | None
    left: str | None
    of: tuple[str, ...]
    """All columns that are read."""

    def lines(self) -> Iterator[str]:
        """The table ``[snapshot]`` of a mapping."""
        yield "[snapshot]"
        for key in ("since", "until", "fee", "left"):
            told = getattr(self, key)
            if isinstance(told, tuple) and len(told) > 1:
                yield f"{key} = [{', '.join(map(quoted, told))}]"
            elif told:
                yield f"{key} = {quoted(told if isinstance(told, str) else told[0])}"


def contracts_in(columns: dict[str, Any], found: list[Found]) -> Contracts | None:
    """What columns of texts say of contracts; None: they are of something else, such as orders (``found``)."""
    names = stripped(columns)

    def first(concept: re.Pattern[str]) -> str | None:
        return next(
            (column for column, name in names.items() if concept.fullmatch(name) and _said(columns[column])), None
        )

    since, fee, term = first(BEGIN), first(FEE), first(TERM)
    ends = [column for column, name in names.items() if END.fullmatch(name)]
    until = tuple(column for column in ends if share_of_times(columns[column].drop_null()) > 0)
    # Notice ends a contract before its term does.
    until = tuple(sorted(until, key=lambda column: _NOTICE.search(names[column]) is None))
    told = {one.field: one.column for one in found}
    status, left = _left(columns)
    if since is None or share_of_times(columns[since].drop_null()) == 0 or not (until or fee or term or left):
        return None
    if told.get("amount", fee) != fee or "customer_id" not in told or "price" in told:
        return None
    period = _period(term, columns[term]) if term is not None else None
    read = (since, *until, fee, term if period else None, status)
    return Contracts(since, until, fee, period, left, tuple(name for name in read if name is not None))


def _left(columns: dict[str, Any]) -> tuple[str | None, str | None]:
    """(the column that says that a contract ended, the condition of it)."""
    for column, name in stripped(columns).items():
        words = columns[column].drop_null().unique().to_pylist()
        if _FLAG.match(name) and 0 < len(words) <= 2:
            return column, left_by(column)
        ended = [word.lower() for word in words if _ENDED.search(word)] if says_status(column) else []
        if ended and len(words) <= _MOST_WORDS:
            return column, f"lower(`{column}`) in [{', '.join(map(quoted, dict.fromkeys(ended)))}]"
    return None, None


def _period(column: str, values: Any) -> str | None:
    """How the term is said in words that are understood: the column itself, or an expression over it."""
    some = values.drop_null()
    for pattern, unit, split in _UNITS:
        if pc.all(pc.match_substring_regex(some, pattern)).as_py():
            number = f'split(`{column}`, " ", 0)' if split else f"text(`{column}`)"
            return f'={number} + "{unit}"'
    return None


def _said(column: Any) -> bool:
    return bool(column.null_count < len(column))

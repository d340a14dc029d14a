"""A first mapping for a file, from the names of its columns and from what stands in them; what is doubtful is said."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import text_of
from streams.imports.currencies import CODES
from streams.imports.files import receive
from streams.imports.guessed_columns import Found, columns_found
from streams.imports.guessed_contents import MOST_KINDS
from streams.imports.guessed_contracts import Contracts, contracts_in
from streams.imports.guessed_names import known_columns, stripped
from streams.imports.guessed_orders import given_back, lines_before, refunds_beside, repeats_total
from streams.imports.guessed_times import times_told
from streams.imports.guessed_values import kinds_told, quoted, scores_told, signs_told
from streams.imports.joined import column_of
from streams.imports.leaves import opened_up
from streams.imports.mapping import Mapping
from streams.imports.reading import opened
from streams.imports.statuses import (
    expression,
    may_say_none,
    no_purchases,
    says_sign,
    says_status,
    says_type,
    taken_back,
)
from streams.imports.suggesting import best_fitting, looks_like_a_row

_SAMPLE: Final = 2_000
_CODE: Final = re.compile(r"(?:[(\[](?P<held>[A-Za-z]{3})[)\]]|[a-z][ _](?P<last>[A-Z]{3}))\s*$")
_MONTH: Final = re.compile(
    r"(?i:jan|feb|f[eé]v|mar|mär|mrz|apr|avr|abr|mai|may|maj|jun|jui|jul|aug|ao[uû]|ago|sep|set|oct|okt|ott|nov|dec|dez|d[eé]c|dic|gen|ene|lug|giu)"
    r"[^\W\d]*\.?[ _/-]?\d{2,4}|\d{4}[-_/](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-_/.]\d{4}"
)
_FEW_MONTHS: Final = 3
_OF_ALL_ORDERS: Final = re.compile(
    r"^(?:first|last|latest|erste|letzte|premiere|derniere|prima|ultima|primer|ultimo)\w*(?:order|purchase|kauf|bestell|achat|commande|compra|pedido|acquisto|ordine)"
    r"|^(?:total|number|anzahl|nombre|numero|nr)?(?:orders|orderscount|orderscount|bestellungen|commandes|pedidos|ordini)(?:count|total)?$"
    r"|^(?:lifetimevalue|ltv|clv|totalspent|totalspend|amountspent|lifetimespend)$"
)
_SURVEY: Final = re.compile(r"^nps|survey|respon(?:se|dent)|recommend|umfrage|enquete|encuesta|sondaggio|enkat")
_TICKET: Final = re.compile(
    r"(?:support)?(?:ticket|issue|conversation|case|incident|anfrage|vorgang)(?:id|key|no|nr|number|nummer)?$"
)
_ABOUT: Final = {
    "product_reviewed": re.compile(r"^(?:product)?review|bewertungs?(?:text|id)$"),
    "support_ticket_opened": _TICKET,
    "return_requested": re.compile(
        r"^(?:rma|return|retouren?|retour)(?:id|no|nr|number|nummer|date|reason|datum|grund)$"
    ),
}
_FEW_WORDS: Final = 5
_WORDS: Final = ("NULL", "N/A", "n/a", "NA", "nan", "NaN", "None", "undefined", "-", "\u2013", "\u2014", "--", "#N/A")


def guessed(source: Path | str | BinaryIO, mapping: Mapping, workdir: Path, known: frozenset[str]) -> str:
    """The text of a mapping (TOML) for a file. ``known``: the kinds that the policy names. Raises ``InputProblem``."""
    workdir.mkdir(parents=True, exist_ok=True)
    given = receive(source, workdir, mapping, None)
    reader = opened(given, mapping, workdir, frozenset(), known_columns())
    try:
        block = next(iter(reader.blocks(None)), None)
    finally:
        reader.close()
    columns = {} if block is None else opened_up({name: _sample(of) for name, of in block.columns.items()})
    lines = [
        f"# A first mapping for {given.name}, guessed from its columns and their first values: check each",
        "# line, and try it with `relasi import --dry-run --mapping THIS FILE`.",
        "",
        f'format = "{given.format}"',
    ]
    lines += [f'encoding = "{given.encoding}"'] if given.encoding else []
    return "\n".join([*lines, *_body(columns, known)]) + "\n"


def _sample(column: Any) -> Any:
    return text_of(column.slice(0, _SAMPLE))[0]


def _body(columns: dict[str, Any], known: frozenset[str]) -> Iterator[str]:
    nothing = sorted({word for column in columns.values() for word in _WORDS if _has(column, word)})
    if nothing:
        yield f"nothing = [{', '.join(map(quoted, nothing))}]       # words that stand for no value"
    if looks_like_a_row(tuple(columns)):
        yield "# header = false   # the first line looks like a row: without a header the columns are called by names:"
        yield f"# names = [{', '.join(quoted(f'column {n + 1}') for n in range(len(columns)))}]"
    fitting = best_fitting(tuple(columns))
    if fitting:
        yield f"# It has columns of the format {fitting}: try `relasi import --as {fitting}` first."
    found = list(columns_found(columns, known))
    contracts = contracts_in(columns, found)
    if contracts is not None:
        yield from _of_contracts(columns, found, contracts)
    else:
        yield from _of_events(columns, found, known)


def _of_contracts(columns: dict[str, Any], found: list[Found], contracts: Contracts) -> Iterator[str]:
    """A table of what binds customers, each row of which becomes what it implies."""
    yield 'policy = "telecom"   # has the kinds contract_signed, bill_paid and contract_terminated'
    yield "# Each row looks like a contract and not like an event: it began, was paid last today, and may have ended."
    yield "# If the table is of another day: --set snapshot_at=2026-01-31"
    yield from times_told(columns[contracts.since])
    yield ""
    yield "[columns]"
    kept = [one for one in found if one.field in ("customer_id", "currency") and one.column not in contracts.of]
    yield from map(_column, kept)
    if contracts.period is not None:
        yield f'"properties.period" = {_literal(contracts.period)}'
    yield from _left(columns, [*contracts.of, *(name for one in kept for name in one.read)])
    yield ""
    yield from contracts.lines()
    if contracts.fee is not None and not any(one.field == "currency" for one in kept):
        yield ""
        yield "[constants]"
        yield _currency([Found("amount", contracts.fee)])


def _of_events(columns: dict[str, Any], found: list[Found], known: frozenset[str]) -> Iterator[str]:
    kind = next((one.column for one in found if one.field == "kind"), None)
    orders = bool({one.field for one in found} & {"amount", "amount_minor", "price", "order_id"})
    back = given_back(columns, found) if kind is None and any(one.field == "amount" for one in found) else None
    skipping = list(_none_of(columns, kind, refunds=back is None)) if orders else []
    if skipping:
        yield f"skip = {_literal(' or '.join(text for _, text in skipping))}   # a guess: rows that were no purchases"
    yield from lines_before(columns, found, [name for name, _ in skipping])
    times = [one for one in found if one.field == "occurred_at"]
    if times and "UTC" not in times[0].column:
        yield from times_told(column_of(columns, times[0].column))
    yield ""
    yield "[columns]"
    yield from (_column(one) for one in found if back is None or one.field != "amount")
    fields = {one.field for one in found}
    for field in ("customer_id", "occurred_at"):
        if field not in fields and not (field == "customer_id" and "anonymous_id" in fields):
            yield f'# {field} = ""   # no column looks like it, and a touchpoint needs one'
    read = [*(name for one in found for name in one.read), *([back] if back else [])]
    yield from _left(columns, read)
    yield from _types_left(columns, [*read, *(name for name, _ in skipping)]) if orders and kind is None else ()
    # A touchpoint says itself what it is.
    yield from _said(fields | ({"kind"} if back else set()), columns, found, known)
    if back is not None:
        yield from refunds_beside(back, found)


def _column(one: Found) -> str:
    return f"{_key(one.field)} = {quoted(one.column)}{'   # ' + one.doubt if one.doubt else ''}"


def _left(columns: dict[str, Any], read: list[str]) -> Iterator[str]:
    left = [name for name in columns if name not in read]
    if left:
        yield f"# nothing is made of: {', '.join(left)}"
    months = [name for name in left if _MONTH.fullmatch(name)]
    if len(months) >= _FEW_MONTHS:
        yield f"# {months[0]} … {months[-1]} are columns of months: make a row of each (customer, month, amount) first"


def _types_left(columns: dict[str, Any], read: list[str]) -> Iterator[str]:
    """Columns that say of which type each row is in words that nobody knows, such as SI, SC and SR."""
    for name, column in columns.items():
        words = column.drop_null().unique().to_pylist()
        if name not in read and says_type(name) and 1 < len(words) <= MOST_KINDS:
            listed = ", ".join(map(repr, words[:_FEW_WORDS]))
            yield f"# {name} says {listed}: is each of these an order? a column kind, or a skip, tells them apart"


def _none_of(columns: dict[str, Any], kind: str | None, *, refunds: bool) -> Iterator[tuple[str, str]]:
    """(column, condition) of those that say of rows that they were no purchases; ``kind``: the one that says what
    happened, if one does. ``refunds``: whether an order that was given back is one of them."""
    for name, column in columns.items():
        words = column.drop_null().unique().to_pylist()
        few = may_say_none(name) and name != kind and len(words) <= MOST_KINDS
        none = no_purchases(words, name) if few else []
        none = none if refunds else [word for word in none if not taken_back(word)]
        if none:
            yield name, expression(name, none)


def _said(fields: set[str], columns: dict[str, Any], found: list[Found], known: frozenset[str]) -> Iterator[str]:
    money = bool(fields & {"amount", "amount_minor", "price"})
    total = repeats_total(columns, found)
    if "kind" not in fields or (money and "currency" not in fields) or total:
        yield ""
        yield "[constants]"
        if total:
            yield 'order_amount = "total"   # a guess: every row of an order has the amount of all of it'
        if "kind" not in fields:
            yield _every(fields, columns, money=money)
        if money and "currency" not in fields:
            yield _currency(found)
    for one in found:
        if one.field == "kind":
            yield ""
            yield "[kinds]"
            if says_sign(one.column):
                yield from signs_told(columns[one.column])
                continue
            yield from kinds_told(
                columns[one.column], known, states=says_status(one.column), money=money, articles="sku" in fields
            )
        if one.field == "satisfaction" and not one.of:
            yield from scores_told(columns[one.column])


def _currency(found: list[Found]) -> str:
    """That of all rows, where an amount's column names it (``Total (EUR)``)."""
    for one in found:
        told = _CODE.search(one.read[-1]) if one.field in ("amount", "price") else None
        code = (told["held"] or told["last"]).upper() if told else ""
        if code in CODES:
            return f'currency = "{code}"   # as {one.read[-1]} says'
    return '# currency = "EUR"   # no column tells the currency of the amounts: say it'


def _every(fields: set[str], columns: dict[str, Any], *, money: bool) -> str:
    """What every row is, where no column tells."""
    names = stripped(columns).values()
    sums = [name for name in names if _OF_ALL_ORDERS.search(name)]
    if len(sums) > 1 or any(name.startswith("lifetime") for name in names):
        return (
            '# kind = ""   # each row seems to be a customer with sums over all orders, and no event: import the orders'
        )
    # What names an order without its amount is rather about the order than one.
    about = None if money else next((kind for kind, named in _ABOUT.items() if any(map(named.search, names))), None)
    if about is not None and (about != "product_reviewed" or "satisfaction" in fields):
        return f'kind = "{about}"   # no column tells what happened: is every row one?'
    if money or "order_id" in fields:
        return 'kind = "order_completed"   # no column tells what happened: is every row an order?'
    if any(_TICKET.match(name) for name in names):
        return 'kind = "support_ticket_opened"   # no column tells what happened: is every row a ticket?'
    if "satisfaction" in fields and any(_SURVEY.search(name) for name in names):
        return 'kind = "survey_answered"   # no column tells what happened: is every row an answer?'
    if "satisfaction" in fields:
        return 'kind = "product_reviewed"   # no column tells what happened: is every row a review?'
    return '# kind = "account_created"   # no column tells what happened, and nothing looks like an order: say it'


def _has(column: Any, word: str) -> bool:
    return bool(pc.any(pc.equal(column, pa.scalar(word))).as_py())


def _key(field: str) -> str:
    return f'"{field}"' if "." in field else field


def _literal(text: str) -> str:
    return f"'{text}'" if "'" not in text else quoted(text)

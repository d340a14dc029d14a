"""Orders of several rows, as a guess sees them: what only the first row of one says, and what each row repeats."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from streams.imports.guessed_columns import Found, column_like
from streams.imports.guessed_contents import number_of
from streams.imports.guessed_names import stripped
from streams.imports.guessed_values import quoted
from streams.imports.name_patterns import REFUNDED
from streams.imports.nobodies import are_sums
from streams.imports.statuses import are_yes_or_no

_FILLED: Final = ("customer_id", "occurred_at", "currency")
_APART: Final = 0.02


def lines_before(columns: dict[str, Any], found: list[Found], states: list[str]) -> Iterator[str]:
    """What a mapping says at its top of orders of several rows; ``states``: columns by which rows are left out."""
    order = next((one.column for one in found if one.field == "order_id"), None)
    if order is None:
        return
    ids = columns[order].to_pylist()
    sums = np.any([are_sums(column.fill_null("")) for column in columns.values()], axis=0)
    below = [i for i in range(1, len(ids)) if ids[i] is not None and ids[i] == ids[i - 1] and not sums[i]]
    read = [name for one in found if one.field in _FILLED for name in one.read]
    read += states
    empty = [name for name in dict.fromkeys(read) if _only_first_says(columns[name], below)]
    if empty:
        listed = ", ".join(map(quoted, empty))
        yield f"fill = {{ by = {quoted(order)}, columns = [{listed}] }}   # only the first row of an order says these"


def given_back(columns: dict[str, Any], found: list[Found]) -> str | None:
    """The column that says in an order's row what was given back of it, where some was."""
    read = {name for one in found for name in one.read}
    for column, name in stripped(columns).items():
        if column in read or not REFUNDED.search(name):
            continue
        texts = columns[column].drop_null().to_pylist()
        if any(map(number_of, texts)) and not are_yes_or_no(texts):
            return column
    return None


def refunds_beside(column: str, found: list[Found]) -> Iterator[str]:
    """The touchpoints of rows that tell of a purchase and of what was given back of it."""
    amount = next(one for one in found if one.field == "amount")
    yield ""
    yield "[[touchpoints]]"
    yield 'kind = "order_completed"   # no column tells what happened: is every row an order?'
    yield f"amount = {quoted(amount.column)}{'   # ' + amount.doubt if amount.doubt else ''}"
    yield ""
    yield "[[touchpoints]]   # what was given back, at the day of the order: no column tells when"
    yield 'kind = "order_refunded"'
    yield f"amount = {quoted(column)}"
    if any(one.field == "sku" for one in found):
        yield "sku = '=\"\"'"
    yield f"when = 'number(`{column}`) != 0'"


def repeats_total(columns: dict[str, Any], found: list[Found]) -> bool:
    """Whether every row of an order has the amount of all of it, and not of its line: what its pieces cost is less."""
    fields = {one.field: one for one in found}
    price, quantity = column_like("price", columns), column_like("quantity", columns)
    if "order_id" not in fields or "amount" not in fields or fields["amount"].of or price is None:
        return False
    orders: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    counts = columns[quantity].to_pylist() if quantity is not None else ["1"] * len(columns[price])
    rows = zip(
        columns[fields["order_id"].column].to_pylist(), columns[fields["amount"].column].to_pylist(),
        columns[price].to_pylist(), counts, strict=True,
    )  # fmt: skip
    for order, *texts in rows:
        amount, each, count = map(number_of, texts)
        if order is not None and amount is not None and each is not None and count is not None:
            orders[order].append((amount, each * count))
    several = [lines for lines in orders.values() if len(lines) > 1]
    return bool(several) and all(
        len({amount for amount, _ in lines}) == 1
        and all(amount > line * (1 + _APART) for amount, line in lines)
        and lines[0][0] >= sum(line for _, line in lines) * (1 - _APART)
        for lines in several
    )


def _only_first_says(column: Any, below: list[int]) -> bool:
    values = column.to_pylist()
    return bool(below) and sum(values[i] is None for i in below) * 2 > len(below)

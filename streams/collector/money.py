"""Amounts, currencies and lines of an event, as imports read them of one row."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from processors.policy.policy import exponent
from streams.collector.problems import EventRefused
from streams.imports.amounts import Amounts
from streams.imports.columns import plain
from streams.imports.evidence import FIRST
from streams.imports.nested import NestedProblem, lines_bytes
from streams.imports.pricing import LARGEST, UNKNOWN_DECIMALS, code_of

AMOUNTS: Final = ("revenue", "total", "value")
"""Properties that hold what a customer spent, the first of them first."""
_SKU: Final = ("sku", "product_id", "id", "variant", "name")
_ONE_PRODUCT: Final = ("sku", "product_id")
_MONEY_KINDS: Final = ("order_", "subscription_", "donation_", "gift_")
TOTALLED: Final = "order_completed"
"""An order that says what was bought and not what it cost in all cost its lines."""


class Read(NamedTuple):
    """An amount in minor units, and the currency that stands beside it in its text."""

    minor: int
    currency: str | None


def currency_in(value: object) -> str | None:
    """A code of three letters of what an event calls its currency; None where it says nothing. Raises EventRefused."""
    if value is None or value == "":
        return None
    code = code_of(value.strip()) if isinstance(value, str) else None
    if code is None:
        raise EventRefused("bad_currency", f"currency {_shown(value)} is no code of three letters, such as EUR")
    return code


def decimals_of(currency: str | None) -> int:
    """Decimals of a currency's minor unit; 2 where none is said."""
    return UNKNOWN_DECIMALS if currency is None else exponent(currency)


def amount_in(value: object, name: str, currency: str | None) -> Read:
    """An amount in major units, a number or a text. Raises EventRefused."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EventRefused("bad_number", f"{name} {_shown(value)} is no amount")
    amounts = Amounts(pa.array([(plain(value) or "").strip()], pa.string()), sure=not isinstance(value, str))
    beside = _beside(amounts, name, currency)
    decimals = np.array([decimals_of(currency or beside)], np.int8)
    decimals.flags.writeable = False
    column, bad, _ = amounts.read(decimals, ".", FIRST)
    minor = column[0].as_py()
    if bad[0] or minor is None or abs(minor) > LARGEST:
        raise EventRefused("bad_number", f"{name} {_shown(value)} is no amount")
    return Read(int(minor), beside)


def _beside(amounts: Amounts, name: str, currency: str | None) -> str | None:
    found = amounts.dressings[0].currencies if amounts.dressings and amounts.dressings[0] is not None else frozenset()
    if currency is not None:
        if found and currency not in found:
            raise EventRefused("currency_differs", f"{name} is in another currency than the event ({currency})")
        return None
    if len(found) > 1:
        raise EventRefused("no_currency", f"{name} has the sign of several currencies; say which in currency")
    return next(iter(found), None)


def is_money(kind: str) -> bool:
    """Whether an amount of an event of this kind has to be one: what is no number is a mistake there."""
    return kind.startswith(_MONEY_KINDS)


def products_of(properties: dict[str, Any]) -> list[Any] | None:
    """What the event is about: its ``products``, or itself where it names one product; None: nothing."""
    products = properties.get("products")
    if products is not None:
        if not isinstance(products, list):
            raise EventRefused("bad_lines", "products: expected a list of products")
        return products
    return [properties] if any(properties.get(name) not in (None, "") for name in _ONE_PRODUCT) else None


def line_of(product: object) -> dict[str, Any]:
    """A product as a line, its price times its quantity as the amount. Raises EventRefused."""
    if not isinstance(product, dict):
        raise EventRefused("bad_lines", "products: expected objects with a sku or a product_id")
    sku = next((plain(product[name]) for name in _SKU if product.get(name) not in (None, "")), None)
    if sku is None:
        raise EventRefused("bad_lines", "products: expected objects with a sku or a product_id")
    quantity = product.get("quantity")
    quantity = 1 if quantity in (None, "") else quantity
    line = {"sku": sku, "category": product.get("category") or None, "quantity": quantity}
    if product.get("price") not in (None, ""):
        line["amount"] = _times(product["price"], quantity)
    return line


def _times(price: object, quantity: object) -> str:
    try:
        total = Decimal(plain(price) or "") * Decimal(plain(quantity) or "")
    except InvalidOperation:
        raise EventRefused("bad_lines", f"products: price {_shown(price)} is no number") from None
    if not total.is_finite() or abs(total) > LARGEST:
        raise EventRefused("bad_lines", f"products: price {_shown(price)} is no amount")
    return format(total, "f")


def lines_in(products: list[Any] | None, currency: str | None) -> tuple[bytes, list[dict[str, Any]]]:
    """(Avro encoding of the lines, the lines). Raises EventRefused."""
    lines = [line_of(product) for product in products or ()]
    try:
        return lines_bytes(lines, decimals_of(currency)), lines
    except (NestedProblem, RecursionError) as problem:
        raise EventRefused("bad_lines", f"products: {problem}") from problem


def total_of(kind: str, lines: list[dict[str, Any]], currency: str | None) -> int | None:
    """Minor units of all lines together, of an order that says no amount of its own."""
    if kind != TOTALLED or not lines or any("amount" not in line for line in lines):
        return None
    return sum(amount_in(line["amount"], "price", currency).minor for line in lines)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"

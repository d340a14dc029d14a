"""Products of an event as the lines of a touchpoint."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from streams.collector.money import FINE, amount_in, decimals_of, price_in, shown
from streams.collector.named import first_of, scalar_id
from streams.collector.problems import EventRefused
from streams.imports.columns import plain
from streams.imports.nested import NestedProblem, lines_bytes
from streams.imports.pricing import LARGEST

_ONE_PRODUCT: Final = ("sku", "product_id", "productId", "item_id", "itemId")
_SKU: Final = (*_ONE_PRODUCT, "id", "variant", "name", "item_name")
_CATEGORY: Final = ("category", "item_category")
COMPLETED: Final = "order_completed"
REFUNDED: Final = "order_refunded"
TOTALLED: Final = frozenset({COMPLETED, REFUNDED})
"""An order that says what was bought and not what it cost in all cost its lines; of a part that was given back, too."""
_EXPECTED: Final = "expected objects with a sku or a product_id"


def products_of(properties: dict[str, Any]) -> tuple[list[Any] | None, str]:
    """(what the event is about, the property that lists it; empty: it is itself one product). None: nothing.

    ``products``, and GA4's ``items`` where they are products; either may be JSON in a text. Raises EventRefused.
    """
    products = _listed(properties.get("products"))
    if products is not None:
        if not isinstance(products, list):
            raise EventRefused("bad_lines", "products: expected a list of products")
        if products or not properties.get("items"):
            return products, "products"
    items = _listed(properties.get("items"))
    if isinstance(items, list) and items and all(_is_product(item) for item in items):
        return items, "items"
    return ([properties], "") if first_of(properties, _ONE_PRODUCT) is not None else (None, "")


def _listed(value: object) -> object:
    """A list, without what is null in it; of a text of JSON what it says, else the value."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return [each for each in value if each is not None] if isinstance(value, list) else value


def _is_product(item: object) -> bool:
    return isinstance(item, dict) and first_of(item, _SKU) is not None


def line_of(product: object, currency: str | None) -> dict[str, Any]:
    """A product as a line, its price times its quantity as the amount. Raises EventRefused."""
    if not isinstance(product, dict):
        raise EventRefused("bad_lines", f"products: {_EXPECTED}")
    sku = first_of(product, _SKU)
    if sku is None:
        raise EventRefused("bad_lines", f"products: {_EXPECTED}")
    quantity = product.get("quantity")
    quantity = 1 if quantity in (None, "") else quantity
    line = {"sku": scalar_id(sku, "products"), "category": first_of(product, _CATEGORY), "quantity": quantity}
    price = product.get("price")
    if price not in (None, ""):
        line["amount"] = _times(price, quantity, currency)
    return line


def _times(price: object, quantity: object, currency: str | None) -> str:
    try:
        if isinstance(price, str):
            one = Decimal(price_in(price, "price", currency)).scaleb(-FINE)
        else:
            one = Decimal(plain(price) or "")
        total = one * Decimal(plain(quantity) or "")
    except InvalidOperation:
        raise EventRefused("bad_lines", f"products: price {shown(price)} is no number") from None
    except EventRefused as problem:
        raise EventRefused("bad_lines", f"products: {problem.detail}") from None
    if not total.is_finite() or abs(total) > LARGEST:
        raise EventRefused("bad_lines", f"products: price {shown(price)} is no amount")
    return format(total, "f")


def lines_in(products: list[Any] | None, currency: str | None) -> tuple[bytes, list[dict[str, Any]]]:
    """(Avro encoding of the lines, the lines). Raises EventRefused."""
    lines = [line_of(product, currency) for product in products or ()]
    try:
        return lines_bytes(lines, decimals_of(currency)), lines
    except (NestedProblem, RecursionError) as problem:
        raise EventRefused("bad_lines", f"products: {problem}") from problem


def total_of(kind: str, lines: list[dict[str, Any]], currency: str | None) -> int | None:
    """Minor units of all lines together, of an order that says no amount of its own. Raises EventRefused.

    A refund that says which articles came back and not for how much would give back the whole order.
    """
    if kind not in TOTALLED or not lines:
        return None
    if any("amount" not in line for line in lines):
        if kind == REFUNDED:
            raise EventRefused("no_amount", "a refund of some products needs its total, or their prices")
        return None
    return sum(amount_in(line["amount"], "price", currency, sure=True).minor for line in lines)

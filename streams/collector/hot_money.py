"""Amounts and the line of one product, for the fast way of an event. Compiled."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import Int, byte_at, copy_bytes
from schemas.varint import write_long
from streams.collector.hot_names import CODES
from streams.collector.hot_scan import DECLINED, NULL, NUMBER, TEXT, TYPE, VALUE, VALUE_STOP, Bytes, Places
from streams.imports.money import NOT_A_NUMBER, decimal_at, scaled
from streams.imports.pricing import LARGEST

NO_AMOUNT: Final = NOT_A_NUMBER
LINE_ROOM: Final = 64
_LETTERS: Final = 26
_MOST_QUANTITY: Final = 1_000_000
_MOST_PRICE: Final = 10**12
_SKUS: Final = tuple(CODES[name] for name in ("sku", "product_id", "id", "variant", "name"))
_CATEGORY, _QUANTITY, _PRICE = CODES["category"], CODES["quantity"], CODES["price"]


@compiled_leaf
def currency_at(data: Bytes, start: Int, size: Int, decimals: npt.NDArray[np.int8]) -> Int:
    """Decimals of the currency that is called so by three capitals; -1 of anything else."""
    if size != 3:
        return -1
    place = np.int64(0)
    for i in range(3):
        letter = byte_at(data, start + i) - 65
        if letter < 0 or letter >= _LETTERS:
            return -1
        place = place * _LETTERS + letter
    return np.int64(decimals[place])


@compiled_leaf
def amount_of(data: Bytes, start: Int, stop: Int, decimals: Int) -> Int:
    """Minor units of a number; NO_AMOUNT where it is too large for one."""
    value: Int = decimal_at(data, start, stop, decimals, False, 46)
    return value if value != NOT_A_NUMBER and -LARGEST <= value <= LARGEST else np.int64(NO_AMOUNT)


@compiled_leaf
def absent(table: Places, k: Int) -> bool:
    """Whether a member is not there, null or an empty text."""
    if k < 0 or table[k, TYPE] == NULL:
        return True
    return bool(table[k, TYPE] == TEXT and table[k, VALUE] == table[k, VALUE_STOP])


@compiled_leaf
def _times(data: Bytes, start: Int, stop: Int, quantity: Int, decimals: Int) -> Int:
    """Minor units of a price times a quantity, rounded once; NO_AMOUNT."""
    places: Int = np.int64(0)
    for i in range(start, stop):
        if byte_at(data, i) == 46:
            places = stop - i - 1
    price: Int = decimal_at(data, start, stop, places, True, 46)
    if price == NOT_A_NUMBER or price > _MOST_PRICE or price < -_MOST_PRICE:
        return NO_AMOUNT
    total: Int = price * quantity
    minor: Int = scaled(abs(np.int64(total)), decimals - places, False, False)
    if minor == NOT_A_NUMBER or minor > LARGEST:
        return NO_AMOUNT
    return -minor if total < 0 else minor


@compiled_leaf
def put_line(  # noqa: C901
    data: Bytes, table: Places, at_of: Places, decimals: Int, out: Bytes, at: Int
) -> Int:
    """Write the list of the one line that the properties of an event are; DECLINED."""
    sku = np.int64(-1)
    for code in _SKUS:
        if sku < 0 and not absent(table, at_of[code]):
            sku = at_of[code]
    if sku < 0 or (table[sku, TYPE] != TEXT and table[sku, TYPE] != NUMBER):
        return DECLINED
    quantity: Int = np.int64(1)
    k = at_of[_QUANTITY]
    if not absent(table, k):
        if table[k, TYPE] != NUMBER:
            return DECLINED
        quantity = decimal_at(data, table[k, VALUE], table[k, VALUE_STOP], 0, True, 46)
        if quantity == NOT_A_NUMBER or quantity > _MOST_QUANTITY or quantity < -_MOST_QUANTITY:
            return DECLINED
    amount: Int = np.int64(NO_AMOUNT)
    k = at_of[_PRICE]
    priced = not absent(table, k)
    if priced:
        if table[k, TYPE] != NUMBER:
            return DECLINED
        amount = _times(data, table[k, VALUE], table[k, VALUE_STOP], quantity, decimals)
        if amount == NO_AMOUNT:
            return DECLINED
    out[np.uint64(at)] = 2  # one line
    size = table[sku, VALUE_STOP] - table[sku, VALUE]
    at = copy_bytes(data, table[sku, VALUE], size, out, write_long(out, at + 1, size))
    k = at_of[_CATEGORY]
    if absent(table, k):
        out[np.uint64(at)] = 0
        at += 1
    elif table[k, TYPE] == TEXT:
        out[np.uint64(at)] = 2
        size = table[k, VALUE_STOP] - table[k, VALUE]
        at = copy_bytes(data, table[k, VALUE], size, out, write_long(out, at + 1, size))
    else:
        return DECLINED
    at = write_long(out, at, quantity)
    out[np.uint64(at)] = 2 if priced else 0
    at += 1
    if priced:
        at = write_long(out, at, amount)
    out[np.uint64(at)] = 0
    return at + 1

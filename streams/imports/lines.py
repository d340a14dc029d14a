"""Lines of an order from columns of a file, one line a row: article, category, quantity, price or amount.

What a row holds becomes an array of one line in Avro's binary encoding; rows of one order are united later
(``orders.py``).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from processors.words import Int
from streams.imports.columns import Parts, from_parts, parts_of

_ROOM: Final = 40


@compiled
def _put(out: npt.NDArray[np.uint8], at: Int, value: Int) -> Int:
    """Writes the zigzag varint of a number; returns the position after it."""
    rest = (value << 1) ^ (value >> 63)
    while rest > 0x7F:
        out[at] = (rest & 0x7F) | 0x80
        rest >>= 7
        at += 1
    out[at] = rest
    return at + 1


@compiled
def _text(out: npt.NDArray[np.uint8], at: Int, text: Parts, i: int) -> Int:
    start, stop = np.int64(text.offsets[i]), np.int64(text.offsets[i + 1])
    at = _put(out, at, stop - start)
    out[at : at + stop - start] = text.data[start:stop]
    return at + stop - start


@compiled
def _lines(
    skus: Parts,
    categories: Parts,
    quantities: npt.NDArray[np.int64],
    amounts: npt.NDArray[np.int64],
    priced: npt.NDArray[np.bool_],
    out: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int32],
) -> None:
    at: Int = 0
    for i in range(len(quantities)):
        offsets[i] = at
        if skus.valid[i]:
            at = _put(out, at, 1)
            at = _text(out, at, skus, i)
            if categories.valid[i]:
                out[at] = 2
                at = _text(out, at + 1, categories, i)
            else:
                out[at] = 0
                at += 1
            at = _put(out, at, quantities[i])
            if priced[i]:
                out[at] = 2
                at = _put(out, at + 1, amounts[i])
            else:
                out[at] = 0
                at += 1
        out[at] = 0
        at += 1
    offsets[len(quantities)] = at


def lines_of_columns(skus: Any, categories: Any, quantities: Any, amounts: Any) -> Any:
    """Binary array: of each row that has a sku an array of one line, of others an empty one.

    ``skus``, ``categories``: text; ``quantities``: int64, 1 where null; ``amounts``: int64 minor units of the line.
    """
    sku, category = parts_of(skus), parts_of(categories)
    quantity = _integers(quantities.fill_null(1))
    amount, priced = _integers(amounts.fill_null(0)), amounts.is_valid().to_numpy(zero_copy_only=False)
    for view in (quantity, amount, priced):
        view.flags.writeable = False
    text = sum(int(part.offsets[-1] - part.offsets[0]) for part in (sku, category))
    out, offsets = np.empty(text + _ROOM * (len(skus) + 1), np.uint8), np.empty(len(skus) + 1, np.int32)
    _lines(sku, category, quantity, amount, priced, out, offsets)
    return from_parts(offsets, out[: int(offsets[-1])], binary=True)


def _integers(column: Any) -> npt.NDArray[np.int64]:
    return np.array(column.to_numpy(zero_copy_only=False), np.int64)

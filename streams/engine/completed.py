"""An order completes once: a confirmation page that fires again tells of the order that is known. Compiled.

Told again is an order by the same customer, order id, kind, amount, currency and articles at another instant; the first
one delivered counts, as of events. What is told of the same instant are lines of the order, each a touchpoint, and an
order that grows says so (``order_updated``). Imports unite the rows of an order before they are in the log
(``streams/imports/orders.py``); here they are compared, so that an order which is known counts once, and not kept: a
history would push out all that live producers sent.

What is remembered stands in the window of event identities, two entries for each order: what it is, and that at its
instant. Both are functions of the message, so the window stays one of the log.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix, xxh64
from schemas.decode import ABSENT
from schemas.touchpoint import AMOUNT_MINOR, CURRENCY, IMPORT_ID, KIND, LINES, OCCURRED_AT
from streams.engine.window import MET, NEW, Window, ask_for_identity, look_up, remember

# XXH64 of the kinds that complete an order once; order ids of others, such as renewals, may name a contract.
ORDER_COMPLETED: Final = np.uint64(0x283617B1595B3696)
GIFT_ORDERED: Final = np.uint64(0xB1F24C78F084D90B)
_SEED: Final = np.uint64(0)
_NO_AMOUNT: Final = -(2**62)

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int64]


@compiled_leaf
def _text(buffer: Bytes, slots: Slots, which: int) -> np.int64:
    """Hash of a slot's bytes, 0 where it is empty; of lines, one byte ends a list of none."""
    length = slots[which, 1]
    if length == ABSENT or length <= (1 if which == LINES else 0):
        return np.int64(0)
    return np.int64(xxh64(buffer, slots[which, 0], slots[which, 0] + length, _SEED))


class Order(NamedTuple):
    """What a touchpoint tells of an order: ``completes``: whether it completes one that can do so once.

    ``whole``: identity of what it tells; ``moment``: of that at its instant.
    """

    completes: bool
    whole: np.uint64
    moment: np.uint64


@compiled_leaf
def order_in(buffer: Bytes, slots: Slots, key: np.uint64, order: np.uint64) -> Order:
    """What a touchpoint tells of an order.

    ``key``: salted XXH64 of the id that the message names; ``order``: XXH64 of its order id, 0: it has none.
    """
    none = Order(False, np.uint64(0), np.uint64(0))
    if order == np.uint64(0):
        return none
    kind = xxh64(buffer, slots[KIND, 0], slots[KIND, 0] + slots[KIND, 1], _SEED)
    if kind != ORDER_COMPLETED and kind != GIFT_ORDERED:
        return none
    amount = slots[AMOUNT_MINOR, 0] if slots[AMOUNT_MINOR, 1] != ABSENT else np.int64(_NO_AMOUNT)
    told = mix(mix(key, np.int64(order)), np.int64(kind))
    told = mix(mix(told, amount), _text(buffer, slots, CURRENCY))
    told = mix(told, _text(buffer, slots, LINES))
    return Order(True, np.uint64(avalanche(told)), np.uint64(avalanche(mix(told, slots[OCCURRED_AT, 0]))))


@compiled_inline
def ask_for_order(window: Window, order: Order) -> None:
    """Ask for what ``is_told_again`` reads."""
    if order.completes:
        ask_for_identity(window, order.whole)
        ask_for_identity(window, order.moment)


@compiled_leaf
def is_told_again(slots: Slots, order: Order, window: Window, offset: int) -> bool:
    """Whether a touchpoint tells once more of an order that a record below ``offset`` told of; else it is remembered.

    ``order``: what it tells of one, which it completes.
    """
    known, then = look_up(window, order.whole, offset), look_up(window, order.moment, offset)
    if known == MET and then != MET:
        return True
    if slots[IMPORT_ID, 1] <= 0:
        if known == NEW:
            remember(window, order.whole, offset)
        if then == NEW:
            remember(window, order.moment, offset)
    return False

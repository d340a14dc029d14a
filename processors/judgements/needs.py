"""What a customer comes for: belonging, advice, price or convenience; with the tier of value it makes the segment."""

from typing import Final

from processors.compiled import compiled_leaf
from processors.judgements.bonds import giving_share
from processors.policy.rules import Rules
from processors.row.layout import Row

CONVENIENCE: Final = 1  # as judgements.NEEDS
PRICE: Final = 2
ADVICE: Final = 3
BELONGING: Final = 4
NEED_NOT_KNOWN: Final = 5
_DISCOUNTED: Final = 0.5  # of the purchases
_FEWEST: Final = 2  # purchases that tell something of price
_SOUGHT: Final = 3  # contacts that the customer sought, and that tell how


@compiled_leaf
def need(row: Row, rules: Rules, often: bool, published: int) -> int:
    """The first that holds of belonging (communal), advice (``often`` in two-way contact), price (half discounted).

    Nothing of it is convenience, where two purchases, or three contacts that the customer sought, show what is
    preferred; a single purchase and a passing visit show nothing. A published need is left only below its limit by the
    policy's hysteresis, so that small changes leave it.
    """
    kept = 1.0 - rules.hysteresis
    if giving_share(row) > rules.communal_share * (kept if published == BELONGING else 1.0):
        return BELONGING
    if often:
        return ADVICE
    share = row.discounted / row.purchases if row.purchases >= _FEWEST else 0.0
    if share >= _DISCOUNTED * (kept if published == PRICE else 1.0):
        return PRICE
    if rules.version > 1 and row.purchases < _FEWEST and row.chosen < _SOUGHT:
        return NEED_NOT_KNOWN
    return CONVENIENCE

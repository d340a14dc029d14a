"""Settings that can be used, but are likely not what was meant: limits of another currency."""

import math
from collections.abc import Mapping
from typing import Any, Final

from processors.policy.keys import Problem, problem
from processors.policy.settings import setting

# Units of a currency for one US dollar, to an order of magnitude: those of which a dollar buys twenty or more.
_BY_MAGNITUDE: Final = {
    40: "CZK DOP EGP HNL HUF INR MUR NIO PHP RUB THB TRY TWD UAH UYU",
    120: "ALL BDT BWP DZD GMD HTG ISK JMD JPY KES LKR MKD NPR PKR RSD XPF YER",
    700: "AMD AOA ARS CLP CRC DJF KMF KRW KZT MWK NGN RWF SDG SYP XAF XOF",
    3_000: "BIF COP IQD MGA MMK MNT TZS UGX",
    12_000: "GNF IDR KHR LAK LBP PYG SLL STN UZS VND",
    42_000: "IRR",
}
_PER_DOLLAR: Final = {name: units for units, names in _BY_MAGNITUDE.items() for name in names.split()}
_LEAST_DOLLARS: Final = 10.0
"""A high value is of more than this in any business; the limits of the presets are of a hundred times as much."""


def doubtful(text: str, document: Mapping[str, Any]) -> list[Problem]:
    """What a checked policy says that cannot fit its currency: each with the line of the key."""
    currency = str(document["currency"])
    rate = _PER_DOLLAR.get(currency, 1)
    high = float(setting(document, "value", "high"))
    if high / rate >= _LEAST_DOLLARS or not math.isfinite(high):
        return []
    told = (
        f"= {high:,.2f} {currency} is about {high / rate:,.2f} US dollars: is it the limit of another currency? "
        "`relasi policy tiers` takes the limits from your own customers; look at all of [value], too"
    )
    return [problem(text, ("value", "high"), told)]

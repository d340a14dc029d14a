"""Purchase days of two simulated companies unlike CDNOW: a wholesaler that grows, a grocery panel that pauses."""

from typing import Final

import numpy as np

from streams.fitting.purchases import PurchaseDays

_START: Final = 19_000


def _packed(days_of: list[list[int]], end: int) -> PurchaseDays:
    customer = np.concatenate([np.full(len(days), number) for number, days in enumerate(days_of)]).astype(np.int64)
    day = np.concatenate([np.array(days, np.int64) + _START for days in days_of])
    return PurchaseDays(customer, day, np.full(len(day), 10.0), (), _START + end)


def wholesaler(customers: int = 4_000, days: int = 900, seed: int = 1) -> PurchaseDays:
    """Customers who hardly ever drop out, one in five hundred after a purchase; the later, the more of them join."""
    chance, found = np.random.default_rng(seed), []
    for _ in range(customers):
        at = days * float(np.sqrt(chance.random())) * 0.98
        rate = max(float(chance.gamma(0.7, 1 / 22.0)), 1e-5)
        bought = {int(at)}
        while (at := at + float(chance.exponential(1 / rate))) < days and chance.random() >= 0.002:
            bought.add(int(at))
        found.append(sorted(bought))
    return _packed(found, days - 1)


def grocery(customers: int = 3_500, days: int = 720, seed: int = 2) -> PurchaseDays:
    """Weekly buyers, regular ones, who leave after one purchase in a hundred and pause for weeks after one in fifty."""
    chance, found = np.random.default_rng(seed), []
    for _ in range(customers):
        at, bought = days * 0.4 * float(chance.random()), set()
        interval = float(chance.gamma(8, 1 / 8.0)) * 7
        while at < days:
            bought.add(int(at))
            drawn = chance.random()
            if drawn < 0.01:
                break
            if drawn < 0.03:
                at += float(chance.gamma(2, 25.0)) + 10
            at += float(chance.gamma(4, interval / 4.0))
        found.append(sorted(bought))
    return _packed(found, days - 1)

"""Purchase logs of shops that are not CDNOW, from a seed: what becomes of each customer is drawn, then written down.

The rows are as real exports have them: several orders a day, returns as negative amounts, orders of zero, guests.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

START: Final = datetime(2023, 1, 2, tzinfo=UTC)
COLUMNS: Final = ("client", "when", "total", "source")


@dataclass(frozen=True)
class Shop:
    """How its customers are. Rates per day; ``regularity``: k of Erlang waiting times, 1 for exponential ones."""

    customers: int
    rate: tuple[float, float]
    dropout: tuple[float, float]
    regularity: int = 1
    joining_days: int = 365
    days: int = 540
    spend: tuple[float, float, float] = (4.0, 3.0, 30.0)
    returns: float = 0.0
    zeros: float = 0.0
    guests: float = 0.0


RETAIL: Final = Shop(
    1500, (0.9, 50.0), (0.6, 3.0), returns=0.08, zeros=0.02, guests=0.05, spend=(1.5, 2.4, 40.0)
)  # fmt: skip
GROCERY: Final = Shop(800, (4.0, 28.0), (0.5, 20.0), regularity=4, spend=(8.0, 6.0, 30.0))


def moments(shop: Shop, chance: np.random.Generator) -> list[float]:
    """Days of one customer's purchases, from joining to leaving or the end."""
    rate, leaves = chance.gamma(shop.rate[0], 1.0 / shop.rate[1]), chance.beta(*shop.dropout)
    found = [float(chance.uniform(0.0, shop.joining_days))]
    while chance.random() >= leaves:
        found.append(found[-1] + chance.gamma(shop.regularity, 1.0 / (shop.regularity * max(rate, 1e-6))))
        if found[-1] >= shop.days:
            return found[:-1]
    return found


def rows(shop: Shop, seed: int) -> list[tuple[str, str, str, str]]:
    """(client, ISO instant, amount, source), in order of the clients."""
    chance = np.random.default_rng(seed)
    p, q, gamma = shop.spend
    found: list[tuple[str, str, str, str]] = []
    for number in range(shop.customers):
        scale = chance.gamma(q, 1.0 / gamma)
        source = ("shop", "store")[int(chance.random() < 0.4)]
        for day in moments(shop, chance):
            amount = 0.0 if chance.random() < shop.zeros else max(0.01, float(chance.gamma(p, 1.0 / scale)))
            client = "" if chance.random() < shop.guests else f"c{number:05}"
            parts = [amount * 0.6, amount * 0.4] if chance.random() < 0.2 else [amount]
            if amount and chance.random() < shop.returns:
                found.append((client, _instant(day + chance.uniform(0.0, 20.0)), f"{-amount:.2f}", source))
            found += [(client, _instant(day), f"{part:.2f}", source) for part in parts]
    return found


def _instant(day: float) -> str:
    return (START + timedelta(days=day)).isoformat(timespec="seconds").replace("+00:00", "Z")


def write(shop: Shop, seed: int, path: Path) -> Path:
    """The log as a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(shop, seed))
    return path


MAPPING: Final = (
    "--map", "customer_id=client", "--map", "occurred_at=when", "--map", "amount=total", "--map", "channel=source",
    "--set", "kind=order_completed", "--set", "currency=USD",
)  # fmt: skip

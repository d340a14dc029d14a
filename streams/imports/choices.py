"""What a file leaves open that no column tells: settled by ``--set NAME=CHOICE``, or a mapping's ``[constants]``."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "purchase_without_amount": ("count", "ignore"),
    "discount_is": ("money", "rate", "percent"),
    "order_amount": ("lines", "total"),
    "no_id": ("nothing", "customer"),
    "rounding": ("accept",),
    "snapshot_at": (),
}
"""``purchase_without_amount``: whether a purchase that names no amount is one; counting puts a policy with
``minimum_amount = 0`` in force. ``discount_is``: what a column of discounts holds: money, a share of the price (0.2)
or per cent of it (20). ``order_amount``: whether each of several rows of an order has the amount of its line, or all of
them have that of the order. ``no_id``: whether a customer called NULL, anonymous or the like is nobody, or is one.
``rounding``: that amounts may lose the decimals that their currency has not, however much that changes them.
``snapshot_at``: the day of a snapshot, as 2026-01-31."""


def choices_in(constants: Mapping[str, str]) -> dict[str, str]:
    """Those of the constants that are choices."""
    return {name: text for name, text in constants.items() if name in CHOICES}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def problems_of_choices(choices: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with them, a text each."""
    for name, text in choices.items():
        if name == "snapshot_at":
            if not _is_day(text):
                yield f"{name}: {text!r} is no day; expected one such as 2026-01-31"
        elif text not in CHOICES[name]:
            yield f"{name}: {text!r} is none of {', '.join(CHOICES[name])}"

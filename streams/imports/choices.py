"""What a file leaves open that no column tells: settled by ``--set NAME=CHOICE``, or a mapping's ``[constants]``."""

from collections.abc import Iterator, Mapping
from typing import Final

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "purchase_without_amount": ("count", "ignore"),
    "discount_is": ("money", "rate", "percent"),
    "order_amount": ("lines", "total"),
}
"""``purchase_without_amount``: whether a purchase that names no amount is one; counting puts a policy with
``minimum_amount = 0`` in force. ``discount_is``: what a column of discounts holds: money, a share of the price (0.2)
or per cent of it (20). ``order_amount``: whether each of several rows of an order has the amount of its line, or all of
them have that of the order."""


def choices_in(constants: Mapping[str, str]) -> dict[str, str]:
    """Those of the constants that are choices."""
    return {name: text for name, text in constants.items() if name in CHOICES}


def problems_of_choices(choices: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with them, a text each."""
    for name, text in choices.items():
        if text not in CHOICES[name]:
            yield f"{name}: {text!r} is none of {', '.join(CHOICES[name])}"

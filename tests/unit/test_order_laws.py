"""What returns, refunds and coupons add to a profile, order by order, in plain Python."""

from typing import Final

from hypothesis import given
from support.contacts import contacts, profile_of
from support.presets import policy_of

from processors.policy.rules import CANCELLATION, DISCOUNT, DISCOUNTED, PURCHASE, REFUND, RETURN
from processors.row.contact import Contact

RULES: Final = policy_of().rules


class Order:
    """All touchpoints of one order."""

    def __init__(self, told: list[Contact]) -> None:
        self.told = told
        self.bought = [one for one in told if one.flags & PURCHASE]

    def has(self, flags: int) -> bool:
        return any(one.flags & flags for one in self.told)

    @property
    def taken_back(self) -> int:
        amount = sum(one.amount_minor for one in self.bought)
        back = sum(abs(one.amount_minor) for one in self.told if one.flags & (REFUND | CANCELLATION))
        whole = self.has(CANCELLATION) or any(one.flags & REFUND and one.amount_minor == 0 for one in self.told)
        if not self.bought:
            return back
        return amount if whole else min(back, amount)

    @property
    def margin_back(self) -> int:
        amount = sum(one.amount_minor for one in self.bought)
        if not self.bought:
            return round(self.taken_back * float(RULES.margin_share))
        margin = sum(one.margin_minor for one in self.bought)
        return round(float(margin) * self.taken_back / amount) if amount else 0


def orders_of(told: list[Contact]) -> list[Order]:
    bearing = [one for one in told if one.flags & (PURCHASE | RETURN | REFUND | CANCELLATION | DISCOUNT)]
    return [Order([one for one in bearing if one.order == order]) for order in {one.order for one in bearing} - {0}]


@given(contacts())
def test_money_comes_back_once_and_with_its_margin(told: list[Contact]) -> None:
    row, orders = profile_of(told, RULES), orders_of(told)
    loose = [abs(one.amount_minor) for one in told if one.order == 0 and one.flags & (REFUND | CANCELLATION)]
    assert row.refunded_minor == sum(loose) + sum(order.taken_back for order in orders)
    earned = sum(one.margin_minor for one in told if one.flags & PURCHASE)
    lost = sum(round(back * float(RULES.margin_share)) for back in loose) + sum(order.margin_back for order in orders)
    assert row.margin_minor == earned - lost


@given(contacts())
def test_orders_are_returned_and_discounted_once(told: list[Contact]) -> None:
    row, orders = profile_of(told, RULES), orders_of(told)
    assert row.returned == sum(order.has(RETURN | REFUND | CANCELLATION) for order in orders)
    loose = [one for one in told if one.order == 0]
    assert row.returns_loose == sum(one.flags & (RETURN | REFUND) == RETURN for one in loose)
    assert row.refunds_loose == sum(bool(one.flags & REFUND) for one in loose)
    assert row.cancels_loose == sum(bool(one.flags & CANCELLATION) for one in loose)
    alone = sum(bool(one.flags & PURCHASE) and bool(one.flags & DISCOUNTED) for one in loose)
    assert row.discounted == alone + sum(bool(order.bought) and order.has(DISCOUNT | DISCOUNTED) for order in orders)

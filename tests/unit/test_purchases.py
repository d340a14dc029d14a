"""How a log becomes purchase days: returns, zero amounts, currencies, and the segment of a customer."""

import numpy as np
import pyarrow as pa
import pytest

from streams.fitting.cancelled import without_cancelled
from streams.fitting.histories import histories_of, spending_of
from streams.fitting.purchases import DAY_MS, NO_SEGMENT, Money, NoPurchasesError, PurchaseDays, purchase_days

BOUGHT = "order_completed"
Row = tuple[str, float, int | None, str | None, str | None]  # customer, day, amount, currency, channel


def batch(*rows: Row, kinds: list[str] | None = None) -> pa.RecordBatch:
    customers, days, amounts, currencies, channels = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict(
        {
            "customer_id": pa.array(customers, pa.string()),
            "occurred_at": pa.array([int(day * DAY_MS) for day in days], pa.int64()),
            "kind": pa.array(kinds or [BOUGHT] * len(days)),
            "amount_minor": pa.array(amounts, pa.int64()),
            "currency": pa.array(currencies, pa.string()),
            "channel": pa.array(channels, pa.string()),
        }
    )


def spent(days: PurchaseDays) -> list[tuple[int, int, float]]:
    return list(zip(days.customer.tolist(), days.day.tolist(), days.spent.tolist(), strict=True))


def plain(*rows: tuple[str, float, int | None]) -> PurchaseDays:
    return purchase_days([batch(*((*row, None, None) for row in rows))], {BOUGHT})


def test_what_is_spent_on_a_day_is_summed_and_returns_of_that_day_are_taken_off() -> None:
    days = plain(("ann", 3.1, 1000), ("ann", 3.9, 250), ("ann", 3.5, -450), ("ann", 8.0, 700), ("ann", 9.0, -700))
    assert spent(days) == [(0, 3, 8.0), (0, 8, 7.0)]
    assert days.kept().tolist() == [8.0, 0.0]
    assert days.kept(8).tolist() == [8.0, 7.0]
    assert days.returns == 2
    assert days.log_end == 9


def test_what_comes_back_later_is_taken_off_the_newest_day_before() -> None:
    days = plain(
        ("bob", 5.0, 100), ("ann", 1.0, -50), ("ann", 2.0, 1000), ("ann", 4.0, 900), ("ann", 6.0, -200),
        ("ann", 6.0, -100), ("ann", 7.0, None), ("ann", 8.0, -1), ("bob", 2.0, -30),
    )  # fmt: skip
    left = dict(zip(days.day.tolist(), days.kept().tolist(), strict=True))
    assert {day: money for day, money in left.items() if money == money} == {2: 10.0, 4: 6.0, 5: 1.0}
    assert days.only(days.day > 2).kept(6).tolist()[1] == 6.0
    assert days.returns == 5


@pytest.mark.parametrize("sign", [1, -1])
def test_refunds_take_back_whatever_their_sign(sign: int) -> None:
    rows = batch(
        ("ann", 1.0, 1000, None, "web"), ("ann", 3.0, 900, None, "web"), ("ann", 5.0, 400 * sign, None, "app"),
        ("ann", 3.0, None, None, "app"), ("eve", 3.0, 100 * sign, None, None),
        kinds=[BOUGHT, BOUGHT, "order_refunded", "order_cancelled", "order_refunded"],
    )  # fmt: skip
    days = purchase_days([rows], {BOUGHT}, segment="channel", refunds={"order_refunded", "order_cancelled"})
    assert days.kept().tolist() == [10.0, 5.0]
    assert (days.segment, days.returns) == (("web",), 0)
    assert purchase_days([rows], {BOUGHT}).kept().tolist() == [10.0, 9.0]


def test_a_cancelled_order_of_a_file_is_no_purchase() -> None:
    bought, cancelled, refunded = BOUGHT, "order_cancelled", "order_refunded"
    told = [
        ("ann", None, 1.0, bought, "1", 100), ("ann", None, 2.0, bought, "2", 200),
        ("ann", None, 3.0, cancelled, "2", None), ("ann", None, 4.0, refunded, "2", 200),
        ("eve", None, 5.0, bought, "2", 300), (None, "ann", 5.0, bought, "2", 400),
        ("ann", None, 6.0, bought, "7", 500), ("ann", None, 7.0, bought, "7", 500),
        ("ann", None, 7.5, cancelled, "7", 600), ("ann", None, 8.0, cancelled, None, 10),
        ("ann", None, 8.0, bought, "", 50), ("ann", None, 8.1, cancelled, "", None),
        (None, "bob", 9.0, cancelled, "9", None), (None, "bob", 9.0, bought, "9", 70),
    ]  # fmt: skip
    names = ("customer_id", "anonymous_id", "occurred_at", "kind", "order_id", "amount_minor")
    rows = pa.RecordBatch.from_pylist(
        [dict(zip(names, (*row[:2], int(row[2] * DAY_MS), *row[3:]), strict=True)) for row in told]
    )
    parts = [rows.slice(0, 5), rows.slice(5)]
    back = {refunded, cancelled}
    days = purchase_days(without_cancelled(lambda: parts, {BOUGHT}, {cancelled}), {BOUGHT}, refunds=back)
    # Customers in the order in which they came; what is cancelled without its order takes back, as of several days.
    kept = list(zip(days.customer.tolist(), days.day.tolist(), days.kept().tolist(), strict=True))
    assert kept == [(0, 1, 1.0), (0, 6, 5.0), (0, 7, -1.0), (0, 8, 0.4), (1, 5, 3.0), (2, 5, 4.0)]
    assert days.log_end == 9, "what tells of a cancelled order still says how far the file reaches"
    former = purchase_days(without_cancelled(lambda: parts, {BOUGHT}, ()), {BOUGHT}, refunds=back)
    assert former.customers == 4
    assert former.day.tolist() == [1, 2, 6, 7, 8, 5, 5, 9]


def test_the_mean_is_what_was_kept_of_the_repeat_days() -> None:
    spending = spending_of(plain(("ann", 1.0, 500), ("ann", 2.0, 1000), ("ann", 3.0, 200), ("ann", 4.0, -500)))
    assert (spending.x.tolist(), spending.mean.tolist()) == ([2.0], [3.5])
    gone = spending_of(plain(("ann", 1.0, 500), ("ann", 2.0, 1000), ("ann", 3.0, 200), ("ann", 4.0, -1300)))
    assert (len(gone.x), gone.silent) == (0, 1)
    before = spending_of(plain(("ann", 1.0, 500), ("ann", 2.0, 1000), ("ann", 9.0, -500)), 5)
    assert before.mean.tolist() == [10.0], "what comes back later is not known yet"


def test_what_was_returned_on_its_day_leaves_nothing() -> None:
    days = plain(("ann", 1.0, 10), ("ann", 1.1, 20), ("ann", 1.2, -30), ("bob", 1.0, 30), ("bob", 1.0, -10))
    assert spent(days) == [(0, 1, 0.0), (1, 1, 0.2)]


def test_zero_amounts_and_none_at_all_are_purchases_without_spend() -> None:
    days = plain(("ann", 1.0, 500), ("ann", 2.0, 0), ("ann", 3.0, None), ("ann", 4.0, 900))
    assert histories_of(days, "day").x.tolist() == [3]
    spending = spending_of(days)
    assert (spending.x.tolist(), spending.mean.tolist(), spending.silent) == ([1.0], [9.0], 0)
    silent = spending_of(plain(("ann", 1.0, 500), ("ann", 2.0, 0)))
    assert (len(silent.x), silent.silent) == (0, 1)


def test_the_first_day_is_left_out_of_the_mean_and_the_end_day_counts() -> None:
    days = plain(("ann", 1.0, 9900), ("ann", 5.0, 1000), ("ann", 7.0, 3000), ("bob", 2.0, 500))
    spending = spending_of(days)
    assert (spending.x.tolist(), spending.mean.tolist(), spending.silent) == ([2.0], [20.0], 0)
    earlier = spending_of(days, 5)
    assert (earlier.x.tolist(), earlier.mean.tolist()) == ([1.0], [10.0])


def test_other_currencies_are_converted_by_the_rates_and_told_where_there_is_none() -> None:
    money = Money("USD", {"EUR": 1.1, "JPY": 0.007})
    rows = batch(
        ("ann", 1.0, 1000, "EUR", None), ("ann", 2.0, 1000, "JPY", None), ("ann", 3.0, 1000, None, None),
        ("ann", 4.0, 1000, "CHF", None), ("ann", 5.0, 1000, "USD", None),
    )  # fmt: skip
    days = purchase_days([rows], {BOUGHT}, money)
    assert days.spent.tolist() == pytest.approx([11.0, 7.0, 10.0, np.nan, 10.0], nan_ok=True)
    assert days.unpriced == ("CHF",)


def test_a_customers_segment_is_that_of_the_first_purchase_day() -> None:
    rows = batch(
        ("ann", 40.0, 1, None, "store"), ("bob", 3.0, 1, None, None), ("ann", 2.0, 1, None, "shop"),
        ("bob", 9.0, 1, None, "shop"), ("eve", 31.0, 1, None, "store"),
    )  # fmt: skip
    days = purchase_days([rows.slice(0, 2), rows.slice(2)], {BOUGHT}, segment="channel")
    assert sorted(days.segment) == sorted(["shop", NO_SEGMENT, "store"])
    first = {days.segment[c]: days.day[days.customer == c].min() for c in range(3)}
    assert first == {"shop": 2, NO_SEGMENT: 3, "store": 31}
    months = purchase_days([rows], {BOUGHT}, segment="first_month").segment
    assert sorted(months) == ["1970-01", "1970-01", "1970-02"]
    late = days.only(days.day >= 9)
    assert (late.customers, sorted(late.segment)) == (3, sorted(days.segment))


def test_a_log_of_returns_alone_says_so() -> None:
    with pytest.raises(NoPurchasesError, match="2 with a negative amount are returns"):
        plain(("ann", 1.0, -5), ("ann", 2.0, -5))

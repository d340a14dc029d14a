"""How a purchase log becomes x, t_x and T."""

import pyarrow as pa
import pytest

from streams.fitting.histories import histories_of
from streams.fitting.purchases import DAY_MS, NoPurchasesError, purchase_days

Row = tuple[str | None, str | None, float, str]  # customer, anonymous, day, kind
BOUGHT = "order_completed"


def batch(*rows: Row) -> pa.RecordBatch:
    customers, anonymous, days, kinds = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.RecordBatch.from_pydict(
        {
            "customer_id": pa.array(customers, pa.string()),
            "anonymous_id": pa.array(anonymous, pa.string()),
            "occurred_at": pa.array([int(day * DAY_MS) for day in days], pa.int64()),
            "kind": pa.array(kinds, pa.string()),
        }
    )


def summary(*batches: pa.RecordBatch, unit: str = "day", until: int | None = None) -> list[tuple[int, float, float]]:
    seen = histories_of(purchase_days(batches, {BOUGHT}), unit, until)
    return sorted(zip(seen.x.tolist(), seen.t_x.tolist(), seen.age.tolist(), strict=True))


def test_purchases_of_one_day_are_one_across_batches_and_any_order() -> None:
    first = batch(("ann", None, 10.9, BOUGHT), ("bob", None, 20.0, BOUGHT), ("ann", None, 3.5, BOUGHT))
    second = batch(("ann", None, 3.01, BOUGHT), ("ann", None, 24.0, BOUGHT), ("ann", None, 10.0, BOUGHT))
    assert summary(first, batch(), second) == [(0, 0.0, 4.0), (2, 21.0, 21.0)]
    assert summary(first, second, unit="week") == [(0, 0.0, 4 / 7), (2, 3.0, 3.0)]


def test_what_is_not_bought_only_shows_how_far_the_log_goes() -> None:
    log = batch(("ann", None, 1.0, BOUGHT), ("ann", None, 2.0, "page_viewed"), ("eve", None, 9.9, "page_viewed"))
    assert summary(log) == [(0, 0.0, 8.0)]


def test_the_end_day_counts_and_later_customers_do_not() -> None:
    log = batch(("ann", None, 1.0, BOUGHT), ("ann", None, 7.99, BOUGHT), ("eve", None, 8.0, BOUGHT))
    assert summary(log, until=7) == [(1, 6.0, 6.0)]
    assert summary(log, until=6) == [(0, 0.0, 5.0)]
    assert summary(log, until=20) == [(0, 0.0, 12.0), (1, 6.0, 19.0)]


def test_who_has_no_customer_id_is_known_by_the_anonymous_one() -> None:
    log = batch((None, "cookie", 1.0, BOUGHT), (None, "cookie", 3.0, BOUGHT), ("ann", "cookie", 3.0, BOUGHT))
    assert summary(log) == [(0, 0.0, 0.0), (1, 2.0, 2.0)]


def test_days_before_1970_are_whole_days_too() -> None:
    assert summary(batch(("ann", None, -1.5, BOUGHT), ("ann", None, 0.5, BOUGHT))) == [(1, 2.0, 2.0)]


def test_an_empty_log_and_one_without_purchases_say_what_was_expected() -> None:
    with pytest.raises(NoPurchasesError, match="holds no rows"):
        summary(batch())
    with pytest.raises(NoPurchasesError, match="none of the 1 rows is a purchase: looked for the kind order_completed"):
        summary(batch(("ann", None, 1.0, "page_viewed")))
    with pytest.raises(NoPurchasesError, match="on or before 1970-01-03; the first one is on 1970-01-05"):
        summary(batch(("ann", None, 4.0, BOUGHT)), until=2)

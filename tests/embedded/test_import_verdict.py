"""What `relasi import` says of a file in the end, and what it says beforehand with --dry-run."""

from pathlib import Path

import pytest
from support.command import done, relasi, rows

MIXED = """customer_id,occurred_at,kind,channel,amount,currency
ann,2026-01-05,order_completed,shop,100.00,USD
ann,2026-01-07,order_refunded,shop,-40.00,USD
bob,2026-02-01,order_completed,,20.00,EUR
N/A,2026-02-02,purchase,store,5.00,USD
eve,soon,order_completed,shop,5.00,USD
eve,later,order_completed,shop,5.00,USD
"""


def written(data: Path, name: str, text: str) -> Path:
    file = data.with_name(name)
    file.write_text(text, "utf-8")
    return file


def test_it_says_what_it_understood(data: Path) -> None:
    ran = relasi("import", written(data, "mixed.csv", MIXED), "--data", data)
    assert ran.code == 0
    said = [line.strip() for line in ran.out.splitlines()]
    assert said[0] == "mixed.csv: 4 touchpoints imported"
    assert "customers  3" in said
    assert "dates      2026-01-05 to 2026-02-02 (UTC)" in said
    assert "purchases  2, money in: 20.00 EUR and 100.00 USD" in said
    assert "refunds    1, money back: 40.00 USD" in said
    assert "currency   USD (3), EUR (1)" in said
    assert "channels   shop (2), none told (1), store (1)" in said
    assert any(line.startswith("line 6: bad_time") for line in said)
    assert "does not name the kind purchase (1 rows); the nearest that it names: order_completed" in ran.err
    assert "ids of customers that look like none: 'N/A' (1)" in ran.err


def test_rejects_are_counted_by_reason_with_their_lines(data: Path) -> None:
    text = MIXED + "a,b,c,d\n" + "".join(f"eve,{i},order_completed,shop,5.00,USD\n" for i in range(4))
    said = done("import", written(data, "bad.csv", text), "--data", data)
    assert "bad_time: 6 rows (lines 6, 7, 9, 10, 11, …)" in said
    assert "broken_line: 1 rows (lines 8)" in said


def test_kinds_that_mean_nothing_are_said_with_the_nearest(data: Path) -> None:
    text = "customer_id,occurred_at,kind,amount,currency\n"
    text += "".join(
        f"{i},2026-01-02,{kind},10,USD\n" for i, kind in enumerate(("purchase", "Order Placed", "checkout"))
    )
    ran = relasi("import", written(data, "kinds.csv", text), "--data", data)
    assert ran.code == 0
    assert "purchases  none" in ran.out
    for kind in ("purchase", "order_placed", "checkout"):
        assert f"does not name the kind {kind} (1 rows); the nearest that it names: order_completed" in ran.err


BARE = "date,id\n2014-03-08 00:00:00,0\n2014-05-21 00:00:00,1\n"
BARELY = ("--map", "occurred_at=date", "--map", "customer_id=id", "--set", "kind=order_completed")


@pytest.mark.slow
def test_purchases_without_an_amount_are_none_and_may_be_counted(data: Path) -> None:
    file = written(data, "noamount.csv", BARE)
    ran = relasi("import", file, *BARELY, "--data", data)
    assert "2 purchases have no amount, and count as none" in ran.err
    assert "--set purchase_without_amount=count (policy: minimum_amount = 0)" in ran.err
    other = data / "counted"
    ran = relasi("import", file, *BARELY, "--set", "purchase_without_amount=count", "--data", other)
    assert "purchases  2, money in: none told" in ran.out
    assert "have no amount" not in ran.err
    assert rows(other, "SELECT purchases FROM profiles") == [{"purchases": 1}, {"purchases": 1}]
    assert "minimum_amount = 0 " in done("policy", "show", "--data", other)


def test_a_choice_that_is_none_is_told(data: Path) -> None:
    file = written(data, "noamount.csv", BARE)
    ran = relasi("import", file, *BARELY, "--set", "purchase_without_amount=often", "--data", data)
    assert (ran.code, ran.err) == (2, "purchase_without_amount: 'often' is none of count, ignore\n")


@pytest.mark.slow
@pytest.mark.parametrize("there", [False, True], ids=["new", "in use"])
def test_a_dry_run_says_the_same_and_writes_nothing(there: bool, data: Path) -> None:
    if there:
        done("import", written(data, "noamount.csv", BARE), *BARELY, "--data", data)
    file = written(data, "mixed.csv", MIXED)
    tried = relasi("import", "--dry-run", file, "--data", data)
    assert tried.code == 0
    if there:
        assert rows(data, "SELECT count() AS n FROM touchpoints") == [{"n": 2}]
    else:
        assert not data.exists()
    assert (
        "2026-01-05T00:00:00+00:00  customer_id=ann  kind=order_completed  channel=shop  amount=100.00 USD" in tried.out
    )
    came = relasi("import", file, "--data", data)
    alike = {line for line in tried.out.splitlines() if "T00:00:00+" not in line and "touchpoints" not in line}
    assert alike <= set(came.out.splitlines())
    assert tried.err == came.err


def test_a_dry_run_knows_what_is_there_already(data: Path) -> None:
    file = written(data, "mixed.csv", MIXED)
    done("import", file, "--data", data)
    more = written(data, "more.csv", MIXED + "zoe,2026-03-01,order_completed,shop,7.00,USD\n")
    said = done("import", "--dry-run", more, "--data", data)
    assert "more.csv: 1 touchpoints would be imported" in said
    assert "4 are known already and would be left out" in said
    ran = relasi("import", "--dry-run", file, "--set", "channel=web", "--data", data)
    assert (ran.code, "--again imports it all the same" in ran.err) == (3, True)


def test_a_dry_run_of_nothing_usable_says_why(data: Path) -> None:
    file = written(data, "times.csv", "customer_id,occurred_at,kind\nann,930101,order_completed\n")
    ran = relasi("import", "--dry-run", file, "--data", data)
    assert ran.code == 3
    assert "--time-format" in ran.err


def test_a_dry_run_puts_no_policy_in_force(data: Path) -> None:
    done("import", written(data, "noamount.csv", BARE), *BARELY, "--data", data)
    policy = written(data, "own.toml", done("policy", "show", "--data", data).replace('"commerce"', '"ours"', 1))
    ran = relasi("import", "--dry-run", written(data, "mixed.csv", MIXED), "--policy", policy, "--data", data)
    assert "the policy ours does not name the kind purchase" in ran.err
    assert 'name = "commerce"' in done("policy", "show", "--data", data)


REFUSED = """event_id,customer_id,occurred_at,kind,amount,currency
e1,ann,2026-01-05,order_completed,100.00,XTS
e1,ann,2026-01-05,order_completed,100.00,USD
e2,bob,2026-01-06,order_completed,20.00,XTS
"""


def test_what_the_policy_refuses_is_told_by_the_lines_of_the_file(data: Path) -> None:
    ran = relasi("import", written(data, "refused.csv", REFUSED), "--data", data)
    assert "refused by the policy: unknown_currency, 2 rows (lines 2, 4 of the file)" in ran.err
    assert "the policy has no rate for XTS: 2 rows are refused until it has one" in ran.err
    assert "purchases  1, money in: 100.00 USD" in ran.out


def test_a_row_that_is_refused_makes_no_other_known(data: Path) -> None:
    done("import", written(data, "refused.csv", REFUSED), "--data", data)
    assert rows(data, "SELECT event_id, currency FROM touchpoints") == [{"event_id": "e1", "currency": "USD"}]

"""Times in files, through the command: what is understood, what is asked, and that nothing becomes 1970."""

from pathlib import Path

import pytest
from support.command import done, relasi, rows

AT = "SELECT customer_id, toString(occurred_at) AS at FROM touchpoints ORDER BY customer_id"


def written(data: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    file = data.with_name(name)
    file.write_bytes(text.encode(encoding))
    return file


def times(data: Path) -> dict[str, str]:
    return {row["customer_id"]: row["at"][:19] for row in rows(data, AT)}


BANK = '"account_id";"date";"amount"\n2378;930101;700.00\n576;930102;900.00\n'
BANKED = ("--map", "customer_id=account_id", "--map", "occurred_at=date", "--set", "kind=order_completed",
          "--set", "currency=EUR")  # fmt: skip


@pytest.mark.slow
def test_six_digits_are_asked_about(data: Path) -> None:
    file = written(data, "bank.asc", BANK)
    asked = relasi("import", file, *BANKED, "--data", data)
    assert asked.code == 3
    assert "--time-format" in asked.err
    assert times(data) == {}
    done("import", file, *BANKED, "--time-format", "%y%m%d", "--data", data)
    assert times(data) == {"2378": "1993-01-01 00:00:00", "576": "1993-01-02 00:00:00"}


def test_digits_are_what_is_plausible(data: Path) -> None:
    text = "customer_id,occurred_at,kind\nann,1704067200.0,page_viewed\nbob,202401020304,page_viewed\n"
    done("import", written(data, "digits.csv", text), "--data", data)
    assert times(data) == {"ann": "2024-01-01 00:00:00", "bob": "2024-01-02 03:04:00"}


DATES = "customer_id,occurred_at,kind\na,05/02/2026,page_viewed\nb,{}/02/2026,page_viewed\n"


def test_the_column_says_whether_the_day_comes_first(data: Path) -> None:
    done("import", written(data, "dm.csv", DATES.format("13")), "--data", data)
    assert times(data) == {"a": "2026-02-05 00:00:00", "b": "2026-02-13 00:00:00"}


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "day"), [("%d/%m/%Y", "2026-02-05"), ("%m/%d/%Y", "2026-05-02")])
def test_and_is_asked_where_it_does_not(pattern: str, day: str, data: Path) -> None:
    file = written(data, "either.csv", DATES.format("11"))
    asked = relasi("import", file, "--data", data)
    assert asked.code == 3
    assert "'05/02/2026' in line 2 may begin with the day or with the month" in asked.err
    done("import", file, "--time-format", pattern, "--data", data)
    assert times(data)["a"] == f"{day} 00:00:00"


def test_local_times_in_columns_of_their_own(data: Path) -> None:
    text = "Kunde;Tag;Uhr\nMüller;31.12.2023;10:00\n"
    done(
        "import", written(data, "local.csv", text, "windows-1252"), "--encoding", "windows-1252", "--timezone",
        "Asia/Jakarta", "--map", "customer_id=Kunde", "--map", "occurred_at=Tag+Uhr", "--set", "kind=page_viewed",
        "--data", data,
    )  # fmt: skip
    assert times(data) == {"Müller": "2023-12-31 03:00:00"}


@pytest.mark.slow
def test_what_lies_in_the_future_moves_no_time(data: Path) -> None:
    text = "customer_id,occurred_at,kind\nann,2024-01-05,page_viewed\nbob,2199-01-05,page_viewed\n"
    done("import", written(data, "future.csv", text), "--data", data)
    assert list(times(data)) == ["ann"]
    assert [row["reason"] for row in rows(data, "SELECT reason FROM rejects")] == ["impossible_time"]
    done("import", written(data, "next.csv", text.replace("bob,2199", "eve,2024")), "--data", data)
    assert list(times(data)) == ["ann", "eve"]


def test_zones_are_checked_before_anything_is_opened(data: Path) -> None:
    told = relasi("import", written(data, "x.csv", BANK), "--timezone", "Mars/Base", "--data", data)
    assert told.code == 2
    assert "timezone: 'Mars/Base' is no zone" in told.err

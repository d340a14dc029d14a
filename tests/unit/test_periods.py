"""Durations and instants in properties, as people and systems write them."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pytest

from schemas.periods import PERIOD_UNREADABLE, end_of_period, read_instant, read_period

PERIODS: Final = {
    (12, 0): ("12 months", "1y", "annual", "Yearly", "one year", "a year", "P1Y", "P12M", "12-month", "1 Year"),
    (6, 0): ("half a year", "half-yearly", "semi-annual", "Semiannual", "biannual", "semester", "six months", "P6M"),
    (1, 0): ("month", "Monthly", "month-to-month", "1m", "P1M"),
    (3, 0): ("quarterly", "quarter", "3 months", "1 quarter"),
    (24, 0): ("two years", "biennial", "2-year", "24 months", "P2Y", "P0Y24M"),
    (18, 0): ("P1Y6M", "18 months"),
    (14, 3): ("P1Y2M3DT4H",),
    (0, 14): ("2 weeks", "fortnight", "biweekly", "P2W", "14 days", "two weeks"),
    (0, 30): ("30 days", "30d", "P30D"),
    (0, 0): ("", "12", "x", "PT3H", "P", "one", "-3 months", "1.5 years", "4001 y", "P1", "PY", "0 months", "forever"),
}
LAST_DAY: Final = datetime(2025, 12, 31, tzinfo=UTC)


def read(text: str) -> tuple[int, int]:
    raw = np.frombuffer(b"<" + text.encode() + b"> 9", np.uint8)
    months, days = read_period(raw, 1, len(text))
    return int(months), int(days)


@pytest.mark.parametrize("expected", PERIODS)
def test_a_duration_is_read_however_it_is_written(expected: tuple[int, int]) -> None:
    assert {text: read(text) for text in PERIODS[expected]} == dict.fromkeys(PERIODS[expected], expected)


def instant(text: str) -> datetime | None:
    raw = np.frombuffer(b"8" + text.encode() + b"-0", np.uint8)
    ms = int(read_instant(raw, 1, len(text)))
    return None if ms == PERIOD_UNREADABLE else datetime.fromtimestamp(ms / 1000, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, LAST_DAY) for text in ("2025-12-31", "20251231", "2025/12/31", "31.12.2025", "1767139200")),
        *(
            (text, LAST_DAY)
            for text in ("1767139200000", "2025-12-31T02:00:00+02:00", "2025-12-31 00:00", "2025.12.31")
        ),
        ("2025-12-31T23:00:30.250Z", datetime(2025, 12, 31, 23, 0, 30, tzinfo=UTC)),
        ("1.2.2025", datetime(2025, 2, 1, tzinfo=UTC)),
        ("2025-12", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2024-02", datetime(2024, 3, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_however_it_is_written(text: str, expected: datetime) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "12/31/2025", "31/12/2025", "2025-13-01", "2025-02-30", "abc", "2025", "99999999", "1.2.25"),
        *("2025-12-", "31.12", "1969-12-31", "1969-12", "2025-12/31", "never"),
    ],
)
def test_what_has_two_readings_or_none_is_no_instant(text: str) -> None:
    assert instant(text) is None


def test_months_are_those_of_the_calendar() -> None:
    at = int(datetime(2024, 1, 31, 10, tzinfo=UTC).timestamp() * 1000)
    ends = datetime.fromtimestamp(end_of_period(1, 2, at) / 1000, UTC)
    assert ends == datetime(2024, 3, 2, 10, tzinfo=UTC)

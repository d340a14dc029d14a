"""When an attempt is due, and what an answer means."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.triggers.zones import ZONES as KNOWN_ZONES
from streams.delivery.answers import Answer, Meaning, judged
from streams.delivery.breaker import FAILURES, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Breaker
from streams.delivery.schedule import DELAYS, BadHours, after_quiet, delay_ms, hours_before_a_day


def test_attempts_go_on_for_three_days() -> None:
    delays = [delay_ms("x", n) for n in range(1, len(DELAYS))]
    assert delay_ms("x", len(DELAYS)) is None
    for found, wanted in zip(delays, (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400), strict=True):
        assert found is not None
        assert wanted * 1000 <= found <= wanted * 1100
    assert delay_ms("x", 3) == delay_ms("x", 3)
    assert len({delay_ms(str(n), 3) for n in range(100)}) > 90


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", ""]


@example(now=1_774_746_000_000, begin=1380, end=150, zone="Europe/Berlin")  # the night in which clocks go forward
@given(
    now=st.integers(1_600_000_000_000, 1_900_000_000_000),
    begin=st.integers(0, 1439),
    end=st.integers(0, 1439),
    zone=st.sampled_from(ZONES),
)
def test_after_quiet_hours_it_is_not_quiet(now: int, begin: int, end: int, zone: str) -> None:
    hours = f"{begin // 60}:{begin % 60:02}-{end // 60}:{end % 60:02}"
    at = after_quiet(now, hours, zone)
    assert now <= at <= now + 26 * 3_600_000
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone or "UTC"))
    minute = local.hour * 60 + local.minute
    if at > now and local.utcoffset() == datetime.fromtimestamp(now / 1000, local.tzinfo).utcoffset():
        assert minute == end
        assert after_quiet(at, hours, zone) == at
    if at == now:
        inside = begin <= minute < end if begin <= end else minute >= begin or minute < end
        assert not inside


def test_quiet_hours_by_hand() -> None:
    def ms(text: str) -> int:
        return round(datetime.fromisoformat(text).timestamp() * 1000)

    # 20:30 UTC is 22:30 in Berlin in summer; its quiet hours end at 08:00, 06:00 UTC.
    assert after_quiet(ms("2026-07-01T20:30+00:00"), "21:00-08:00", "Europe/Berlin") == ms("2026-07-02T06:00+00:00")
    assert after_quiet(ms("2026-07-01T18:30+00:00"), "21:00-08:00", "Europe/Berlin") == ms("2026-07-01T18:30+00:00")
    # In the night to 2026-03-29 clocks go from 2:00 to 3:00: what ends at 2:30 ends at 3:30 summer time at the latest.
    ends = after_quiet(ms("2026-03-29T00:10+00:00"), "23:00-02:30", "Europe/Berlin")
    assert ms("2026-03-29T01:00+00:00") <= ends <= ms("2026-03-29T01:30+00:00")


@pytest.mark.parametrize(
    ("hours", "zone"),
    [
        ("21-8", "UTC"),
        ("21:00", "UTC"),
        ("25:00-08:00", "UTC"),
        ("21:00-08:00", "Mars/Base"),
        ("21:00-08:00", "Europe"),
        ("21:00-08:00", "../zones"),
        ("21:00-08:00", "/etc/localtime"),
        ("21:00-08:00", "Europe/../UTC"),
    ],
)
def test_hours_that_cant_be_read(hours: str, zone: str) -> None:
    with pytest.raises(BadHours):
        after_quiet(0, hours, zone)


def test_every_zone_that_a_customer_can_live_in_is_in_the_data_of_this_release() -> None:
    for name in KNOWN_ZONES[1:]:
        assert after_quiet(0, "00:00-23:59", name) > 0, name
    assert set(KNOWN_ZONES[1:]) == set(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"}


def test_zones_are_those_of_this_release_whatever_the_machine_has(tmp_path: Path) -> None:
    # A machine whose Berlin is Tokyo: zoneinfo itself believes it.
    (tmp_path / "Europe").mkdir()
    with files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").open("rb") as other:
        (tmp_path / "Europe" / "Berlin").write_bytes(other.read())
    asked = (
        "from zoneinfo import ZoneInfo; from datetime import datetime; "
        "from streams.delivery.schedule import after_quiet; "
        "print(datetime(2026, 1, 1, tzinfo=ZoneInfo('Europe/Berlin')).utcoffset(), "
        "after_quiet(0, '00:00-08:00', 'Europe/Berlin'))"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["9:00:00", str(7 * 3_600_000)]


NOW = 1_796_013_231_000
IN_90_SECONDS = format_datetime(datetime.fromtimestamp(NOW / 1000 + 90, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("answer", "meaning", "pause"),
    [
        (Answer(200), Meaning.DELIVERED, 0),
        (Answer(204, "60"), Meaning.DELIVERED, 0),
        (Answer(301), Meaning.FAILED, 0),
        (Answer(400), Meaning.FAILED, 0),
        (Answer(410), Meaning.GONE, 0),
        (Answer(429), Meaning.FAILED, 1_000),
        (Answer(429, "30"), Meaning.FAILED, 30_000),
        (Answer(502, "nonsense"), Meaning.FAILED, 1_000),
        (Answer(503), Meaning.FAILED, 0),
        (Answer(503, "7"), Meaning.FAILED, 7_000),
        (Answer(504, "99999999"), Meaning.FAILED, 24 * 3_600_000),
        (Answer(0, error="no answer"), Meaning.FAILED, 0),
        (Answer(429, IN_90_SECONDS), Meaning.FAILED, 90_000),
    ],
)  # fmt: skip
def test_what_an_answer_means(answer: Answer, meaning: Meaning, pause: int) -> None:
    verdict = judged(answer, NOW)
    assert (verdict.meaning, verdict.pause_ms) == (meaning, pause)
    assert bool(verdict.why) == (meaning is not Meaning.DELIVERED)


def test_a_breaker_opens_probes_and_closes() -> None:
    breaker = Breaker()
    for n in range(FAILURES):
        assert breaker.wait_ms(n) == 0
        breaker.begin(n)
        breaker.failed(n)
    now = FAILURES - 1
    assert breaker.open
    assert breaker.wait_ms(now) == FIRST_PAUSE_MS
    now += FIRST_PAUSE_MS
    assert breaker.wait_ms(now) == 0
    breaker.begin(now)
    assert breaker.wait_ms(now) > 0  # one at a time
    breaker.failed(now)
    assert breaker.wait_ms(now) == 2 * FIRST_PAUSE_MS
    now += 2 * FIRST_PAUSE_MS
    breaker.begin(now)
    breaker.abandoned()
    assert breaker.wait_ms(now) == 0
    breaker.begin(now)
    breaker.succeeded()
    assert (breaker.open, breaker.wait_ms(now)) == (False, 0)
    for _ in range(FAILURES + 20):
        breaker.begin(now)
        breaker.failed(now)
    assert breaker.wait_ms(now) <= LONGEST_PAUSE_MS


@given(
    day=st.integers(18_000, 22_000),
    hours=st.sampled_from(
        ["21:00-08:00", "", "00:00-08:00", "12:00-14:00", "18:00-22:00", "22:00-00:00", "15:30-09:15"]
    ),
    zone=st.sampled_from([*ZONES, "America/Los_Angeles", "Pacific/Pago_Pago", "Pacific/Kiritimati"]),
)
def test_what_is_for_a_day_goes_out_on_that_day(day: int, hours: str, zone: str) -> None:
    midnight = day * 86_400_000
    sent = after_quiet(midnight, hours_before_a_day(hours, midnight, zone), zone)
    local = datetime.fromtimestamp(sent / 1000, ZoneInfo(zone or "UTC"))
    assert local.date() == datetime.fromtimestamp(midnight / 1000, UTC).date()
    assert after_quiet(sent, hours, zone) == sent


def test_a_birthday_in_los_angeles_by_hand() -> None:
    midnight = round(datetime(2025, 7, 4, tzinfo=UTC).timestamp() * 1000)  # 17:00 of the third there
    assert hours_before_a_day("21:00-08:00", midnight, "America/Los_Angeles") == "17:00-08:00"
    assert hours_before_a_day("", midnight, "America/Los_Angeles") == "17:00-00:00"
    assert hours_before_a_day("21:00-08:00", midnight, "Europe/Berlin") == "21:00-08:00"
    sent = after_quiet(midnight, "17:00-08:00", "America/Los_Angeles")
    assert datetime.fromtimestamp(sent / 1000, UTC) == datetime(2025, 7, 4, 15, tzinfo=UTC)

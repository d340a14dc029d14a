# ruff: noqa: RUF001 (Cyrillic letters are meant)
"""Times as files hold them: shapes, zones, columns that decide, and joined columns."""

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.imports.canonical import CANONICAL
from streams.imports.evidence import EITHER, FIRST, NEUTRAL, SECOND
from streams.imports.instants import instants
from streams.imports.mapping import Mapping, read_mapping
from streams.imports.prepare import prepare
from streams.imports.problems import ImportReject, InputProblem, MappingProblem

NOW = 1_800_000_000_000
WHO = {"customer_id": "c", "kind": "k"}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def read(text: str, pattern: str | None = None, zone: str = "UTC", assumed: int = FIRST) -> tuple[int | str, int]:
    """(instant, or what is wrong; the way that it speaks for)."""
    found = instants(pa.array([text]), pattern, zone, assumed)
    value: int | None = found.values[0].as_py()
    wrong = "bad" if found.bad[0] else "unclear" if found.unclear[0] else "lost" if found.lost[0] else ""
    assert (value is None) == bool(wrong)
    return (wrong if value is None else value), int(found.ways[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Since 1970, in whatever unit is plausible.
        ("1704067200", "2024-01-01"), ("1704067200.0", "2024-01-01"), ("1.7040672E9", "2024-01-01"),
        ("1704067200.25", "2024-01-01T00:00:00.250"), ("1704067200123", "2024-01-01T00:00:00.123"),
        ("1.704067200123E12", "2024-01-01T00:00:00.123"), ("1704067200123456", "2024-01-01T00:00:00.123"),
        ("1704067200123456789", "2024-01-01T00:00:00.123"), ("1000000000", "2001-09-09T01:46:40"),
        # Dates in digits.
        ("20240102", "2024-01-02"), ("20240102.0", "2024-01-02"), ("202401020304", "2024-01-02T03:04"),
        ("20240102030405", "2024-01-02T03:04:05"), ("19991231", "1999-12-31"),
        # Dates as people write them.
        ("31.12.2023", "2023-12-31"), ("1.2.2023 7:05", "2023-02-01T07:05"), ("13/02/2026", "2026-02-13"),
        ("2/13/2026 9:30 PM", "2026-02-13T21:30"), ("2026/2/5", "2026-02-05"), ("5 Mar 1998", "1998-03-05"),
        ("Mar 5, 1998 12:15 AM", "1998-03-05T00:15"), ("05-Jan-2026 10:00:00", "2026-01-05T10:00"),
        ("Mon, 05 Jan 2026 10:00:00 +0100", "2026-01-05T09:00"), ("2015 July 1", "2015-07-01"),
        ("2015 7 1", "2015-07-01"), ("2026-01-05 10:00:00 +0100", "2026-01-05T09:00"),
        ("Mon Jan 05 2026 10:00:00 GMT+0100 (CET)", "2026-01-05T09:00"),
        # Months in other languages, with the words and signs that stand around them.
        ("12. März 2024", "2024-03-12"), ("3 mai 2024", "2024-05-03"), ("15 de enero de 2024", "2024-01-15"),
        ("12 Agustus 2024", "2024-08-12"), ("1er mars 2024 à 14h05", "2024-03-01T14:05"), ("15-ene-24", "2024-01-15"),
        ("Montag, 12. März 2024, 10:05 Uhr", "2024-03-12T10:05"), ("mardi 3 mai 2024", "2024-05-03"),
        ("2024. március 12.", "2024-03-12"), ("5 марта 2024 г.", "2024-03-05"), ("12 Ekim 2024", "2024-10-12"),
        ("2 janvier 2026", "2026-01-02"), ("1 Marraskuu 2025", "2025-11-01"), ("Di., 3. Okt. 2024", "2024-10-03"),
        ("12 Mei 2024 10.05 WIB", "2024-05-12T03:05"), ("January 1st, 2024", "2024-01-01"),
        ("15 de marzo de 2024 a las 10:05", "2024-03-15T10:05"), ("2024年3月12日 10:05", "2024-03-12T10:05"),
        ("13/03/2024 10:05 p. m.", "2024-03-13T22:05"), ("13/08/2024 14.05", "2024-08-13T14:05"),
        ("12/Mar/2024:10:00:00 +0100", "2024-03-12T09:00"),
        # Weeks and days of a year.
        ("2024-W03-2", "2024-01-16"), ("2024W032", "2024-01-16"), ("2020-W53-7", "2021-01-03"),
        ("2024-035", "2024-02-04"), ("2024-366", "2024-12-31"), ("2024-035T10:00:00+01:00", "2024-02-04T09:00"),
        # Zones by name.
        ("2026-01-05T10:00:00+01:00[Europe/Berlin]", "2026-01-05T09:00"), ("2026-01-05 10:00 UTC", "2026-01-05T10:00"),
        ("2026-01-05 10:00 Asia/Jakarta", "2026-01-05T03:00"), ("2026-07-05 10:00 Europe/Berlin", "2026-07-05T08:00"),
        ("2026-01-05 10:00 WIB", "2026-01-05T03:00"), ("2026-01-05 10:00 EST", "2026-01-05T15:00"),
    ],
)  # fmt: skip
def test_times_that_are_understood(text: str, expected: str) -> None:
    assert read(text)[0] == at(expected)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("930101", "unclear"), ("45293", "unclear"), ("45293.5", "unclear"), ("2024", "unclear"), ("0", "unclear"),
        ("852076800", "unclear"), ("852076800000", "unclear"), ("-5", "unclear"), ("1e3", "unclear"),
        ("202413", "unclear"), ("20241301", "unclear"), ("20240102.5", "unclear"), ("202401022504", "unclear"),
        ("12 lis 2024", "bad"), ("5 listopada 2024", "bad"), ("Q1 Mars 2024", "bad"), ("KW 3 März 2024", "bad"),
        ("3-5 mai 2024", "bad"), ("mai 2024", "bad"), ("2024-W03", "bad"), ("2024-W54-1", "bad"), ("2023-366", "bad"),
        ("2024-1234", "bad"), ("2024-12", "bad"), ("31 févr. 2024", "bad"),
        ("99999999999999999", "unclear"), ("7000000000", "unclear"),
        ("NaN", "bad"), ("", "bad"), ("soon", "bad"), ("13/13/2026", "bad"), ("31/02/2026", "bad"), ("1/2-2026", "bad"),
        ("2026-01-05 25:00", "bad"), ("2026-01-05 13:00 PM", "bad"), ("2026-01-05 0:30 PM", "bad"), ("٢٠٢٤", "bad"),
        ("5 Foo 1998", "bad"), ("10:30", "bad"), ("2026-01-05 10:00 IST", "lost"),
        ("2026-01-05 10:00 Mars/Base", "lost"),
    ],
)  # fmt: skip
def test_times_that_are_not(text: str, wrong: str) -> None:
    assert read(text or " x")[0] == wrong


@given(st.integers(-(10**20), 10**20))
def test_whole_numbers_are_never_near_1970(number: int) -> None:
    found = read(str(number))[0]
    assert isinstance(found, str) or found >= at("1900-01-01")
    if not isinstance(found, str) and at("1971-01-01") > found > at("1969-01-01"):
        assert str(number).startswith(("1969", "1970"))


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("45293", "excel", "2024-01-02"), ("45293.4375", "excel", "2024-01-02T10:30"),
        ("45293.430555555556", "excel", "2024-01-02T10:20"), ("930101", "%y%m%d", "1993-01-01"),
        ("852076800", "seconds", "1997-01-01"), ("1704067200123456789", "nanoseconds", "2024-01-01T00:00:00.123"),
        ("5", "excel", None), ("soon", "excel", None),
    ],
)  # fmt: skip
def test_times_that_were_told(text: str, pattern: str, expected: str | None) -> None:
    assert read(text, pattern)[0] == ("bad" if expected is None else at(expected))


def test_ways() -> None:
    assert [read(text)[1] for text in ("13/02/2026", "02/13/2026", "05/02/2026", "05/05/2026", "05.02.2026")] == [
        FIRST, SECOND, EITHER, NEUTRAL, FIRST,
    ]  # fmt: skip
    assert read("05/02/2026", assumed=SECOND)[0] == at("2026-05-02")
    assert read("05/02/2026")[0] == at("2026-02-05")


ZONES = ["Asia/Jakarta", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


@given(st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_local_times_are_those_of_the_zone(local: datetime, zone: str) -> None:
    # fold=0: the first of two, and in a gap the offset before it, as RFC 5545 has it.
    expected = int(local.replace(microsecond=0, fold=0, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
    text = local.replace(microsecond=0).isoformat()
    assert read(text, zone=zone)[0] == expected
    assert read(text, "%Y-%m-%dT%H:%M:%S", zone)[0] == expected
    assert read(f"{text} {zone}")[0] == expected


def test_summer_time() -> None:
    berlin = "Europe/Berlin"
    assert read("2026-03-29 02:30", zone=berlin)[0] == at("2026-03-29T01:30")
    assert read("2026-10-25 02:30", zone=berlin)[0] == at("2026-10-25T00:30")
    assert read("2026-03-29T02:30Z", zone=berlin)[0] == at("2026-03-29T02:30")
    assert read("1774751400", zone=berlin)[0] == 1774751400000
    assert read("20260705", zone="+07:00")[0] == at("2026-07-04T17:00")


def found_in(data: bytes, folder: Path, mapping: Mapping, **options: Any) -> tuple[list[int], list[ImportReject]]:
    with prepare(io.BytesIO(data), mapping, as_arrived=True, workdir=folder, **{"now": NOW} | options) as prepared:
        table = pa.Table.from_batches(prepared.batches(), CANONICAL)
        return table.column("occurred_at").to_pylist(), list(prepared.rejects)


def csv_of(*times: str) -> bytes:
    return "\n".join(["occurred_at", *(f'"{time}"' for time in times)]).encode()


def test_the_whole_column_says_where_the_day_stands(tmp_path: Path) -> None:
    mapping = Mapping(constants=WHO)
    assert found_in(csv_of("05/02/2026", "13/02/2026", "01/03/2026"), tmp_path, mapping)[0] == [
        at("2026-02-05"), at("2026-02-13"), at("2026-03-01"),
    ]  # fmt: skip
    assert found_in(csv_of("05/02/2026", "02/13/2026"), tmp_path, mapping)[0] == [at("2026-05-02"), at("2026-02-13")]
    times, _ = found_in(csv_of(*["05/02/2026"] * 400_000, "02/13/2026"), tmp_path, mapping)
    assert set(times[:-1]) == {at("2026-05-02")}


@pytest.mark.parametrize("times", [("05/02/2026",), ("13/02/2026", "02/13/2026"), ("01-02-2026", "05-05-2026")])
def test_a_column_that_does_not_is_asked_about(times: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match="--time-format"):
        found_in(csv_of(*times), tmp_path, Mapping(constants=WHO))
    assert list(tmp_path.iterdir()) == []


def test_dates_and_times_in_columns_of_their_own(tmp_path: Path) -> None:
    def joined(*columns: str) -> Mapping:
        return Mapping(constants=WHO, columns={"occurred_at": "+".join(columns)})

    data = b"d,t,z,x\n2026-01-05,10:00,Asia/Jakarta,1\n2026-01-05,,,2\n"
    assert found_in(data, tmp_path, joined("d", "t")) == ([at("2026-01-05T10:00"), at("2026-01-05")], [])
    assert found_in(data, tmp_path, joined("d", "t", "z"))[0] == [at("2026-01-05T03:00"), at("2026-01-05")]
    lines = b'{"year": 2015, "month": "July", "day": 1}\n'
    assert found_in(lines, tmp_path, joined("year", " month", "day"))[0] == [at("2015-07-01")]
    out = io.BytesIO()
    day, clock = datetime(2026, 1, 5, tzinfo=UTC).date(), datetime(2026, 1, 5, 10, 30, tzinfo=UTC).time()
    pq.write_table(pa.table({"d": [day], "t": [clock]}), out)
    assert found_in(out.getvalue(), tmp_path, joined("d", "t"))[0] == [at("2026-01-05T10:30")]
    named = b"d+t\n2026-01-05\n"
    assert found_in(named, tmp_path, joined("d", "t"))[0] == [at("2026-01-05")]
    with pytest.raises(InputProblem, match=r"a column 'd\+y' that is not there"):
        found_in(data, tmp_path, joined("d", "y"))


def test_columns_that_are_joined_are_not_left(tmp_path: Path) -> None:
    mapping = Mapping(constants=WHO, columns={"occurred_at": "d+t"})
    with prepare(
        io.BytesIO(b"d,t,x\n2026-01-05,10:00,1\n"), mapping, as_arrived=True, workdir=tmp_path, now=NOW
    ) as prepared:
        assert prepared.ignored == ("x",)


def test_typed_columns_are_local_too(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"occurred_at": pa.array([at("2026-01-05T10:00")], pa.timestamp("ms"))}), out)
    mapping = Mapping(constants=WHO, timezone="Asia/Jakarta")
    assert found_in(out.getvalue(), tmp_path, mapping)[0] == [at("2026-01-05T03:00")]


def test_what_has_not_happened_yet_is_a_reject(tmp_path: Path) -> None:
    now = at("2026-01-05T10:00")
    times, rejects = found_in(
        csv_of("2026-01-05T10:00", "2026-01-05T10:00:00.001"), tmp_path, Mapping(constants=WHO), now=now
    )
    assert times == [now]
    assert [(reject.row, reject.reason, reject.detail) for reject in rejects] == [
        (3, "impossible_time", "occurred_at is in the future")
    ]


def test_a_mapping_names_zones_and_encodings_that_exist(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text('timezone = "Mars/Base"\nencoding = "ebcdic-x"\n')
    with pytest.raises(MappingProblem, match=r"(?s)encoding: 'ebcdic-x'.*timezone: 'Mars/Base'"):
        read_mapping(file)
    file.write_text('timezone = "Asia/Jakarta"\nencoding = "utf-16"\ntime_format = "excel"\n')
    assert read_mapping(file).timezone == "Asia/Jakarta"


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-16", None), ("windows-1252", "windows-1252"), ("utf-16-le", "utf-16-le"),
                           ("utf-8", "utf-8"), ("latin-1", "latin-1")]
)  # fmt: skip
def test_text_that_is_not_utf_8(encoding: str, told: str | None, tmp_path: Path) -> None:
    data = "Köln;occurred_at\nMüller;2026-01-05\n".encode(encoding)
    mapping = Mapping(constants={"kind": "k"}, columns={"customer_id": "Köln"}, encoding=told)
    with prepare(io.BytesIO(data), mapping, as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert next(prepared.batches()).column("customer_id").to_pylist() == ["Müller"]


def test_text_that_is_not_in_its_encoding(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match=r"is not text in utf-16.*--encoding"):
        found_in(b"occurred_at\n2026-", tmp_path, Mapping(constants=WHO, encoding="utf-16-le"))


def test_months_of_other_languages_stand_beside_other_dates_of_their_column() -> None:
    texts = ["2024-01-05", "12. März 2024", None, "soon", "5.1.2024", "7 mai 2024 10:00 IST", "3 juin 2024"]
    found = instants(pa.array(texts), None, "Europe/Berlin")
    days = ["2024-01-04T23:00", "2024-03-11T23:00", None, None, "2024-01-04T23:00", None, "2024-06-02T22:00"]
    assert found.values.to_pylist() == [None if day is None else at(day) for day in days]
    assert found.bad.tolist() == [False, False, False, True, False, False, False]
    assert found.lost.tolist() == [False, False, False, False, False, True, False]


@given(st.dates(min_value=date(1970, 1, 2), max_value=date(2099, 12, 31)))
def test_a_week_and_a_day_of_the_year_are_the_date_of_the_calendar(day: date) -> None:
    year, week, weekday = day.isocalendar()
    assert read(f"{year}-W{week:02d}-{weekday}")[0] == at(day.isoformat())
    assert read(f"{day.year}-{day.timetuple().tm_yday:03d}")[0] == at(day.isoformat())


@pytest.mark.parametrize("text", ["1970-01-01", "1970-01-01T00:00:00Z", "01.01.1970 01:00"])
def test_the_beginning_of_1970_is_no_time(text: str, tmp_path: Path) -> None:
    file = io.BytesIO(f"customer_id,kind,occurred_at\na,k,{text}\nb,k,1970-01-02\n".encode())
    with prepare(file, Mapping(), as_arrived=True, workdir=tmp_path, now=NOW) as prepared:
        assert pa.Table.from_batches(prepared.batches(), CANONICAL).column("customer_id").to_pylist() == ["b"]
        assert [(reject.row, reject.reason) for reject in prepared.rejects] == [(2, "impossible_time")]

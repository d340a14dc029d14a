"""Single values: amounts, instants, kinds, lines and properties."""

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.imports.columns import plain, text_of
from streams.imports.kinds import kind_of
from streams.imports.money import decimals_of, integers
from streams.imports.nested import NestedProblem, lines_bytes, map_bytes, maps_of_columns, texts_of
from streams.imports.times import from_temporal, instants


def minor(text: str, decimals: int, *, exact: bool = False, point: str = ".") -> int | None:
    values, bad = integers(pa.array([text]), np.array([decimals], np.int8), exact=exact, point=point)
    assert bad[0] == (values[0].as_py() is None)
    value: int | None = values[0].as_py()
    return value


def millis(text: str, pattern: str | None = None) -> int | str:
    values, bad, unclear = instants(pa.array([text]), pattern)
    value: int | None = values[0].as_py()
    assert (value is None) == bool(bad[0] | unclear[0])
    return value if value is not None else "bad" if bad[0] else "unclear"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None), st.sampled_from([0, 2, 3, 4]))
def test_amounts_round_as_decimals_do(amount: Decimal, decimals: int) -> None:
    with_room = amount.scaleb(decimals)
    found = minor(str(amount), decimals)
    if abs(amount.adjusted()) > 40 or len(amount.as_tuple().digits) > 17:
        return
    expected = int(with_room.to_integral_value(ROUND_HALF_EVEN))
    assert found == (expected if abs(expected) < 2**63 - 100 else None)


@given(st.integers(-(10**15), 10**15))
def test_money_in_doubles_is_exact(cents: int) -> None:
    text, _ = text_of(pa.array([cents / 100]))
    assert integers(text, np.array([2], np.int8), exact=False)[0][0].as_py() == cents


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("11.77", 2, 1177), ("-0.05", 2, -5), ("+3", 2, 300), (".5", 2, 50), ("5.", 2, 500), ("1e3", 2, 100_000),
        ("1.005", 2, 100), ("1.015", 2, 102), ("1.0050000000000000000001", 2, 101), ("0.30000000000000004", 2, 30),
        ("123456789012.00000000000000", 2, 12345678901200), ("12345678901234567.89", 2, 1234567890123456789),
        ("1500", 0, 1500), ("1.234", 3, 1234), ("1e-30", 2, 0), ("0e999", 2, 0),
        ("", 2, None), ("-", 2, None), (".", 2, None), ("1,000.00", 2, None), ("$5", 2, None), ("1e", 2, None),
        ("inf", 2, None), ("nan", 2, None), ("1e30", 2, None), ("9223372036854775807", 0, None), ("1.2.3", 2, None),
        ("0x10", 2, None), ("1 000", 2, None), ("\u0661", 2, None),
    ],
)  # fmt: skip
def test_amounts(text: str, decimals: int, expected: int | None) -> None:
    assert minor(text, decimals) == expected


def test_whole_numbers_and_decimal_commas() -> None:
    assert minor("1177", 0, exact=True) == 1177
    assert minor("1177.00", 0, exact=True) == 1177
    assert minor("11.77", 0, exact=True) is None
    assert minor("11,77", 2, point=",") == 1177
    assert minor("11.77", 2, point=",") is None


def test_currencies_have_their_own_decimals() -> None:
    assert [decimals_of(code) for code in ("USD", "JPY", "BHD", "CLF", None)] == [2, 0, 3, 4, 2]


ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2500, 1, 1)),  # noqa: DTZ001
    ZONES | st.none(),
    st.sampled_from(["T", " "]),
    st.sampled_from(["auto", "milliseconds", "microseconds"]),
)
def test_iso_8601_as_the_standard_library_writes_it(
    moment: datetime, zone: timezone | None, sep: str, timespec: str
) -> None:
    text = moment.replace(tzinfo=zone).isoformat(sep, timespec)
    since = moment.replace(tzinfo=zone or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert millis(text) == since // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", 1709164800000), ("2024-02-29T12", 1709208000000), ("2024-02-29 12:30Z", 1709209800000),
        ("20240229T123000Z", 1709209800000), ("2024-02-29T12:30:15,5+02", 1709202615500),
        ("2024-02-29T12:30:15.123456789-0130", 1709215215123), ("2024-02-29 12:30:15 UTC", 1709209815000),
        ("2016-12-31T23:59:60Z", 1483228800000), ("1709209815123", 1709209815123), ("-5", -5),
        ("2023-02-29", "bad"), ("2024-13-01", "bad"), ("2024-00-10", "bad"), ("2024-01-32", "bad"), ("2024-1-1", "bad"),
        ("2024-02-29T24:00", "bad"), ("2024-02-29T12:60", "bad"), ("2024-02-29T", "bad"), ("2024-02-29T1", "bad"),
        ("2024-02-29T12:30+2", "bad"), ("2024-02-29T12:30 CET", "bad"), ("29.02.2024", "bad"), ("soon", "bad"),
        ("2024-02/29", "bad"), ("2024-02", "bad"), ("2024-02-29T12:30:15.5.5", "bad"), ("2024-02-29X12", "bad"),
        ("19970101", "unclear"), ("1704067200", "unclear"),
    ],
)  # fmt: skip
def test_instants(text: str, expected: int | str) -> None:
    assert millis(text) == expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("19970101", "%Y%m%d", 852076800000), ("31/12/1997 23:59", "%d/%m/%Y %H:%M", 883612740000),
        ("31/2/1997", "%d/%m/%Y", "bad"), ("1997-02-31", "%Y-%m-%d", "bad"), ("1/2/1997", "%d/%m/%Y", 854755200000),
        ("01.02.1997 10:00:00.250 +0200", "%d.%m.%Y %H:%M:%S.%f %z", 854784000250),
        ("5 Mar 1998", "%d %b %Y", 889056000000), ("1704067200", "seconds", 1704067200000),
        ("1704067200.5", "seconds", 1704067200500), ("1704067200123456", "microseconds", 1704067200123),
        ("19970101", "milliseconds", 19970101), ("soon", "seconds", "bad"),
    ],
)  # fmt: skip
def test_instants_by_pattern(text: str, pattern: str, expected: int | str) -> None:
    assert millis(text, pattern) == expected


def test_arrow_dates_and_timestamps() -> None:
    moment = datetime(2024, 2, 29, 12, 30, 15, 123_456, tzinfo=UTC)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns", "UTC")):
        column = pa.array([int(moment.timestamp()) * 1000 + 123], pa.int64()).cast(pa.timestamp("ms")).cast(kind)
        assert from_temporal(column).to_pylist() == [1709209815123]
    assert from_temporal(pa.array([moment.date(), None])).to_pylist() == [1709164800000, None]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Order Completed", "order_completed"),
        ("orderCompleted", "order_completed"),
        ("ORDER_COMPLETED", "order_completed"),
        ("order-completed", "order_completed"),
        ("  order..completed! ", "order_completed"),
        ("HTTPRequested", "http_requested"),
        ("step2Completed", "step2_completed"),
        ("Überwiesen", "überwiesen"),
        ("order_completed", "order_completed"),
        ("--", ""),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@given(st.text())
@example("A\N{MATHEMATICAL SANS-SERIF CAPITAL A}")
@example("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}a")
def test_kinds_are_stable(text: str) -> None:
    assert kind_of(kind_of(text)) == kind_of(text)


LINE = {
    "type": "record",
    "name": "Line",
    "fields": [
        {"name": "sku", "type": "string"},
        {"name": "category", "type": ["null", "string"]},
        {"name": "quantity", "type": "int"},
        {"name": "amount_minor", "type": ["null", "long"]},
    ],
}
LINES = {"type": "array", "items": LINE}
PROPERTIES = {"type": "map", "values": "string"}
TEXT = st.text(st.characters(codec="utf-8"), max_size=200)


def decoded(body: bytes, schema: object) -> object:
    data = io.BytesIO(body)
    value = fastavro.schemaless_reader(data, schema, None)  # type: ignore[arg-type]
    assert data.read() == b""
    return value


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "sku": TEXT.filter(bool),
                "category": st.none() | TEXT,
                "quantity": st.integers(-(2**31) + 1, 2**31 - 1),
                "amount_minor": st.none() | st.integers(-(10**17), 10**17),
            }
        ),
        max_size=70,
    )
)
def test_lines_are_avro(lines: list[dict[str, object]]) -> None:
    assert decoded(lines_bytes(lines, 2), LINES) == lines
    assert lines_bytes(json.dumps(lines), 2) == lines_bytes(lines, 2)


def test_lines_may_carry_amounts_in_major_units() -> None:
    lines = lines_bytes('[{"sku": 7, "amount": "1.5"}, {"sku": "b", "quantity": 2.0, "amount": 2}]', 2)
    assert decoded(lines, LINES) == [
        {"sku": "7", "category": None, "quantity": 1, "amount_minor": 150},
        {"sku": "b", "category": None, "quantity": 2, "amount_minor": 200},
    ]


@pytest.mark.parametrize(
    "text",
    ["{", "7", "[7]", '[{"sku": ""}]', '[{"sku": "a", "quantity": 1.5}]', '[{"sku": "a", "amount": "x"}]',
     '[{"sku": "a", "quantity": 3000000000}]', '[{"sku": "\\ud800"}]', "[" * 100_000],
)  # fmt: skip
def test_what_are_no_lines(text: str) -> None:
    with pytest.raises(NestedProblem):
        lines_bytes(text, 2)


@given(st.dictionaries(TEXT, TEXT, max_size=70))
def test_properties_are_avro_and_in_order(properties: dict[str, str]) -> None:
    body = map_bytes(properties)
    assert decoded(body, PROPERTIES) == properties
    assert map_bytes(dict(reversed(properties.items()))) == body


@given(st.lists(st.tuples(*[st.none() | TEXT] * 3), min_size=1, max_size=5))
def test_properties_in_columns_are_the_same_bytes(rows: list[tuple[str | None, ...]]) -> None:
    names = ("b", "a", "ä" * 40)
    columns = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)}
    expected = [
        map_bytes({name: value for name, value in zip(names, row, strict=True) if value is not None}) for row in rows
    ]
    assert maps_of_columns(columns, len(rows)).to_pylist() == expected


def test_values_as_text() -> None:
    values = {"a": 1, "b": 1.5, "c": True, "d": None, "e": {"y": 1, "x": [1.0]}, "f": "text", "g": 3.0}
    texts = {"a": "1", "b": "1.5", "c": "true", "e": '{"x":[1.0],"y":1}', "f": "text", "g": "3"}
    assert texts_of(json.dumps(values)) == texts
    assert plain(Decimal("1.50")) == "1.50"
    assert plain(float("nan")) is None


def test_columns_as_text() -> None:
    assert text_of(pa.array([1.0, None, float("nan"), 7.0]))[0].to_pylist() == ["1", None, None, "7"]
    assert text_of(pa.array([" a ", "", "\u00a0", "b"]))[0].to_pylist() == ["a", None, None, "b"]
    assert text_of(pa.array(["a", None, "a"]).dictionary_encode())[0].to_pylist() == ["a", None, "a"]
    assert text_of(pa.array([True, None]))[0].to_pylist() == ["true", None]
    text, bad = text_of(pa.array([b"ok", b"\xff", None], pa.binary()))
    assert text.to_pylist() == ["ok", None, None]
    assert bad is not None
    assert bad.tolist() == [False, True, False]

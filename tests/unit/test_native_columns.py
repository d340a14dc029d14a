"""Columns in the Native format are held against those that clickhouse-driver writes of the same Python values."""

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_driver.bufferedwriter import CompressedBufferedWriter
from clickhouse_driver.client import Client
from clickhouse_driver.columns.service import write_column
from hypothesis import given
from hypothesis import strategies as st

from streams.reports.native import UnfitError, encoder

CONTEXT = Client("nowhere").connection.context
INSTANT = "DateTime64(3, 'UTC')"
MS = pa.timestamp("ms", "UTC")
TEXTS = ["", "ann", "ß日本語 🎈", "\0\n", "x" * 127, "y" * 128, "z" * 16_383, "ä" * 8192, "w" * 2_100_000, ""]
LARGEST = 2**63 - 1


def golden(spec: str, values: Sequence[Any]) -> bytes:
    """What the driver sends."""
    raw = io.BytesIO()
    out = CompressedBufferedWriter(raw, 1 << 20)
    write_column(CONTEXT, "it", spec, list(values), out)
    out.flush()
    return raw.getvalue()


def encoded(spec: str, array: pa.Array) -> bytes:
    known = encoder(spec, array.type)
    assert known is not None
    return known.prefix + b"".join(known.values(array))


INTEGERS = [(f"{sign}Int{bits}", sign, bits) for sign in ("", "U") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize(("spec", "sign", "bits"), INTEGERS)
def test_integers_of_every_width(spec: str, sign: str, bits: int) -> None:
    lowest, highest = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    kind = getattr(pa, f"{sign.lower()}int{bits}")()
    values = [lowest, lowest + 1, 0, 1, highest - 1, highest]
    assert encoded(spec, pa.array(values, kind)) == golden(spec, values)


CASES: list[tuple[str, pa.DataType, list[Any]]] = [
    ("Int32", pa.int64(), [-5, 2**31 - 1]),
    ("UInt8", pa.bool_(), [True, False]),
    ("Float64", pa.float64(), [0.1, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324]),
    ("Bool", pa.bool_(), [True, False, True, True, True, False, True, False, False, True]),
    (INSTANT, MS, [-1, 0, 1_767_614_400_250, -(2**60)]),
    ("Enum8('known' = 0, 'anonymous' = 1, 'account' = -2)", pa.string(), ["account", "known", "known", "anonymous"]),
    ("String", pa.string(), TEXTS),
    ("String", pa.string(), ["", "", ""]),
    ("String", pa.string(), ["abc", "def"]),
    ("String", pa.string(), ["v" * 128, "w" * 128]),
    ("String", pa.large_string(), TEXTS),
    ("String", pa.large_string(), ["abc", "def"]),
    ("Nullable(Int64)", pa.int64(), [None, -7, None, LARGEST]),
    ("Nullable(Int64)", pa.int64(), [1, 2]),
    ("Nullable(Bool)", pa.bool_(), [None, True, False]),
    ("Nullable(Float64)", pa.float64(), [None, float("nan"), 1.5]),
    (f"Nullable({INSTANT})", MS, [None, -1, 5]),
    ("Nullable(String)", pa.string(), [None, *TEXTS, None]),
    ("Nullable(String)", pa.string(), [None, None]),
    ("LowCardinality(String)", pa.string(), ["b", "", "a", "b", *TEXTS]),
    ("LowCardinality(Nullable(String))", pa.string(), ["b", None, "", "b", None, *TEXTS]),
    ("LowCardinality(Nullable(String))", pa.string(), [None, None]),
    ("Array(String)", pa.list_(pa.string()), [[], ["a", ""], [], TEXTS, ["b"]]),
    ("Array(String)", pa.list_(pa.string()), [[], []]),
    ("Array(Int64)", pa.list_(pa.int64()), [[1], [], [-2, 3]]),
    ("Array(Float64)", pa.large_list(pa.float64()), [[1.5], []]),
    ("Array(Nullable(String))", pa.list_(pa.string()), [[None], [], ["a", None, ""]]),
    (f"Array(Nullable({INSTANT}))", pa.list_(MS), [[None, 7], []]),
    ("Array(LowCardinality(String))", pa.list_(pa.string()), [["b", "a"], [], ["b"]]),
    ("Array(LowCardinality(String))", pa.list_(pa.string()), [[], []]),
    ("Array(LowCardinality(Nullable(String)))", pa.list_(pa.string()), [["b", None], [], ["b"]]),
    ("Array(Array(Int64))", pa.list_(pa.list_(pa.int64())), [[[1], []], [], [[2, 3]]]),
    ("Array(Array(Nullable(Int64)))", pa.list_(pa.list_(pa.int64())), [[[1, None], []], [], [[None]]]),
]


@pytest.mark.parametrize(("spec", "kind", "values"), CASES)
def test_bytes_are_those_of_the_driver(spec: str, kind: pa.DataType, values: list[Any]) -> None:
    assert encoded(spec, pa.array(values, kind)) == golden(spec, values)


@pytest.mark.parametrize(("spec", "kind", "values"), CASES)
def test_a_slice_is_written_alone(spec: str, kind: pa.DataType, values: list[Any]) -> None:
    around = pa.array([values[-1], *values, values[0], values[0]], kind)
    assert encoded(spec, around.slice(1, len(values))) == golden(spec, values)


@pytest.mark.parametrize(("spec", "kind"), [(spec, kind) for spec, kind, _ in CASES if "LowCardinality(N" not in spec])
def test_a_column_without_rows(spec: str, kind: pa.DataType) -> None:
    assert encoded(spec, pa.array([], kind)) == golden(spec, [])


@pytest.mark.parametrize("count", [1, 254, 255, 256, 257, 65_534, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("inner", ["String", "Nullable(String)"])
def test_keys_are_as_wide_as_their_number_asks(inner: str, count: int) -> None:
    values = [str(number) for number in range(count)] * 2
    spec = f"LowCardinality({inner})"
    assert encoded(spec, pa.array(values)) == golden(spec, values)


@pytest.mark.parametrize(
    "spec", ["String", "Nullable(String)", "LowCardinality(String)", "LowCardinality(Nullable(String))"]
)
def test_a_dictionary_is_written_like_its_values(spec: str) -> None:
    words = pa.array(["unused", "b", "", "a" * 300, "b"])
    array = pa.DictionaryArray.from_arrays(pa.array([3, 1, 4, 2, 1, 3], pa.int8()), words).slice(1)
    assert encoded(spec, array) == golden(spec, array.to_pylist())


@pytest.mark.parametrize("spec", ["Nullable(String)", "LowCardinality(Nullable(String))"])
def test_nulls_of_a_dictionary_are_found_in_both_places(spec: str) -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["a", None]))
    assert encoded(spec, array) == golden(spec, ["a", None, None, "a"])


def test_a_null_of_a_dictionary_that_no_row_has_does_no_harm() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 2, 0]), pa.array(["a", None, "b"]))
    for spec in ("String", "LowCardinality(String)"):
        assert encoded(spec, array) == golden(spec, ["a", "b", "a"])


def test_rows_of_a_dictionary_in_several_chunks_are_one_column() -> None:
    chunks = [pa.array(values).dictionary_encode() for values in (["a", "b"], ["c", "a", "c"])]
    for spec in ("String", "LowCardinality(String)"):
        assert encoded(spec, pa.chunked_array(chunks).combine_chunks()) == golden(spec, ["a", "b", "c", "a", "c"])


def test_bytes_that_are_no_text_go_as_they_are() -> None:
    values = [b"\xff\x00", b"", b"\x80" * 200]
    assert encoded("String", pa.array(values, pa.binary())) == b"\2\xff\0\0\xc8\1" + b"\x80" * 200


def test_instants_take_the_digits_of_the_column() -> None:
    at = [dt.datetime(2026, 1, 5, 12, 0, 0, 250_000, dt.UTC)]
    for spec in ("DateTime64(3)", "DateTime64(6, 'UTC')", "DateTime64(9, 'Europe/Berlin')"):
        places = int(spec[11])
        assert encoded(spec, pa.array(at, MS)) == golden("Int64", [1_767_614_400_250 * 10 ** (places - 3)])


@pytest.mark.parametrize(
    ("spec", "array", "why"),
    [
        ("Int8", pa.array([1, 128]), "128"),
        ("UInt64", pa.array([-1]), "-1"),
        ("DateTime64(9, 'UTC')", pa.array([2**62], MS), "overflow|bounds"),
        ("Int64", pa.array([1, None]), "null"),
        ("String", pa.array(["a", None]), "null"),
        ("String", pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None])), "null"),
        ("LowCardinality(String)", pa.array(["a", None]), "null"),
        ("Array(Int64)", pa.array([[1], None]), "null"),
        ("Array(Int64)", pa.array([[1], [None]]), "null"),
    ],
)
def test_what_has_no_place_in_a_column_is_refused(spec: str, array: pa.Array, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        encoded(spec, array)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("Enum8('a' = 1, 'b)' = 2)", pa.string()),
        ("FixedString(3)", pa.string()),
        ("Array(Enum8('a b' = 1))", pa.list_(pa.string())),
        ("Nullable(FixedString(3))", pa.string()),
        ("LowCardinality(FixedString(3))", pa.string()),
        ("LowCardinality(Int64)", pa.int64()),
        ("DateTime", MS),
        ("DateTime64(0, 'UTC')", MS),
        ("DateTime64(4, 'UTC')", MS),
        ("Float32", pa.float64()),
        ("Int64", pa.string()),
        ("Int64", pa.float64()),
        ("String", pa.int64()),
        ("Bool", pa.int64()),
        ("Array(String)", pa.string()),
        ("UUID", pa.string()),
        ("Map(String, UUID)", pa.map_(pa.string(), pa.string())),
    ],
)
def test_what_is_not_known_here_is_left_to_the_driver(spec: str, kind: pa.DataType) -> None:
    assert encoder(spec, kind) is None


def lists_of(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=12)


SOME_TEXT = st.text(max_size=200)
INTEGER = st.integers(-(2**63), LARGEST)
RANDOM = {
    "String": (pa.string(), SOME_TEXT),
    "Nullable(String)": (pa.string(), st.none() | SOME_TEXT),
    "LowCardinality(String)": (pa.string(), st.sampled_from("abc") | SOME_TEXT),
    "LowCardinality(Nullable(String))": (pa.string(), st.none() | st.sampled_from("abc") | SOME_TEXT),
    "Array(String)": (pa.list_(pa.string()), lists_of(SOME_TEXT)),
    "Array(LowCardinality(Nullable(String)))": (pa.list_(pa.string()), lists_of(st.none() | SOME_TEXT)),
    "Array(Nullable(Int64))": (pa.list_(pa.int64()), lists_of(st.none() | INTEGER)),
    "Array(Array(Float64))": (pa.list_(pa.list_(pa.float64())), lists_of(lists_of(st.floats()))),
    "Nullable(Int64)": (pa.int64(), st.none() | INTEGER),
    "Nullable(Float64)": (pa.float64(), st.none() | st.floats()),
    "Nullable(Bool)": (pa.bool_(), st.none() | st.booleans()),
    f"Nullable({INSTANT})": (MS, st.none() | st.integers(-(2**50), 2**50)),
}


@given(st.data())
def test_random_columns(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from(sorted(RANDOM)))
    kind, items = RANDOM[spec]
    values = data.draw(st.lists(items, min_size=1, max_size=40))
    first = data.draw(st.integers(0, len(values) - 1))
    assert encoded(spec, pa.array(values, kind).slice(first)) == golden(spec, values[first:])

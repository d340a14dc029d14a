"""Looking into maps and lines as other writers encode them, blocks with sizes and several blocks too."""

import io
from decimal import Decimal
from typing import Any, Final

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import varint

from processors.policy.policy import hash_of
from schemas.maps import ABSENT, any_category, find_text, is_among, read_decimal, varieties_of

MAP: Final = {"type": "map", "values": "string"}
LINES: Final = {
    "type": "array",
    "items": {
        "type": "record",
        "name": "Line",
        "fields": [
            {"name": "sku", "type": "string"},
            {"name": "category", "type": ["null", "string"]},
            {"name": "quantity", "type": "int"},
            {"name": "amount_minor", "type": ["null", "long"]},
        ],
    },
}
BEFORE: Final = b"\x06abc"  # so that a look at another place would be seen
texts: Final = st.text(max_size=12)
maps: Final = st.dictionaries(texts, texts, max_size=6)
lines: Final = st.lists(
    st.fixed_dictionaries(
        {
            "sku": texts,
            "category": st.none() | st.sampled_from(["baby", "wedding", "", "books"]),
            "quantity": st.integers(-(2**31), 2**31 - 1),
            "amount_minor": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    ),
    max_size=5,
)


def encoded(schema: Any, value: Any) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, value)
    return body.getvalue()


def blocks(items: list[bytes], sizes: list[int], sized: bool) -> bytes:
    """Items in blocks of these sizes, with the number of bytes of each block or without."""
    body, at = b"", 0
    for size in [*sizes, len(items)]:
        block = items[at : at + size]
        at += len(block)
        if block:
            content = b"".join(block)
            body += varint(-len(block)) + varint(len(content)) if sized else varint(len(block))
            body += content
    return body + varint(0)


def looked_up(body: bytes, name: str) -> str | None:
    buffer = np.frombuffer(BEFORE + body + BEFORE, np.uint8)
    start, length = find_text(buffer, len(BEFORE), len(body), hash_of(name))
    return None if length == ABSENT else buffer[start : start + length].tobytes().decode()


@given(maps, texts)
def test_a_name_is_found_in_a_map_as_fastavro_writes_it(values: dict[str, str], other: str) -> None:
    body = encoded(MAP, values)
    for name in {*values, other}:
        assert looked_up(body, name) == values.get(name)


@given(maps, texts, st.lists(st.integers(1, 3), max_size=4), st.booleans())
def test_a_name_is_found_whatever_the_blocks(values: dict[str, str], other: str, sizes: list[int], sized: bool) -> None:
    items = [encoded("string", name) + encoded("string", value) for name, value in values.items()]
    body = blocks(items, sizes, sized)
    assert fastavro.schemaless_reader(io.BytesIO(body), MAP, None) == values
    for name in {*values, other}:
        assert looked_up(body, name) == values.get(name)


@given(lines, st.sets(st.sampled_from(["baby", "wedding", "", "cars"])))
def test_a_category_is_found_among_the_lines(order: list[dict[str, Any]], wanted: set[str]) -> None:
    words = np.sort(np.array([hash_of(word) for word in wanted], np.uint64))
    expected = any(line["category"] in wanted for line in order)
    items = [encoded(LINES["items"], line) for line in order]
    for body in (encoded(LINES, order), blocks(items, [1], True), blocks(items, [2, 1], False)):
        buffer = np.frombuffer(BEFORE + body + BEFORE, np.uint8)
        assert any_category(buffer, len(BEFORE), len(body), words) == expected


@given(lines)
def test_a_bit_tells_each_category_or_article_where_there_is_none(order: list[dict[str, Any]]) -> None:
    told = {line["category"] or line["sku"] for line in order} - {""}
    expected = sum({1 << int(hash_of(word)) % 64 for word in told})
    items = [encoded(LINES["items"], line) for line in order]
    for body in (encoded(LINES, order), blocks(items, [1], True), blocks(items, [2, 1], False)):
        buffer = np.frombuffer(BEFORE + body + BEFORE, np.uint8)
        assert varieties_of(buffer, len(BEFORE), len(body)) == expected


@given(texts, st.sets(texts, max_size=5))
def test_a_word_is_among_the_words_or_it_is_not(word: str, words: set[str]) -> None:
    hashes = np.sort(np.array([hash_of(each) for each in words], np.uint64))
    buffer = np.frombuffer(BEFORE + word.encode() + BEFORE, np.uint8)
    assert is_among(buffer, len(BEFORE), len(word.encode()), hashes) == (word in words)
    assert not is_among(buffer, len(BEFORE), ABSENT, hashes)


def number(text: str) -> Any:
    # Digits after it, so that a look beyond the text would be seen.
    buffer = np.frombuffer(f"7{text}9%".encode(), np.uint8)
    value, percent = read_decimal(buffer, 1, len(text.encode()))
    return value, bool(percent)


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=None))
def test_decimals_are_read_as_python_reads_them(value: Decimal) -> None:
    text = f"{value:f}"
    assert number(text) == (pytest.approx(float(text), rel=1e-12, abs=1e-300), False)
    assert number(text + "%") == (pytest.approx(float(text), rel=1e-12, abs=1e-300), True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.50", (12.5, False)),
        ("10%", (10.0, True)),
        ("-3.5%", (-3.5, True)),
        (".5", (0.5, False)),
        ("5.", (5.0, False)),
        ("", (0.0, False)),
        ("%", (0.0, True)),
        ("SUMMER", (0.0, False)),
        ("10 %", (10.0, False)),
        ("5 EUR", (5.0, False)),
        ("1.2.3", (1.2, False)),
        ("33.333333333333333333%", (pytest.approx(100 / 3), True)),
        ("123456789012345678901234", (pytest.approx(1.23456789012345678e23), False)),
        ("0.1000000000000000055511151231257827%", (pytest.approx(0.1), True)),
    ],
)
def test_what_follows_the_number_ends_it(text: str, expected: tuple[float, bool]) -> None:
    assert number(text) == expected

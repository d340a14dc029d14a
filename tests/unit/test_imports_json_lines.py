# ruff: noqa: E501 (lines of JSON stand as they are)
"""Lines of JSON in their common shape, split by compiled code, beside Python's reader."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.sampled import examples

from streams.imports.columns import text_of
from streams.imports.files import receive
from streams.imports.jsonl import JsonSource
from streams.imports.mapping import Mapping

Read = tuple[dict[str, list[Any]], list[int], set[str], list[tuple[int, str]], list[bytes]]


def read(text: bytes, folder: Path, needed: list[str] | None, *, plain: bool) -> Read:
    """(columns, lines, columns of numbers, rejects, bytes of each row); ``plain``: by Python's reader alone."""
    given_file = receive(io.BytesIO(text), folder, Mapping(format="jsonl"), None)
    source = JsonSource(given_file, frozenset({"\0"}) if plain else frozenset())
    columns: dict[str, list[Any]] = {}
    rows: list[int] = []
    numbers: set[str] = set()
    rejects: list[tuple[int, str]] = []
    originals: list[bytes] = []
    for block in source.blocks(needed):
        for name, column in block.columns.items():
            columns.setdefault(name, []).extend(text_of(column)[0].to_pylist())
        rows += block.rows.tolist()
        numbers |= block.numbers
        rejects += [(reject.row, reject.detail) for reject in block.rejects]
        originals += [block.original(i) for i in range(len(block.rows))]
    source.close()
    return columns, rows, numbers, rejects, originals


NAMES: Final = st.sampled_from(["a", "b", "amount", "é", "properties.x", "a b", "ab", 'q"'])
VALUES: Final = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6), st.lists(st.integers(), max_size=2), st.dictionaries(NAMES, st.integers(), max_size=2),
)  # fmt: skip
RAW: Final = st.sampled_from(
    ["", "  ", "nonsense", "[1]", '{"a": 01}', '{"a": 1.}', '{"a": +1}', '{"a": 1e5}', '{"a": -0.50E+3}', '{"a": NaN}',
     '{"a": "\\ud800"}', '{"a": "\\ud83d\\ude00"}', '{"a": "\\u00e9\\n\\/"}', '{"a": "\\x"}', '{"a": 1, "a": 2}',
     '{"a": 1,}', '{"a" : 1 , "b":"x"} ', '\t{"a":true}\r', '{"a": tru}', '{}', '{"a": "\t"}', '{"a": 1} x', '{"\\u0061": 1}',
     '{"a": "1', '{"a"}', '{"a": }', '{"a": {"b": 1.50}}', '{"new": "x", "a": 1}', '{"a": -}', '{"a": 1.5e}', '{"a": "\\u12"}']
)  # fmt: skip


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lines=st.lists(
        st.one_of(
            st.dictionaries(NAMES, VALUES, max_size=4).map(json.dumps),
            st.dictionaries(NAMES, VALUES, max_size=4).map(lambda value: json.dumps(value, ensure_ascii=False)),
            st.fixed_dictionaries({"a": st.text(max_size=3), "b": st.integers()}).map(json.dumps),
            RAW,
        ),
        min_size=1,
        max_size=12,
    ),
    needed=st.sampled_from([None, ["a"], ["a", "amount"]]),
)
@example(lines=['{"a": 1}'] * 40 + ['{"a": {"b": 1}}', "nonsense", '{"b": "x"}'], needed=None)
def test_the_columns_are_those_of_pythons_reader(lines: list[str], needed: list[str] | None, tmp_path: Path) -> None:
    # Two lines at least: a single object may be a document that holds an array.
    text = "\n".join(['{"a": "first"}', '{"a": "second"}', *lines]).encode("utf-8", "surrogatepass")
    fast, slow = read(text, tmp_path, needed, plain=False), read(text, tmp_path, needed, plain=True)
    slow[0].pop("\0", None)
    assert fast[1:] == slow[1:]
    assert fast[0] == slow[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_file_of_many_blocks(end: str, tmp_path: Path) -> None:
    some = [{"a": f"x{n}", "amount": n / 4, "late": None if n < 90_000 else n} for n in range(100_000)]
    lines = [json.dumps({name: value for name, value in one.items() if value is not None}) for one in some]
    columns, rows, numbers, rejects, originals = read(("\n".join(lines) + end).encode(), tmp_path, None, plain=False)
    assert rejects == []
    assert rows == list(range(1, 100_001))
    assert numbers == {"amount", "late"}
    assert columns["a"] == [one["a"] for one in some]
    assert [float(text) for text in columns["amount"]] == [one["amount"] for one in some]
    assert originals[77_777].decode().strip() == lines[77_777]


def test_text_that_is_not_utf8_is_a_reject_of_its_line(tmp_path: Path) -> None:
    text = b'{"a": "x"}\n{"a": "\xff"}\n{"a": "y"}\n'
    columns, rows, _, rejects, _ = read(text, tmp_path, None, plain=False)
    assert (columns, rows, [row for row, _ in rejects]) == ({"a": ["x", "y"]}, [1, 3], [2])

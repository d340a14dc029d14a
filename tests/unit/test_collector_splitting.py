"""Where the values of a JSON text stand: held against a parser."""

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.requests import frozen_bytes
from streams.collector.splitting import BROKEN, FULL, elements, members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@given(st.lists(JSON, max_size=8), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_elements_are_those_of_a_parser(values: list[Any], indent: Any, ascii_only: bool) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    out = np.zeros((8, 3), np.int64)
    count = elements(frozen_bytes(text), 0, len(text), out)
    assert count == len(values)
    found = [json.loads(text[a:b].decode("utf-8", "surrogatepass")) for a, b, _ in out[:count].tolist()]
    assert found == values
    assert out[:count, 2].tolist() == [depth_of(value) for value in values]


@given(st.dictionaries(st.text(), JSON, max_size=8))
def test_members_are_those_of_a_parser(value: dict[str, Any]) -> None:
    text = json.dumps(value).encode()
    out = np.zeros((8, 4), np.int64)
    count = members(frozen_bytes(text), 0, len(text), out)
    found = {json.loads(text[a:b]): json.loads(text[c:d]) for a, b, c, d in out[:count].tolist()}
    assert found == value


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:\\ \n1a', max_size=40).map(str.encode))
def test_any_bytes_end_somewhere(text: bytes) -> None:
    for find, cells in ((elements, 3), (members, 4)):
        out = np.zeros((64, cells), np.int64)
        count = find(frozen_bytes(text), 0, len(text), out)
        assert BROKEN <= count <= 64
        assert out.min() >= 0
        assert out[:, : cells - 1].max() <= len(text)


def test_what_does_not_fit_is_told() -> None:
    assert elements(frozen_bytes(b"[1,2,3]"), 0, 7, np.zeros((2, 3), np.int64)) == FULL
    assert members(frozen_bytes(b'{"a":1,"b":2}'), 0, 13, np.zeros((1, 4), np.int64)) == FULL

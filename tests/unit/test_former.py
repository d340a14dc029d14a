"""Checkpoints of chunks, as they were written before rows had keys: which of them were complete, and which are none."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from streams.engine.checkpoint import UnreadableCheckpoint
from streams.engine.former import FORMER_LAYOUT, FormerHeader, complete_headers, decode_chunk, is_former

FORMER: Final = Path(__file__).parents[1] / "data" / "checkpoints_of_layout_3.json.gz"
SPAN: Final = 16


def records() -> dict[bytes, bytes]:
    found = json.loads(gzip.decompress(FORMER.read_bytes()))["records"]
    return {base64.b64decode(key): base64.b64decode(value) for key, value in found}


def headers(owner: str, *numbers: int, chunks: int = 2, missing: tuple[int, int] = (-1, -1)) -> list[FormerHeader]:
    return [
        FormerHeader(3, owner, number, chunk, chunks, number, 0, "")
        for number in numbers
        for chunk in range(chunks)
        if (number, chunk) != missing
    ]


def complete(*some: FormerHeader) -> list[int]:
    return [header.number for header in complete_headers(some)]


def test_a_checkpoint_counts_with_all_that_it_builds_on() -> None:
    assert complete() == []
    assert complete(*headers("a", 1, 2, 3)) == [1, 2, 3]
    assert complete(*headers("a", 1, 2, 3, missing=(2, 1))) == [1]
    assert complete(*headers("a", 2, 3)) == []
    assert complete(*headers("a", *range(5, 5 + SPAN))) == [4 + SPAN]
    assert complete(*headers("a", *range(5, 5 + SPAN), missing=(5, 1))) == []
    assert complete(*headers("a", *range(2, 2 + SPAN), chunks=1), *headers("b", 1)) == [1, 1 + SPAN]


def test_keys_of_chunks_are_no_others() -> None:
    assert all(map(is_former, records()))
    for key in (b"\x00a/b/c", b"\xffheader", b"\xfflayout/\x00", b"a/b", b""):
        assert not is_former(key)


def rewritten(value: bytes, changes: dict[str, Any]) -> bytes:
    size = int.from_bytes(value[:4], "big")
    told = json.loads(value[4 : 4 + size]) | changes
    text = json.dumps(told).encode()
    return len(text).to_bytes(4, "big") + text + value[4 + size :]


def full() -> bytes:
    return next(value for value in records().values() if len(decode_chunk(value).rows) > 1)


def test_a_record_that_is_cut_off_or_has_more_behind_it_is_refused() -> None:
    value = full()
    for size in (0, 3, 4, 100, len(value) // 2, len(value) - 1):
        with pytest.raises(UnreadableCheckpoint):
            decode_chunk(value[:size])
    with pytest.raises(UnreadableCheckpoint):
        decode_chunk(value + b"x")


@pytest.mark.parametrize(
    "changes",
    [
        {"layout": FORMER_LAYOUT + 1},
        {"rows": 10**6},
        {"rows": -1},
        {"packed": 1},
        {"fields": [["offset", "<i8", [], 0], ["", "", [8], 0]]},
        {"fields": "elsewhere"},
        {"novelty": 1},
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableCheckpoint):
        decode_chunk(rewritten(full(), changes))


def test_bytes_that_are_no_record_are_refused() -> None:
    for text in (b"null", b"[]", b"{}", b"\xff"):
        with pytest.raises(UnreadableCheckpoint):
            decode_chunk(len(text).to_bytes(4, "big") + text + bytes(100))


def test_rows_from_before_there_were_reviews_are_judged_with_the_first_tick() -> None:
    value = full()
    size = int.from_bytes(value[:4], "big")
    fields = json.loads(value[4 : 4 + size])["fields"]
    chunk = decode_chunk(rewritten(value, {"fields": [each for each in fields if each[0] != "review_at"]}))
    touched = chunk.rows["touchpoints"] > 0
    assert touched.any()
    assert np.array_equal(chunk.rows["review_at"][touched], chunk.rows["judged_at"][touched] + 1)
    assert (chunk.rows["revalue"] == 1).all()

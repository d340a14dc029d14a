"""The records of a checkpoint: read as they were written, migrated when older, refused when they make no sense."""

import json
from typing import Any

import numpy as np
import pytest

from processors.row.layout import NONE, RING, ROW
from streams.engine.checkpoint import CHECKPOINT_LAYOUT, Header, UnreadableCheckpoint, decode_chunk
from streams.engine.checkpoint import encode_chunk as encode_chosen
from streams.engine.restoring import empty_rows

HEADER = Header(3, "owner", 17, 0, 2, 1234, NONE, "a policy\n", 5)

PLAIN = 1  # the layout whose rows are as they are in memory


def some_rows(names: list[bytes]) -> tuple[Any, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Rows whose ids stand in an arena in reverse order, with a gap before each."""
    rows = empty_rows(len(names))
    arena = b""
    for i in reversed(range(len(names))):
        rows[i].id_start, rows[i].id_length = len(arena) + 1, len(names[i])
        rows[i].offset, rows[i].spend_minor, rows[i].interaction = i, -i, i / 7
        rows[i].ring[:] = i
        arena += b"\xee" + names[i]
    return rows, np.frombuffer(arena, np.uint8)


def encode_chunk(header: Header, rows: Any, arena: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Of all the rows."""
    return encode_chosen(header, rows, np.arange(len(rows)), arena)


NAMES = [b"ann", b"b" * 255, "björn".encode()]


def test_a_record_is_read_as_it_was_written() -> None:
    rows, arena = some_rows(NAMES)
    value = encode_chunk(HEADER, rows, arena)
    chunk = decode_chunk(value)
    assert chunk.header == HEADER
    assert chunk.ids.tobytes() == b"".join(NAMES)
    assert chunk.rows["id_start"].tolist() == [0, 3, 258]
    for name in set(ROW.names or ()) - {"id_start"}:
        assert np.array_equal(chunk.rows[name], rows[name]), name
    assert chunk.rows.dtype == ROW
    assert chunk.rows.flags.aligned
    assert rows[0].id_start > 0, "what it was made from is left alone"


def test_a_record_without_rows_is_read_too() -> None:
    rows, arena = some_rows([])
    chunk = decode_chunk(encode_chunk(HEADER, rows, arena))
    assert chunk.header == HEADER
    assert (len(chunk.rows), len(chunk.ids)) == (0, 0)


def test_a_record_is_hardly_larger_than_its_rows() -> None:
    rows, arena = some_rows([b"i" * 16] * 1000)
    assert len(encode_chunk(HEADER, rows, arena)) < 1000 * (ROW.itemsize + 16) + 5000


def rewritten(value: bytes, changed: dict[str, Any], rows: bytes | None = None) -> bytes:
    """A record with other entries in its header, None: without; and with other rows."""
    size = int.from_bytes(value[:4], "big")
    described = json.loads(value[4 : 4 + size])
    ids = value[4 + size + ROW.itemsize + 8 * described["packed"] :]
    entries = {key: entry for key, entry in {**described, **changed}.items() if entry is not None}
    text = json.dumps(entries).encode()
    return len(text).to_bytes(4, "big") + text + (value[4 + size :] if rows is None else rows + ids)


def test_an_older_layout_is_migrated_by_the_names_of_its_fields() -> None:
    names = [name for name in ROW.names or () if name not in {"engagement", "before_days"}]
    older = np.dtype([("gone", "i4"), *((name, ROW[name]) for name in reversed(names))])
    rows, arena = some_rows(NAMES)
    value = encode_chunk(HEADER, rows, arena)
    stored = np.zeros(len(rows), older)
    for name in names:
        stored[name] = decode_chunk(value).rows[name]
    assert older.fields is not None
    fields: list[list[Any]] = [["gone", "<i4", [], 0]]
    for name in reversed(names):
        base, shape = ROW[name].subdtype or (ROW[name], ())
        fields.append([name, base.str, list(shape), older.fields[name][1]])
    fields.append(["", "", [older.itemsize], 0])
    chunk = decode_chunk(rewritten(value, {"fields": fields, "layout": PLAIN}, stored.tobytes()))
    assert chunk.rows.dtype == ROW
    for name in set(names) - {"id_start"}:
        assert np.array_equal(chunk.rows[name], rows[name]), name
    for name in ("engagement", "before_days"):
        assert np.array_equal(chunk.rows[name], empty_rows(3)[name])
    assert chunk.ids.tobytes() == b"".join(NAMES)


def test_a_header_of_before_the_count_of_rejects_is_read() -> None:
    value = encode_chunk(HEADER, *some_rows(NAMES))
    assert decode_chunk(rewritten(value, {"bad_run": None})).header.bad_run == 0


def test_a_newer_layout_is_refused_by_its_number_whatever_else_is_new() -> None:
    value = encode_chunk(HEADER, *some_rows(NAMES))
    with pytest.raises(UnreadableCheckpoint, match=f"layout {CHECKPOINT_LAYOUT + 1}.*start the newer version"):
        decode_chunk(rewritten(value, {"layout": CHECKPOINT_LAYOUT + 1, "novelty": [1], "fields": "elsewhere"}))


def test_a_record_that_ends_anywhere_is_unreadable_and_so_is_a_longer_one() -> None:
    value = encode_chunk(HEADER, *some_rows(NAMES))
    for size in {*range(0, len(value), 61), *range(len(value) - 300, len(value))}:
        with pytest.raises(UnreadableCheckpoint):
            decode_chunk(value[:size])
    with pytest.raises(UnreadableCheckpoint):
        decode_chunk(value + b"x")


@pytest.mark.parametrize(
    "changed",
    [
        {"layout": None},
        {"layout": "first"},
        {"rows": None},
        {"rows": 4},
        {"rows": 2},
        {"rows": -1},
        {"rows": "three"},
        {"packed": None},
        {"packed": 0},
        {"packed": 1_000_000},
        {"owner": None},
        {"novelty": 1},
        {"fields": None},
        {"fields": []},
        {"fields": [["a", "<i8"]]},
        {"fields": [["a", "what", [], 0], ["", "", [8], 0]]},
        {"fields": [["ring", "<u8", [RING + 1], 0], ["", "", [8 * RING + 8], 0]]},
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_unreadable(changed: dict[str, Any]) -> None:
    value = encode_chunk(HEADER, *some_rows(NAMES))
    with pytest.raises(UnreadableCheckpoint):
        decode_chunk(rewritten(value, changed))


@pytest.mark.parametrize("text", [b"", b"5", b"null", b"[1]", b"{", b"\xff", b"[[1, 2]]"])
def test_what_is_no_header_at_all_is_unreadable(text: bytes) -> None:
    with pytest.raises(UnreadableCheckpoint):
        decode_chunk(len(text).to_bytes(4, "big") + text + bytes(100))


@pytest.mark.parametrize(
    ("field", "wrong"), [("id_start", 1), ("id_length", 2), ("id_length", -3), ("id_start", 2**40)]
)
def test_rows_that_point_elsewhere_than_to_their_ids_are_unreadable(field: str, wrong: int) -> None:
    value = encode_chunk(HEADER, *some_rows(NAMES))
    rows = decode_chunk(value).rows.copy()
    rows[field][0] = wrong
    with pytest.raises(UnreadableCheckpoint, match="contradicts itself"):
        decode_chunk(rewritten(value, {"layout": PLAIN}, rows.tobytes()))

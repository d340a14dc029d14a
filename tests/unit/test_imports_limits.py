"""The gate of the engine stands before files too: the same limits and words, with the line."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.limits import LONGEST, detail_of, reason_of
from streams.clock import now_ms
from streams.imports.files import LONGEST_ROW
from streams.imports.mapping import NAMES, Mapping
from streams.imports.prepare import prepare
from streams.imports.problems import ImportReject
from streams.payloads import MOST_DETAIL, MOST_PAYLOAD, brief, kept

TEXTS: Final = [name for name in LONGEST if name in NAMES and name not in ("lines", "properties", "currency")]


def row(**fields: Any) -> bytes:
    """A row of JSON, with what every row needs."""
    return json.dumps({"customer_id": "c", "occurred_at": "2024-01-01", "kind": "k", **fields}).encode()


def read(lines: list[bytes], folder: Path) -> tuple[list[int], list[ImportReject]]:
    """Numbers of the rows that are touchpoints, and the others."""
    with prepare(io.BytesIO(b"\n".join(lines)), Mapping(), as_arrived=True, workdir=folder, now=now_ms()) as found:
        return [n for batch in found.batches() for n in batch.column("row").to_pylist()], list(found.rejects)


@pytest.mark.parametrize("name", TEXTS)
def test_a_field_that_is_too_long_is_a_reject_with_its_line(name: str, tmp_path: Path) -> None:
    most = LONGEST[name]
    lines = [row(**{name: "v" * most}), row(**{name: "v" * (most + 1)}), row(**{name: "é" * (most // 2 + 1)})]
    good, bad = read(lines, tmp_path)
    assert good == [1]
    assert {(each.reason, each.detail) for each in bad} == {(reason_of(name), detail_of(name))}
    assert [(each.row, each.payload) for each in bad] == [(2 + i, lines[1 + i]) for i in range(2)]


def test_properties_and_lines_have_a_limit_together(tmp_path: Path) -> None:
    entries = {f"p{i}": "v" * 1000 for i in range(40)}
    sold = [{"sku": "s" * 100, "quantity": 1}] * 600
    lines = [row(properties={"a": "v" * 30_000}), row(properties=entries), row(lines=sold), row(lines=sold * 2)]
    good, bad = read(lines, tmp_path)
    assert good == [1, 3]
    assert [(each.row, each.reason) for each in bad] == [(2, "long_properties"), (4, "long_lines")]


def test_a_row_that_is_too_long_costs_that_row_alone(tmp_path: Path) -> None:
    long = row(note="x" * LONGEST_ROW)
    good, bad = read([row(), long, row()], tmp_path)
    assert good == [1, 3]
    assert bad == [ImportReject(2, "long_line", "the line is longer than 1,048,576 bytes", long)]


def test_a_reject_tells_of_all_its_bytes_and_keeps_a_mebibyte() -> None:
    short, long = kept(b"abc"), kept(b"a" * (MOST_PAYLOAD + 1))
    assert short == {
        "payload": b"abc",
        "payload_bytes": 3,
        "payload_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert (len(long["payload"]), long["payload_bytes"]) == (MOST_PAYLOAD, MOST_PAYLOAD + 1)
    assert brief("x" * MOST_DETAIL) == "x" * MOST_DETAIL
    assert brief("x" * (MOST_DETAIL + 1)) == "x" * (MOST_DETAIL - 1) + "…"

"""Ids that are made from a row's content stay what they are: they are stored, and an import asks for them again."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from streams.clock import now_ms
from streams.imports.canonical import CANONICAL
from streams.imports.content_ids import CONTENT_V1
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare

LEAST: Final = {"customer_id": "ann", "occurred_at": "2024-03-01T10:00:00Z", "kind": "page_viewed"}
MOST: Final = {
    "customer_id": "Jürgen",
    "anonymous_id": "device-1",
    "occurred_at": "2024-03-01T10:00:00.250Z",
    "received_at": "2024-03-02T00:00:00Z",
    "kind": "order_completed",
    "channel": "shop",
    "amount_minor": -1999,
    "currency": "EUR",
    "cost_minor": 120,
    "margin_minor": 700,
    "campaign": "spring",
    "order_id": "o-1",
    "lines": [
        {"sku": "a", "category": "socks", "quantity": 2, "amount_minor": 1999},
        {"sku": "ß", "quantity": -1},
    ],
    "agent_id": "anna",
    "satisfaction": 4.5,
    "properties": {"ä": "ö", "a": "b"},
}
# Recorded with the code that hashed every column there was. Whoever has to change one of these changes the ids of
# touchpoints that are stored, and an import of the same rows would count them again.
TWICE: Final = {
    "least": ("ba1ccca97fe0eaec4c6803f3eb51410c", "56c46b59f4412636db1eb27429ea51e6"),
    "most": ("9e9f664bcd9b0e242b6fb2e91aa75a91", "59a35ab29508110c355d2c89f7facc3a"),
}
LEAST_WITH: Final = {
    "customer_id": "7c357037c082db55f5255cab7aa1c309",
    "anonymous_id": "e3662279ce95ca7a235becec0d7e3778",
    "occurred_at": "fecf5665483d82e05ad163bad5ba2330",
    "received_at": "8e0630d63cb0f80d7fabcf5a87b6b429",
    "kind": "8a583724a1c3c401f023d59eac4d181e",
    "channel": "b6c6fd5299ef44d0ecf8757d0770e287",
    "amount_minor": "099a81d165bb14920eed79a1ad985980",
    "currency": "1356c36f414a04868146572fa37e985c",
    "cost_minor": "123ccadf1c826fe954cd56f6405f4520",
    "margin_minor": "37ee18969f20564b0b470a7b195edfe7",
    "campaign": "e63bfe6c5498d6220a871ef869ffa6e4",
    "order_id": "5061d02cfaa2514d7e64332487b49e9e",
    "lines": "4a55bc2ddb5abb5fd051331cd9abbdc8",
    "agent_id": "743d06b6d93e1c5fc9195f41b0335d5b",
    "satisfaction": "3d339d847fbdb054516edfcee70c46a6",
    "properties": "77325bb7b9735aa381b9ed522b5b0dd4",
}
MOST_WITHOUT: Final = {
    "anonymous_id": "58798486066d05c28c11a224d1cd73a6",
    "received_at": "7bd4938131aa258354ae6a74da1c4640",
    "channel": "6712a534d350b668874d5a7c6324e521",
    "amount_minor": "545e317aac27f4309eeba0a53aba0972",
    "currency": "ff3dfad9a02c9814a819fd8a5ce729fd",
    "cost_minor": "6e91616d27f32601c8e1e5170405a671",
    "margin_minor": "343b730dc5f38c21db602faab2f3d555",
    "campaign": "7adf75aed4ac302b6f70eb767633200b",
    "order_id": "2a3842b0101be3e8efa6b482b9910e32",
    "lines": "ef33c1270505461f55af1cc495ee0ca9",
    "agent_id": "2a5213cff2c156b66b8dcd94e3bfa7d6",
    "satisfaction": "d3717dcbf38ae7f73405bf0027e8b41d",
    "properties": "94e57add8f548bcf6e844b799cc790d5",
}


def ids_of(rows: list[dict[str, Any]], folder: Path) -> list[str]:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    source = io.BytesIO(text.encode())
    with prepare(source, Mapping(), as_arrived=True, workdir=folder, now=now_ms(), own_currency="EUR") as prepared:
        assert list(prepared.rejects) == []
        table = pa.Table.from_batches(prepared.batches(), CANONICAL)
    found: list[str] = table.column("event_id").to_pylist()
    return found


def test_identical_rows_have_the_recorded_ids(tmp_path: Path) -> None:
    assert ids_of([LEAST, LEAST, MOST, MOST], tmp_path) == [*TWICE["least"], *TWICE["most"]]


def test_every_column_of_the_content_gives_the_recorded_id(tmp_path: Path) -> None:
    assert tuple(LEAST_WITH) == CONTENT_V1
    rows = [LEAST | {name: MOST[name]} for name in LEAST_WITH]
    assert ids_of(rows, tmp_path) == list(LEAST_WITH.values())


def test_every_column_that_is_missing_gives_the_recorded_id(tmp_path: Path) -> None:
    rows = [MOST | {name: None} for name in MOST_WITHOUT]
    assert ids_of(rows, tmp_path) == list(MOST_WITHOUT.values())

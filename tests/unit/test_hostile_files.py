"""Files that are small and claim, or unpack to, much: a clear error, or a reject, within seconds and 500 MB."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.bounded import MEMORY, bounded

PROCESSOR_SECONDS: Final = 20.0  # with what Numba compiles on the way
IMPORT: Final = """
import streams.imports.prepare as prepare
from streams.imports.mapping import Mapping
from streams.imports.problems import InputProblem
from pathlib import Path
"""
WORK: Final = """
try:
    mapping = Mapping(constants={{"customer_id": "c", "kind": "k", "occurred_at": "2024-01-01"}})
    with prepare.prepare(Path({path!r}), mapping, as_arrived=True, workdir=Path({folder!r}), now=2**41) as found:
        print("rows", found.rows, [(r.row, r.reason, r.detail, len(r.payload)) for r in list(found.rejects)[:5]])
except InputProblem as problem:
    print("problem", problem)
"""


@cache
def packed(piece: bytes) -> bytes:
    """Deflated, so that it can stand any number of times in a stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)


def gzipped(*parts: tuple[bytes, int]) -> bytes:
    """Pieces, each so many times over, gzipped without ever standing in memory.

    Checksum and size are not right: nobody comes that far.
    """
    head, last = zlib.compressobj(9, zlib.DEFLATED, 31).flush()[:10], b"\x03\0"
    return b"".join([head, *(packed(piece) * times for piece, times in parts), last, bytes(8)])


MIB: Final = b"a" * (1 << 20)
SYNC: Final = b"s" * 16


def avro(schema: Any, blocks: bytes, codec: bytes = b"null") -> bytes:
    def entry(name: bytes, value: bytes) -> bytes:
        return long(len(name)) + name + long(len(value)) + value

    head = b"Obj\x01" + long(2) + entry(b"avro.schema", json.dumps(schema).encode()) + entry(b"avro.codec", codec)
    return head + b"\0" + SYNC + blocks


def long(value: int) -> bytes:
    rest, out = (value << 1) ^ (value >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind} for name, kind in fields]}


def block(count: int, data: bytes, size: int | None = None) -> bytes:
    return long(count) + long(len(data) if size is None else size) + data + SYNC


def deflated_bomb() -> bytes:
    data = packed(MIB) * 1000 + b"\x03\0"
    return avro(record(("a", "bytes")), block(1, data), b"deflate")


def lying_parquet(change: Callable[[bytes], bytes]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"occurred_at": [1, 2, 3], "amount": ["1", "2", "3"]}), out)
    return change(out.getvalue())


def repeated_parquet() -> bytes:
    """A megabyte of text that stands once in a dictionary, and in each of 65,536 rows."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 65_536, pa.int32()), pa.array(["x" * (1 << 20)]))
    out = io.BytesIO()
    pq.write_table(pa.table({"amount": text}), out)
    return out.getvalue()


def footer(data: bytes) -> int:
    """Bytes of a Parquet file's footer and what follows it."""
    return int(struct.unpack_from("<I", data, len(data) - 8)[0]) + 8


SELF: Final = record(("next", ["null", "R"]))
FILES: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "endless.csv.gz": (lambda: gzipped((b"a,b\n", 1), (MIB, 2000)), "line 2 is longer than 64 MiB"),
    "endless_header.csv.gz": (lambda: gzipped((MIB, 2000)), "line 1 is longer than 64 MiB"),
    "endless.jsonl.gz": (lambda: gzipped((b'{"a": "', 1), (MIB, 2000)), "has a line of more than 64 MiB"),
    "quote.csv.gz": (lambda: gzipped((b'a,b\n"', 1), (MIB, 2000)), "line 2 is longer than 64 MiB"),
    "long.csv": (lambda: b"a,b\n1,2\n" + b"x" * (40 << 20) + b",3\n4,5\n", "rows 2 [(3, 'long_line'"),
    "long.jsonl": (lambda: b'{"a":1}\n' + b"[0" * (20 << 20) + b'\n{"a":2}', "rows 2 [(2, 'long_line'"),
    "numbers.jsonl": (lambda: b'{"a": ' + b"9" * 900_000 + b', "lines": [' + b"9" * 5000 + b"]}", "broken_json"),
    "deep.jsonl": (lambda: b'{"a": ' + b"[" * 500_000 + b"\n" + b'{"a":' * 100_000, "nested too deeply"),
    "just_deep.jsonl": (
        lambda: b"\n".join(b'{"properties": {"a": ' + b"[" * n + b"]" * n + b"}}" for n in range(300, 1000)), "rows"),
    "just_deep_text.jsonl": (
        lambda: b"\n".join(
            b'{"properties": "{\\"a\\": ' + b"[" * n + b"]" * n + b'}"}' for n in range(300, 1000, 1)), "rows"),
    "wide.csv": (lambda: b",".join(b"c%d" % i for i in range(4096)) + b"\n" * (6 << 20), "has no rows"),
    "nul.csv": (lambda: b"\0" * (64 << 20), "is neither text nor in a known format"),
    "nul_later.csv": (lambda: b"a,b\n" * 2000 + b"\0" * (80 << 20), "is longer than 64 MiB"),
    "nul.jsonl": (lambda: b'{"a":1}\n' * 1000 + b"\0" * (80 << 20), "has a line of more than 64 MiB"),
    "zipped.avro.gz": (lambda: gzipped((b"Obj\x01", 1), (MIB, 2000)), "unzips to more than 200 times its size"),
    "claims_records.avro": (lambda: avro(record(("a", "null")), block(10**12, b"")), "claims 1,000,000,000,000 rec"),
    "claims_more.avro": (
        lambda: avro(record(("a", "int")), block(10**6, b"\2\2")), "of 2 bytes claims 1,000,000 records"),
    "claims_bytes.avro": (
        lambda: avro(record(("a", "int")), block(1, b"\2", 10**15)), "a block claims 1,000,000,000,000,000 bytes"),
    "negative.avro": (lambda: avro(record(("a", "int")), block(-5, b"\2", -3)), "a block claims -3 bytes"),
    "long_string.avro": (lambda: avro(record(("a", "string")), block(1, long(10**12))), "is not a whole Avro file"),
    "array_of_nothing.avro": (
        lambda: avro(record(("a", {"type": "array", "items": "null"})), block(1, long(10**12) + b"\0")),
        "an array whose items take no bytes"),
    "array.avro": (
        lambda: avro(record(("a", {"type": "array", "items": "int"})), block(1, long(10**12) + b"\2\0")),
        "is not a whole Avro file"),
    "itself.avro": (lambda: avro(SELF, block(1, b"\2" * 3_000_000 + b"\0")), "its type R contains itself"),
    "deflated.avro": (deflated_bomb, "holds more than 4 MiB; write it with smaller blocks"),
    "deep_schema.avro": (
        lambda: b"Obj\x01" + long(1) + long(11) + b"avro.schema" + long(400_000)
        + (b'{"type":"array","items":' * 20_000)[:400_000] + b"\0" + SYNC, "is not a whole Avro file"),
    "meta.avro": (lambda: b"Obj\x01" + long(10**12) + b"\0" * 100, "is not a whole Avro file"),
    "footer.parquet": (
        lambda: lying_parquet(lambda data: data[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"),
        "is not a whole Parquet file"),
    "dictionary.parquet": (repeated_parquet, "bytes of text, repeated from a dictionary; at most 256 MiB"),
    "no_footer.parquet": (lambda: lying_parquet(lambda data: data[:-20] + data[-8:]), "is not a whole Parquet file"),
    "holes.parquet": (
        lambda: lying_parquet(lambda data: data[:4] + b"\xff" * (len(data) - 4 - footer(data)) + data[-footer(data):]),
        "is not a whole Parquet file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_words(name: str, tmp_path: Path) -> None:
    make, says = FILES[name]
    path = tmp_path / name
    path.write_bytes(make())
    ended = bounded("", WORK.format(path=str(path), folder=str(tmp_path / "work")), imports=IMPORT)
    assert says in ended.said, ended.said[:500]
    assert str(path) in ended.said or ended.said.startswith("rows")
    assert ended.peak < MEMORY, ended
    assert ended.seconds < PROCESSOR_SECONDS, ended


def test_an_honest_container_is_read_whatever_its_codec(tmp_path: Path) -> None:
    """The walk over blocks gives what was written."""
    from streams.imports.container import Container

    schema = fastavro.parse_schema(record(("a", "string"), ("b", {"type": "array", "items": "int"})))
    rows = [{"a": f"{i}" * 10, "b": list(range(i % 7))} for i in range(5000)]
    for codec in ("null", "deflate", "snappy", "zstandard", "bzip2", "xz"):
        out = io.BytesIO()
        try:
            fastavro.writer(out, schema, rows, codec, sync_interval=1000)
        except ValueError:
            continue
        container = Container(io.BytesIO(out.getvalue()), len(out.getvalue()))
        found = [row for some in container.records(700) for row in some]
        assert found == rows

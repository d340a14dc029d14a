"""Delimited text against the standard library's reader; line numbers and broken lines."""

import csv
import gzip
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.imports.delimited import DelimitedSource
from streams.imports.files import receive
from streams.imports.mapping import Mapping
from streams.imports.problems import ImportReject, InputProblem
from streams.imports.scan import WHITESPACE, split_rows


def read(
    text: bytes, folder: Path, mapping: Mapping | None = None
) -> tuple[tuple[str, ...], list[int], list[tuple[str, ...]], list[ImportReject]]:
    """(columns, line numbers, rows, rejects) of a delimited text."""
    path = folder / "some.csv"
    path.write_bytes(text)
    mapping = mapping or Mapping(format="csv", delimiter=",")
    source = DelimitedSource(receive(path, folder, mapping, None), mapping)
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    rejects: list[ImportReject] = []
    for block in source.blocks(None):
        lines += block.rows.tolist()
        rows += list(zip(*(column.to_pylist() for column in block.columns.values()), strict=True))
        rejects += block.rejects
    source.close()
    return source.columns or (), lines, rows, rejects


FIELD = st.text(st.sampled_from('ab ",\n\ré€;'), max_size=6)


@given(rows=st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_what_the_standard_library_writes_is_read_back(
    rows: list[tuple[str, ...]], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["x", "y", "z"])
    writer.writerows(rows)
    columns, _, found, rejects = read(text.getvalue().encode(), tmp_path_factory.mktemp("csv"))
    assert columns == ("x", "y", "z")
    assert found == rows
    assert rejects == []


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    text = b'\r\nx,y\r\n1,a\r\n\r\n2,"b\nb\r\nb"\r\n  \r\n3,c'
    columns, lines, rows, _ = read(text, tmp_path)
    assert columns == ("x", "y")
    assert rows == [("1", "a"), ("2", "b\nb\r\nb"), ("3", "c")]
    assert lines == [3, 5, 9]


def test_a_single_space_may_delimit(tmp_path: Path) -> None:
    assert read(b'x y z\n"a" b  "\n1  2\n', tmp_path, Mapping(delimiter=" "))[2] == [("1", "", "2")]
    assert read(b'x y\n"a" b\n', tmp_path, Mapping(delimiter=" "))[2] == [("a", "b")]


def test_line_ends_of_all_three_kinds(tmp_path: Path) -> None:
    _, lines, rows, _ = read(b"x,y\r1,a\r2,b\n3,c\r\n4,d", tmp_path)
    assert rows == [("1", "a"), ("2", "b"), ("3", "c"), ("4", "d")]
    assert lines == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"1", "1 fields, where the file has 2 columns"),
        (b"1,2,3", "3 fields, where the file has 2 columns"),
        (b'"a"b,2', "something other than a delimiter follows a closing quote"),
        (b'1,"open', "a quote is not closed"),
    ],
)
def test_a_broken_line_costs_that_line_alone(line: bytes, why: str, tmp_path: Path) -> None:
    _, lines, rows, rejects = read(b"x,y\n1,a\n" + line + b"\n2,b\n3,c\n", tmp_path)
    assert rows == [("1", "a"), ("2", "b"), ("3", "c")]
    assert lines == [2, 4, 5]
    assert rejects == [ImportReject(3, "broken_line", why, line)]


def test_rows_may_end_in_more_delimiters_than_the_header(tmp_path: Path) -> None:
    text = b'x,y\n1,a,\n2,"b,\nb" ,,\n3,,\n,,\n4,c,d\n5,e'
    _, lines, rows, rejects = read(text, tmp_path)
    assert rows == [("1", "a"), ("2", "b,\nb"), ("3", ""), ("", ""), ("5", "e")]
    assert lines == [2, 3, 5, 6, 8]
    assert [(reject.row, reject.detail) for reject in rejects] == [(7, "3 fields, where the file has 2 columns")]


def test_a_quote_that_swallows_lines_until_the_next_quote_gives_them_back(tmp_path: Path) -> None:
    _, lines, rows, rejects = read(b'x,y\n1,"open\n2,b\n3,"c"\n', tmp_path)
    assert rows == [("2", "b"), ("3", "c")]
    assert lines == [3, 4]
    assert [(reject.row, reject.payload) for reject in rejects] == [(2, b'1,"open')]


def test_rows_across_the_edges_of_what_is_read_at_once(tmp_path: Path) -> None:
    rows = [(str(i), "é" * (i % 7) + '"\r\n' * (i % 3)) for i in range(400_000)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("x", "y"), *rows])
    data = text.getvalue().encode()
    assert len(data) > 5_000_000
    _, lines, found, rejects = read(data, tmp_path)
    assert found == rows
    assert rejects == []
    assert lines[-1] == 1 + len(rows) + sum(i % 3 for i in range(len(rows) - 1))


@given(
    text=st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r", b"\t", b" ", b"\x1a"]), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    delimiter=st.sampled_from([ord(","), ord("\t"), WHITESPACE]),
)
def test_what_is_read_at_once_changes_nothing(text: bytes, cuts: list[int], delimiter: int) -> None:
    def rows(bounds: list[int]) -> list[tuple[int, bytes, int]]:
        found: list[tuple[int, bytes, int]] = []
        rest, line = b"", 1
        for start, stop in pairwise([0, *sorted(bounds), len(text)]):
            rest += text[start:stop]
            data, position = np.frombuffer(rest, np.uint8), np.array([0, line])
            most = len(rest) + 1
            starts, stops = np.zeros((most, 2), np.int32), np.zeros((most, 2), np.int32)
            quoted, numbered = np.zeros((most, 2), np.bool_), np.zeros((most, 4), np.int64)
            n = split_rows(data, position, stop == len(text), delimiter, starts, stops, quoted, numbered)
            found += [(number, rest[at:end], count) for number, at, end, count in numbered[:n].tolist()]
            rest, line = rest[position[0] :], int(position[1])
        assert rest == b""
        return found

    assert rows([cut for cut in cuts if cut < len(text)]) == rows([])


def test_runs_of_blanks_separate_fields(tmp_path: Path) -> None:
    mapping = Mapping(delimiter="whitespace")
    text = b' id   day\tsum\r\n 1  19970101   "1 2"\r\n\r\n 2 19970102 3  \r\n\x1a'
    columns, lines, rows, rejects = read(text, tmp_path, mapping)
    assert columns == ("id", "day", "sum")
    assert rows == [("1", "19970101", "1 2"), ("2", "19970102", "3")]
    assert lines == [2, 4]
    assert rejects == []


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (b"a;b\n1;2\n", ("a", "b")),
        (b"a\tb\n1\t2\n", ("a", "b")),
        (b"a|b\n1|2\n", ("a", "b")),
        (b"a b\n1 2\n", ("a", "b")),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b")),
        (b'"a","b, c"\n1,2\n', ("a", "b, c")),
        (b"a,a\n1,2\n", ("a", "a.2")),
    ],
)
def test_the_header_tells_delimiter_and_names(text: bytes, columns: tuple[str, ...], tmp_path: Path) -> None:
    found, _, rows, _ = read(text, tmp_path, Mapping())
    assert found == columns
    assert rows == [("1", "2")]


def test_a_text_without_a_header_numbers_its_columns(tmp_path: Path) -> None:
    assert read(b"7,8\n", tmp_path, Mapping(header=False))[0] == ("1", "2")
    columns, lines, rows, _ = read(b"7,8\n", tmp_path, Mapping(header=False, names=("x",)))
    assert (columns, lines, rows) == (("x", "2"), [1], [("7", "8")])


def test_a_cut_off_gzip_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(50_000)))[:-2000])
    given_file = receive(path, tmp_path, Mapping(), None)

    def everything() -> None:
        source = DelimitedSource(given_file, Mapping())
        try:
            for _ in source.blocks(None):
                pass
        finally:
            source.close()

    with pytest.raises(InputProblem, match="damaged or cut off"):
        everything()

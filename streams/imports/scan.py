"""Delimited text, split into rows and fields by compiled code.

Source: RFC 4180, with these liberties: any delimiter, or runs of spaces and tabs; lines may end in CR LF, LF or CR;
white space may stand between a closing quote and the delimiter; rows may end in delimiters beyond those of the header.
A broken line costs that line alone: the scan goes on with the next physical line, also when a quote that never closes
would swallow the rest of the file.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled, compiled_leaf

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

WHITESPACE: Final = -1
"""Instead of a delimiter's byte: fields are separated by any run of spaces and tabs."""

UNCLOSED: Final = -1
STRAY_QUOTE: Final = -2
_INCOMPLETE: Final = -3
_LONGEST_QUOTED: Final = 1 << 20

_LF: Final = 10
_CR: Final = 13
_QUOTE: Final = 34
_SPACE: Final = 32
_TAB: Final = 9
_DOS_END: Final = 26


@compiled_leaf
def _past_blanks(data: Bytes, at: int, stop: int) -> int:
    while at < stop and (data[at] == _SPACE or data[at] == _TAB):
        at += 1
    return at


@compiled_leaf
def _past_line_end(data: Bytes, at: int, stop: int) -> int:
    if at < stop:
        at += 2 if data[at] == _CR and at + 1 < stop and data[at + 1] == _LF else 1
    return at


@compiled_leaf
def line_end(data: Bytes, at: int, stop: int) -> int:
    """Position of the first CR or LF at or after ``at``, or ``stop``."""
    while at < stop and data[at] != _LF and data[at] != _CR:
        at += 1
    return at


@compiled_leaf
def _closing_quote(data: Bytes, at: int, stop: int, final: bool) -> int:
    """Position of the quote that closes the field whose content begins at ``at``, or UNCLOSED, or _INCOMPLETE."""
    begin = at
    while at < stop and at - begin <= _LONGEST_QUOTED:
        if data[at] == _QUOTE:
            if at + 1 >= stop or data[at + 1] != _QUOTE:
                return at if final or at + 1 < stop else _INCOMPLETE
            at += 1
        at += 1
    return UNCLOSED if final or at - begin > _LONGEST_QUOTED else _INCOMPLETE


@compiled_leaf
def _unquoted_end(data: Bytes, at: int, stop: int, delimiter: int) -> int:
    while at < stop:
        sign = data[at]
        if sign in (delimiter, _LF, _CR):
            break
        if delimiter == WHITESPACE and sign in (_SPACE, _TAB):
            break
        at += 1
    return at


@compiled_leaf
def split_row(
    data: Bytes, at: int, stop: int, final: bool, delimiter: int, starts: Positions, stops: Positions, quoted: Flags
) -> tuple[int, int]:
    """(fields found, position of the row's line end) of the row at ``at``; the first fields go to the arrays.

    Instead of a count: UNCLOSED, STRAY_QUOTE, or a value below both when the row goes on beyond ``stop``.
    """
    count = 0
    while True:
        if delimiter == WHITESPACE:
            at = _past_blanks(data, at, stop)
            if not final and (at >= stop or (data[at] == _CR and at + 1 >= stop)):
                return _INCOMPLETE, at
            if count > 0 and (at >= stop or data[at] == _LF or data[at] == _CR):
                return count, at
        is_quoted = at < stop and data[at] == _QUOTE
        begin = at + 1 if is_quoted else at
        if is_quoted:
            end = _closing_quote(data, begin, stop, final)
            if end < 0:
                return end, at
            at = end + 1 if delimiter in (_SPACE, _TAB) else _past_blanks(data, end + 1, stop)
        else:
            end = _unquoted_end(data, at, stop, delimiter)
            at = end
        if count < len(starts):
            starts[count], stops[count], quoted[count] = begin, end, is_quoted
        count += 1
        if at >= stop or (data[at] == _CR and at + 1 >= stop and not final):
            return count if final else _INCOMPLETE, at
        if data[at] == _LF or data[at] == _CR:
            return count, at
        if data[at] == delimiter:
            at += 1
        elif delimiter != WHITESPACE or (is_quoted and data[end + 1] != _SPACE and data[end + 1] != _TAB):
            return STRAY_QUOTE, at


@compiled_leaf
def _is_blank(data: Bytes, at: int, end: int) -> bool:
    while at < end and data[at] in (_SPACE, _TAB, _DOS_END):
        at += 1
    return at == end


@compiled_leaf
def _is_empty_beyond(data: Bytes, stops: Positions, quoted: Flags, end: int, delimiter: int) -> bool:
    """Whether nothing but delimiters stands behind the last column: a row ends in one, and the header does not."""
    last = len(stops) - 1
    at = stops[last] + (1 if quoted[last] else 0)
    while at < end and (data[at] == delimiter or data[at] == _SPACE or data[at] == _TAB):
        at += 1
    return bool(at == end)


@compiled
def split_rows(
    data: Bytes,
    position: npt.NDArray[np.int64],
    final: bool,
    delimiter: int,
    starts: npt.NDArray[np.int32],
    stops: npt.NDArray[np.int32],
    quoted: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
) -> int:
    """Splits the rows in ``data`` from ``position[0]``, whose physical line number is ``position[1]``.

    ``starts``, ``stops``, ``quoted`` [rows, columns] get the fields; ``rows`` [rows, 4] line number, start, end, and
    fields found (or UNCLOSED, STRAY_QUOTE). Blank lines are left out. Returns the number of rows; ``position`` is then
    that of the first row not split because it goes on beyond ``data``.
    """
    stop = len(data)
    at, line = position[0], position[1]
    n = 0
    while at < stop and n < len(rows):
        first_end = line_end(data, at, stop)
        if not final and (first_end >= stop or (data[first_end] == _CR and first_end + 1 >= stop)):
            break
        if _is_blank(data, at, first_end):
            at, line = _past_line_end(data, first_end, stop), line + 1
            continue
        count, row_end = split_row(data, at, stop, final, delimiter, starts[n], stops[n], quoted[n])
        if count == _INCOMPLETE:
            break
        if count > starts.shape[1] and _is_empty_beyond(data, stops[n], quoted[n], row_end, delimiter):
            count = starts.shape[1]
        end = row_end if count == starts.shape[1] else first_end
        rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3] = line, at, end, count
        for i in range(first_end, end):
            line += 1 if data[i] == _LF or (data[i] == _CR and data[i + 1] != _LF) else 0
        at, line = _past_line_end(data, end, stop), line + 1
        n += 1
    position[0], position[1] = at, line
    return n


@compiled
def gather(
    data: Bytes, starts: Positions, stops: Positions, quoted: Flags, out: Bytes, offsets: npt.NDArray[np.int32]
) -> int:
    """Copies one field of each row into ``out``, doubled quotes as one; ``offsets`` int32[n + 1]. Returns the size."""
    to = 0
    for i in range(len(starts)):
        offsets[i] = to
        at = np.int64(starts[i])
        while at < stops[i]:
            sign = data[at]
            out[to] = sign
            to += 1
            at += 2 if sign == _QUOTE and quoted[i] else 1
    offsets[len(starts)] = to
    return to

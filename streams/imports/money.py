"""Decimal text to integers, exactly; digits beyond those wanted are rounded half to even, as everywhere in Relasi."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled, compiled_leaf
from processors.words import Int, byte_at
from streams.imports.columns import Parts, parts_of

NOT_A_NUMBER: Final = -(2**63)
"""What ``decimal_at`` returns for text that is no number, or too large a one."""

_LIMIT: Final = (2**63 - 1) // 10 - 1
_DIGITS: Final = 10**17


@compiled_leaf
def scaled(mantissa: Int, shift: Int, sticky: bool, exact: bool) -> Int:
    """mantissa × 10^shift, rounded half to even; ``sticky``: something other than zero follows the mantissa."""
    if sticky and shift >= 0:
        return NOT_A_NUMBER
    while shift > 0 and mantissa > 0:
        if mantissa > _LIMIT:
            return NOT_A_NUMBER
        mantissa *= 10
        shift -= 1
    if shift < -20:
        sticky = bool(sticky or mantissa > 0)
        mantissa, shift = 0, 0
    rest: Int = 0
    while shift < 0:
        sticky = bool(sticky or rest > 0)
        rest = mantissa % 10
        mantissa //= 10
        shift += 1
    if exact and (rest > 0 or sticky):
        return NOT_A_NUMBER
    if rest > 5 or (rest == 5 and (sticky or mantissa % 2 == 1)):
        mantissa += 1
    return mantissa


@compiled_leaf
def _exponent_at(data: npt.NDArray[np.uint8], at: Int, stop: Int) -> Int:
    negative = at < stop and data[at] == 45
    if at < stop and (data[at] == 43 or data[at] == 45):
        at += 1
    if at >= stop or stop - at > 4:
        return NOT_A_NUMBER
    value = np.int64(0)
    for i in range(at, stop):
        digit = byte_at(data, i) - 48
        if digit < 0 or digit > 9:
            return NOT_A_NUMBER
        value = value * 10 + digit
    return -value if negative else value


@compiled_leaf
def decimal_at(data: npt.NDArray[np.uint8], at: Int, stop: Int, decimals: Int, exact: bool, point: int) -> Int:
    """The decimal number in ``data[at:stop]`` × 10^decimals; ``NOT_A_NUMBER`` when it is none or does not fit.

    Digits beyond ``decimals`` are rounded half to even, or refused when ``exact``. ``point`` is the decimal sign's
    byte; nothing separates thousands here (``amounts.py`` takes such separators out).
    """
    negative = at < stop and data[at] == 45
    if at < stop and (data[at] == 43 or data[at] == 45):
        at += 1
    mantissa = np.int64(0)
    shift = decimals
    first = at
    sticky = False
    after_point = 0
    while at < stop:
        digit = byte_at(data, at) - 48
        if digit == point - 48 and after_point == 0:
            after_point = 1
            first += 1
        elif digit < 0 or digit > 9:
            break
        elif mantissa < _DIGITS or (mantissa <= _LIMIT and (after_point == 0 or shift > 0)):
            mantissa = mantissa * 10 + digit
            shift -= after_point
        elif after_point == 0:
            return NOT_A_NUMBER
        else:
            sticky = bool(sticky or digit != 0)
        at += 1
    if at == first:
        return NOT_A_NUMBER
    if at < stop:
        exponent = _exponent_at(data, at + 1, stop) if data[at] == 69 or data[at] == 101 else NOT_A_NUMBER
        if exponent == NOT_A_NUMBER:
            return NOT_A_NUMBER
        shift += exponent
    value = scaled(mantissa, shift, sticky, exact)
    return -value if negative and value != NOT_A_NUMBER else value


@compiled
def _decimals(text: Parts, decimals: npt.NDArray[np.int8], exact: bool, point: int, out: npt.NDArray[np.int64]) -> None:
    for i in range(len(text.valid)):
        if text.valid[i]:
            start, stop = np.int64(text.offsets[i]), np.int64(text.offsets[i + 1])
            out[i] = decimal_at(text.data, start, stop, np.int64(decimals[i]), exact, point)


def integers(
    text: Any, decimals: npt.NDArray[np.int8], *, exact: bool, point: str = "."
) -> tuple[Any, npt.NDArray[np.bool_]]:
    """(int64 array, rows that are no number) of a trimmed text column; ``decimals`` int8[n] shifts each row."""
    parts = parts_of(text)
    out = np.zeros(len(text), np.int64)
    decimals.flags.writeable = False
    _decimals(parts, decimals, exact, ord(point), out)
    bad = parts.valid & (out == NOT_A_NUMBER)
    return pa.array(out, mask=bad | ~parts.valid), bad

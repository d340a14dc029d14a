"""How many zero bits a word begins and ends with: one instruction of the processor, from compiled code."""

from typing import Any, Final

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

# Numba declares no types for this.
_CONFIG: Any = numba.config
JIT: bool = not _CONFIG.DISABLE_JIT
"""Whether code is compiled."""


def _leading(_typing: Any, word: Any) -> Any:
    if not isinstance(word, types.Integer):
        return None

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


def _trailing(_typing: Any, word: Any) -> Any:
    if not isinstance(word, types.Integer):
        return None

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


def _plain_leading(word: int) -> int:
    return 64 - int(word).bit_length()


def _plain_trailing(word: int) -> int:
    value = int(word)
    return (value & -value).bit_length() - 1 if value else 64


leading_zeros: Any = _plain_leading if _CONFIG.DISABLE_JIT else intrinsic(_leading)
"""Zero bits above the highest one of a uint64; 64 of zero."""
trailing_zeros: Any = _plain_trailing if _CONFIG.DISABLE_JIT else intrinsic(_trailing)
"""Zero bits below the lowest one of a uint64; 64 of zero."""


_AT_ONCE: Final = 8  # words


def _compare(_typing: Any, one: Any, other: Any, count: Any) -> Any:
    if not (isinstance(one, types.Integer) and isinstance(other, types.Integer)):
        return None

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, many = ir.IntType(64), signature.args[2].literal_value
        found = ir.Constant(word, 0)
        for first in range(0, many, _AT_ONCE):
            some = min(_AT_ONCE, many - first)
            pointer, sides = ir.VectorType(word, some).as_pointer(), []
            for address in arguments[:2]:
                place = builder.add(address, ir.Constant(word, 8 * first))
                sides.append(builder.load(builder.inttoptr(place, pointer), "", 8))
            bits = builder.bitcast(builder.icmp_unsigned("!=", sides[0], sides[1]), ir.IntType(some))
            found = builder.or_(found, builder.shl(builder.zext(bits, word), ir.Constant(word, first)))
        return found

    return types.uint64(types.intp, types.intp, count), generate


differing: Any = None if _CONFIG.DISABLE_JIT else intrinsic(prefer_literal=True)(_compare)
"""Of the addresses of twice so many (a constant, at most 64) words: bit k is set where words k differ.

Compiled code only. A few instructions on many words; word by word it took ten times as long (measured).
"""

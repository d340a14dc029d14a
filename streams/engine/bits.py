"""How many zero bits a word begins and ends with: one instruction of the processor, from compiled code."""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

# Numba declares no types for this.
_CONFIG: Any = numba.config


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

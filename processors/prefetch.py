"""Asking the processor for memory before it is needed, from compiled code.

With a million customers a row is hardly ever in a cache: each touchpoint would wait for a dozen lines of main memory,
one after the other. Asked for some records ahead, they arrive while those before are processed.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE = 64
# Numba declares no types for these.
_CGUTILS: Any = cgutils
_CONFIG: Any = numba.config


def _ask(_typing: Any, address: Any) -> Any:
    if not isinstance(address, types.Integer):
        return None

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        ask = _CGUTILS.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word]), "llvm.prefetch.p0"
        )
        # For writing (1), to be kept in all caches (3), data (1): LLVM Language Reference, llvm.prefetch.
        builder.call(ask, [pointer, word(1), word(3), word(1)])

    return types.void(types.intp), generate


def _ignore(_address: int) -> None:
    """Plain Python has no caches to fill."""


ask_for_line: Any = _ignore if _CONFIG.DISABLE_JIT else intrinsic(_ask)
"""Ask for the cache line at an address; a wrong address does no harm."""

"""Keeping a compiled function out of its callers: what runs seldom need not be laid into what runs for every record.

LLVM compiles a function anew for each caller that it lays it into, and those for theirs: rules of a policy, which are
asked in four places and compute every figure of a customer, took four minutes to compile so (measured).
"""

from typing import Any

import numba
from numba.core import types
from numba.extending import intrinsic

# Numba declares no types for this.
_CONFIG: Any = numba.config


def _apart(_typing: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


def _nothing() -> None:
    """Plain Python lays no function into another."""


stay_apart: Any = _nothing if _CONFIG.DISABLE_JIT else intrinsic(_apart)
"""Called anywhere in a function of ``compiled_apart``: that function is called, and never laid into a caller."""

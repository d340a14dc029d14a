"""Decorators for compiled code that allocates nothing: what runs for every record.

Numba counts references to every array that is passed to a function, with two atomic operations a call, and calls small
functions through pointers. Where no array is ever made, neither is needed. Measured: the decoder takes 290 ns a record
with ``processors.compiled.compiled``, 157 ns without counting, 102 ns with the small functions laid into their callers
as well.
A function of either kind may be called from any compiled function. Making an array inside one is a compile error.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba

import processors.compiled  # noqa: F401  # sets the directory of the cache, before anything is compiled

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final[dict[str, Any]] = {"cache": True, "error_model": "numpy", "boundscheck": False, "_nrt": False}
_leaf = numba.njit(**_OPTIONS)
_inline = numba.njit(**_OPTIONS, forceinline=True)


def compiled_leaf(function: F) -> F:
    """Compile ``function`` without reference counts. With ``NUMBA_DISABLE_JIT=1`` the plain Python function runs."""
    return cast(F, _leaf(function))


def compiled_inline(function: F) -> F:
    """The same, and lay its code into every caller: for what is short, or is called in one or two places."""
    return cast(F, _inline(function))

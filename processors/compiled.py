"""The one decorator for compiled code, and where its machine code is cached.

This is the only module of ``processors`` that touches files: it reads the sources to key the cache.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba

F = TypeVar("F", bound=Callable[..., Any])

_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("processors", "schemas", "streams")


def cache_key() -> str:
    """Digest of everything that a compiled function depends on: all compiled sources, Numba, Python, the processor.

    Numba's own cache looks at the file of the decorated function alone; a change in a callee that lives in another
    module would go unseen and stale machine code would run.
    """
    digest = hashlib.sha256()
    host = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    for part in (numba.__version__, sys.version, *host):
        digest.update(part.encode() + b"\0")
    for folder in _SOURCES:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            text = path.read_bytes()
            if b"@compiled" in text:
                digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + text)
    return digest.hexdigest()[:16]


def _cache_directory() -> str:
    beside_the_code = _ROOT / ".numba-cache"
    try:
        beside_the_code.mkdir(exist_ok=True)
        writable = os.access(beside_the_code, os.W_OK)
    except OSError:
        writable = False
    base = beside_the_code if writable else Path.home() / ".cache" / "relasi" / "numba"
    return str(base / cache_key())


cast(Any, numba.config).CACHE_DIR = _cache_directory()
# Untyped on purpose: Numba declares no type for the option that leaves reference counting out.
_options: Any = numba.njit
# Without Python's lock: a worker's threads go on fetching and sending while one of them applies a batch.
_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "boundscheck": False, "nogil": True}
_njit = _options(**_OPTIONS)
_leaf = _options(**_OPTIONS, _nrt=False)
_inline = _options(**_OPTIONS, _nrt=False, forceinline=True)


def compiled(function: F) -> F:
    """Compile ``function`` with Numba on its first call.

    Division by zero yields inf or nan, as in C. With ``NUMBA_DISABLE_JIT=1`` the plain Python function runs.
    """
    return cast(F, _njit(function))


def compiled_leaf(function: F) -> F:
    """The same for code that allocates nothing: what runs for every record.

    Numba counts references to every array that is passed to a function, with two atomic operations a call. Where no
    array is ever made nothing needs counting: measured, the decoder takes 157 ns a record without, 290 ns with it.
    Making an array inside such a function is a compile error.
    """
    return cast(F, _leaf(function))


def compiled_inline(function: F) -> F:
    """A leaf whose code is laid into every caller: for what is short, or called in one or two places."""
    return cast(F, _inline(function))

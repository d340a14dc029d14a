"""The decorators for compiled code, and where its machine code is kept.

This is the only module of ``processors`` that touches files: it reads and writes the cache of machine code.

Numba's own cache looks at the file of the decorated function alone: a change in a callee that lives in another module
goes unseen, and a comment in the file compiles all of it anew. Here every entry is named by a digest of what it
depends on (``processors/dependencies.py``), of the types that it was compiled for, and of compiler and processor.
An entry never changes, so any number of checkouts and processes can share a directory.
"""

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core import caching, sigutils

from processors.dependencies import closure_digest, signature_digest

F = TypeVar("F", bound=Callable[..., Any])

VARIABLE: Final = "RELASI_COMPILED"
_BESIDE_THE_CODE: Final = Path(__file__).resolve().parent.parent / ".numba-cache"
# Numba declares no types for these.
_CONFIG: Any = numba.config
_type_of: Any = numba.typeof
_plain: Any = numba.types.unliteral
_FILES: Any = caching.IndexDataCacheFile
_normalised: Any = sigutils.normalize_signature
# What in Numba's environment changes the code that it makes.
_SWITCHES: Final = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX")


def _load_without_blas() -> None:
    """Numba looks for a BLAS as it loads its arrays, and imports all of scipy.linalg for it.

    That is a fifth of what a process takes to start, for what nothing compiled here asks for. Told that there is none,
    it refuses products of matrices, and nothing else is different.
    """

    def none() -> None:
        raise ImportError("compiled code here does without linear algebra")

    linalg: Any = import_module("numba.np.linalg")
    asked, linalg.ensure_blas = linalg.ensure_blas, none
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


if not _CONFIG.DISABLE_JIT:
    _load_without_blas()


@cache
def toolchain() -> str:
    """Name of what makes the machine code and of what it is made for: Python, Numba, LLVM, NumPy, the processor."""
    host = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    switches = [f"{name}={getattr(_CONFIG, name, None)}" for name in _SWITCHES]
    parts = (sys.version, numba.__version__, llvmlite.__version__, np.__version__, *host, *switches)
    digest = sha256("\0".join(parts).encode()).hexdigest()[:12]
    return f"python{sys.version_info[0]}.{sys.version_info[1]}-numba{numba.__version__}-{digest}"


def cache_directory() -> Path:
    """Where compiled code is kept: in RELASI_COMPILED, else beside the code, or at home where that can't be written."""
    if told := os.environ.get(VARIABLE):
        return Path(told).expanduser().absolute()
    beside = _BESIDE_THE_CODE
    writable = os.access(beside if beside.exists() else beside.parent, os.W_OK)
    return beside if writable else Path.home() / ".cache" / "relasi" / "numba"


def prune(before: float) -> int:
    """Remove what was neither made nor loaded since ``before`` (seconds since 1970); how many files that was.

    Files that Numba left behind when its process was killed are among them.
    """
    removed = 0
    for path in cache_directory().glob("python*-numba*/*/*.nb[ci]*"):
        with suppress(FileNotFoundError):  # another process prunes too
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


class _Results(caching.CompileResultCacheImpl):
    """How Numba turns machine code into bytes and back, without its ways of finding a place for them."""

    def __init__(self, function: Any) -> None:
        self._lineno = function.__code__.co_firstlineno
        # For Numba's warning that something can't be kept.
        self._locator = SimpleNamespace(_py_file=function.__code__.co_filename)


class _Kept(caching.FunctionCache):
    """The machine code of one function: a pair of files for each signature.

    Numba keeps an index of all signatures in one file and numbers their code. Two processes that compile different
    signatures at once take the same number, and the index of one names the code of the other. With an index for each
    signature all who write a file write the same; each is written aside and put into place by renaming.
    """

    def __init__(self, dispatcher: Any) -> None:
        # Not Numba's, which would look for a place and read the source when the function is only being defined.
        self._py_func = dispatcher.py_func
        self._name = repr(self._py_func)
        self._options = dict(dispatcher.targetoptions)
        self._impl = _Results(self._py_func)
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(cache_directory() / toolchain() / self._py_func.__module__)

    def flush(self) -> None:
        """Numba's ``recompile``: what is compiled from now on depends on values that changed after they were frozen."""
        self._enabled = False

    def _entry(self, signature: Any, codegen: Any) -> tuple[Any, Any]:
        arguments, returned = _normalised(signature)
        types = (*arguments, *([] if returned is None else [returned]))
        # The closure is looked at when code is asked for, and not before: by then all globals are there.
        parts = (closure_digest(self._py_func, self._options), signature_digest(types), repr(codegen.magic_tuple()))
        key = sha256("\0".join(parts).encode()).hexdigest()
        name = self._py_func.__qualname__.replace("<", "").replace(">", "")
        return _FILES(self.cache_path, f"{name}-{key[:24]}", key), signature

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        if not self._enabled:
            return None
        entry, key = self._entry(sig, target_context.codegen())
        try:
            data = entry.load(key)
        except (EOFError, UnpicklingError):
            return None  # cut short, as after a power failure; it is written anew
        if data is None:
            return None
        for path in (entry._index_path, entry._data_path(entry._data_name(1))):
            with suppress(OSError):  # a directory that may only be read
                os.utime(path)
        return self._impl.rebuild(target_context, data)

    def _save_overload(self, sig: Any, data: Any) -> None:
        if not self._enabled or not self._impl.check_cachable(data):
            return
        entry, key = self._entry(sig, data.codegen)
        try:
            Path(self.cache_path).mkdir(parents=True, exist_ok=True)
            entry.save(key, self._impl.reduce(data))
        except OSError as error:
            warnings.warn(
                f"compiled code can't be kept ({error}) and is compiled anew by every process: set {VARIABLE} to a "
                "directory that can be written",
                RuntimeWarning,
                stacklevel=2,
            )


# Untyped on purpose: Numba declares no type for the option that leaves reference counting out.
_options: Any = numba.njit
# Without Python's lock: a worker's threads go on fetching and sending while one of them applies a batch. What a
# function is first compiled within passes its options on to it (Numba). Where forceinline is not said it is that of
# whoever came first, and so of all that is called: machine code would depend on the order in which it was made, and
# compiling took two to three times as long (measured: 1,120 s of CPU, 490 s since).
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "nogil": True}
_njit = _options(**_OPTIONS, forceinline=False)
_leaf = _options(**_OPTIONS, _nrt=False, forceinline=False)
_inline = _options(**_OPTIONS, _nrt=False, forceinline=True)


def _kept(dispatcher: Any) -> Any:
    if not _CONFIG.DISABLE_JIT:  # else it is the plain function
        dispatcher._cache = _Kept(dispatcher)
    return dispatcher


def compiled(function: F) -> F:
    """Compile ``function`` with Numba on its first call.

    Division by zero yields inf or nan, as in C. With ``NUMBA_DISABLE_JIT=1`` the plain Python function runs.
    """
    return cast(F, _kept(_njit(function)))


def compiled_leaf(function: F) -> F:
    """The same for code that allocates nothing: what runs for every record.

    Numba counts references to every array that is passed to a function, with two atomic operations a call. Where no
    array is ever made nothing needs counting: measured, the decoder takes 157 ns a record without, 290 ns with it.
    Making an array inside such a function is a compile error.
    """
    return cast(F, _kept(_leaf(function)))


def compiled_inline(function: F) -> F:
    """A leaf whose code is laid into every caller: for what is short, or called in one or two places."""
    return cast(F, _kept(_inline(function)))


def _without_literals(dispatcher: Any) -> Any:
    asked = dispatcher.get_call_template

    def typed(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        return asked([_plain(argument) for argument in arguments], {name: _plain(named[name]) for name in named})

    dispatcher.get_call_template = typed
    return dispatcher


def compiled_apart(function: F) -> F:
    """A leaf that calls ``processors.apart.stay_apart``: what runs seldom, and is long.

    Numba takes a constant argument for a type of its own, which stays one in all that is called within: a zero in one
    place, and everything below it is compiled a second time, a tenth of all compiling. Here it is not. What runs for
    every record may be the faster for its constants (measured: all events take a twentieth longer without).
    """
    dispatcher = _kept(_leaf(function))
    return cast(F, dispatcher if _CONFIG.DISABLE_JIT else _without_literals(dispatcher))


def compile_for(function: Callable[..., Any], *arguments: object) -> None:
    """Compile a function of ours for arguments like these, and keep its code, without calling it."""
    if not _CONFIG.DISABLE_JIT:
        cast(Any, function).compile(tuple(_type_of(argument) for argument in arguments))

"""What the machine code of a compiled function depends on, as a digest.

Numba freezes what a function reads: its callees, and the values of its globals. The digest covers that and nothing
else, so a comment, a docstring or a line more above a function leaves it as it is; and it covers values, not the text
that made them, so a constant that came out of a file counts like one that stands in the code. Paths and line numbers
do not enter: two checkouts with the same code share their machine code.
"""

import dis
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from hashlib import sha256
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import types

# What these hold is known by its name: their versions are part of the key of the cache.
_BY_NAME: Final = frozenset({"builtins", "llvmlite", "math", "numba", "numpy", "typing"})
_WITHOUT_MEANING: Final = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "RESUME"})
_HAS_DOCSTRING: Final = 0x4000000  # a flag of code objects since Python 3.13
_SCALARS: Final = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
_TYPES: Any = types


class UnknownDependency(TypeError):
    """Compiled code reads something of which it is not known here what of it would change the machine code."""


class _Function(NamedTuple):
    """A function that another one calls, and how it is to be compiled."""

    function: Any
    options: tuple[tuple[str, str], ...]


_Token = str | bytes | _Function
"""A text, some texts that are counted already, or a function."""


def closure_digest(function: FunctionType, options: Mapping[str, Any]) -> str:
    """Hex digest of everything that the machine code of ``function`` depends on, its callees' callees included.

    ``options`` are those of the compiler. Raises UnknownDependency, and NameError for a name that is not defined (yet).
    """
    start = _Function(function, _fixed(options))
    found: dict[_Function, str] = {}
    ahead = [start]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found[one], reached = _own(one)
            ahead.extend(reached)
    return sha256("\0".join([found[start], *sorted(found.values())]).encode()).hexdigest()


def signature_digest(signature: tuple[Any, ...]) -> str:
    """Hex digest of the Numba types that a function is compiled for, the fields of records and named tuples included.

    Numba's own comparison does not see that a named tuple's fields were renamed or changed places.
    """
    return _digest(token for kind in signature for token in _kind(kind))[0]


def _fixed(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in options.items()))


def _digest(tokens: Iterator[_Token]) -> tuple[str, tuple[_Function, ...]]:
    """Of the tokens, where a function stands for its name; and the functions. Each text counts with its length."""
    digest, reached = sha256(), []
    for token in tokens:
        if isinstance(token, _Function):
            reached.append(token)
            token = f"{token.function.__module__}.{token.function.__qualname__} {token.options}"
        digest.update(token if isinstance(token, bytes) else _counted(token))
    return digest.hexdigest(), tuple(reached)


@cache
def _own(one: _Function) -> tuple[str, tuple[_Function, ...]]:
    """Digest of a function without what it calls; and what it calls."""
    return _digest(_function(one))


def _function(one: _Function) -> Iterator[_Token]:
    function = one.function
    yield f"function {function.__module__}.{function.__qualname__} {one.options}"
    yield from _value((function.__defaults__, function.__kwdefaults__), function)
    yield from _value(tuple(cell.cell_contents for cell in function.__closure__ or ()), function)
    yield from _code(function.__code__, function)


def _code(code: CodeType, function: Any) -> Iterator[_Token]:
    """What the instructions do. The docstring is among the constants, but none of them loads it."""
    taken = code.co_argcount + code.co_kwonlyargcount
    yield f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount} {code.co_flags & ~_HAS_DOCSTRING}"
    yield f"{code.co_varnames[:taken]} {code.co_freevars} {code.co_exceptiontable.hex()}"
    for part in _instructions(code):
        if isinstance(part, bytes):
            yield part
        elif isinstance(part, int):
            yield from _value(code.co_consts[part], function)
        else:
            yield from _value(_global(function, part), function)


Instructions = tuple[bytes | int | str, ...]
"""What instructions say, as it is digested; between that, which constant or which global name they load."""

known_instructions: Final[dict[bytes, Instructions]] = {}
"""Those that were disassembled before, by what they are made of. ``processors/compiled.py`` keeps them between
processes: to look at all that the engine calls took each of them 0.4 s of CPU (measured)."""


def _instructions(code: CodeType) -> Instructions:
    made_of = (code.co_code, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    key = sha256(repr(made_of).encode("utf-8", "surrogatepass")).digest()
    if (known := known_instructions.get(key)) is None:
        known = known_instructions[key] = _disassembled(code)
    return known


def _disassembled(code: CodeType) -> Instructions:
    found: list[bytes | int | str] = []
    said: list[bytes] = []

    def load(what: int | str) -> None:
        found.extend((b"".join(said), what))
        said.clear()

    for instruction in dis.get_instructions(code):
        if instruction.opname in _WITHOUT_MEANING:
            continue
        if instruction.opcode in dis.hasconst:
            assert instruction.arg is not None
            said.append(_counted(instruction.opname))
            load(instruction.arg)
            continue
        said.append(_counted(f"{instruction.opname} {instruction.argval!r} {instruction.argrepr}"))
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            load(instruction.argval)
    return (*found, b"".join(said))


def _counted(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(8, "little") + encoded


def _global(function: Any, name: str) -> Any:
    for scope in (function.__globals__, function.__builtins__):
        if name in scope:
            return scope[name]
    raise NameError(f"{function.__module__}.{function.__qualname__} reads {name}, which is not defined")


def _value(value: Any, function: Any) -> Iterator[_Token]:
    """A value that ``function`` reads."""
    if type(value) in _SCALARS:
        yield f"{type(value).__name__} {value!r}"
    elif type(value) in (tuple, list):
        yield f"{type(value).__name__} {len(value)}"
        for one in value:
            yield from _value(one, function)
    elif type(value) in (dict, set, frozenset):
        yield f"{type(value).__name__} {len(value)}"
        pairs = value.items() if isinstance(value, dict) else ((one, None) for one in value)
        for pair in sorted(pairs, key=repr):
            yield from _value(pair, function)
    elif isinstance(value, CodeType):
        yield from _code(value, function)
    elif isinstance(value, np.ndarray | np.generic | np.dtype):
        yield from _of_numpy(value, function)
    else:
        yield from _callable(value, function)


def _of_numpy(value: Any, function: Any) -> Iterator[_Token]:
    kind = value if isinstance(value, np.dtype) else value.dtype
    if kind.hasobject:
        raise _unknown(value, function)
    yield f"dtype {kind.str} {kind.itemsize} {kind.isalignedstruct} {kind.shape}"
    for name in kind.names or ():
        field, offset = (kind.fields or {})[name][:2]
        yield f"field {name} {offset}"
        yield from _of_numpy(field, function)
    if kind.subdtype is not None:
        yield from _of_numpy(kind.subdtype[0], function)
    if value is not kind:
        order = value.flags
        yield f"{type(value).__name__} {value.shape} {order.c_contiguous} {order.f_contiguous} {value.tobytes().hex()}"


def _callable(value: Any, function: Any) -> Iterator[_Token]:
    """A function, a class, or a module."""
    home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
    if hasattr(value, "py_func"):
        yield _Function(value.py_func, _fixed(value.targetoptions))
    elif isinstance(getattr(value, "_defn", None), FunctionType):  # an intrinsic: what it generates is Python code
        yield _Function(value._defn, ())
    elif isinstance(value, Enum):
        yield f"{type(value).__module__}.{type(value).__qualname__}.{value.name}"
        yield from _value(value.value, function)
    elif isinstance(home, str) and home.partition(".")[0] in _BY_NAME and hasattr(value, "__name__"):
        yield f"{home}.{getattr(value, '__qualname__', value.__name__)}"
    elif isinstance(value, FunctionType):
        yield _Function(value, ())
    elif isinstance(value, type) and issubclass(value, Enum):
        yield f"{home}.{value.__qualname__}"
        for member in value:
            yield from _callable(member, function)
    elif isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
        yield f"{home}.{value.__qualname__} {value._fields}"
        yield from _value(getattr(value, "_field_defaults", {}), function)
    else:
        raise _unknown(value, function)


def _unknown(value: Any, function: Any) -> UnknownDependency:
    return UnknownDependency(
        f"{function.__module__}.{function.__qualname__} reads {value!r}, of the type {type(value).__qualname__}; the "
        "cache of compiled code can't tell when it changes: read a number, a text, a tuple, an array or a function by "
        "its name, or teach processors/dependencies.py"
    )


def _kind(kind: Any) -> Iterator[_Token]:
    """A Numba type. Names of records hold their fields with type and offset; those of named tuples hold no fields."""
    yield str(kind)
    if isinstance(kind, _TYPES.BaseNamedTuple):
        yield f"{kind.instance_class.__module__}.{kind.instance_class.__qualname__} {tuple(kind.fields)}"
    if isinstance(kind, _TYPES.BaseTuple):
        for one in kind.types:
            yield from _kind(one)
    elif isinstance(kind, _TYPES.Array | _TYPES.Optional):
        yield from _kind(kind.dtype if isinstance(kind, _TYPES.Array) else kind.type)
    elif not isinstance(kind, _KNOWN_KINDS):
        raise UnknownDependency(
            f"compiled code is called with {kind}; the cache can't tell when that changes: "
            "teach processors/dependencies.py"
        )


_KNOWN_KINDS: Final = (
    _TYPES.Number, _TYPES.Boolean, _TYPES.Record, _TYPES.NoneType, _TYPES.UnicodeType, _TYPES.Bytes,
    _TYPES.UnicodeCharSeq, _TYPES.CharSeq, _TYPES.Literal, _TYPES.Omitted, _TYPES.NPDatetime, _TYPES.NPTimedelta,
    _TYPES.NestedArray,
)  # fmt: skip

"""What in a module's source tells the time, draws lots, or reaches the world outside."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from support.rooms import MAY_IMPORT, ROOT, SOURCES, imported, name, parsed, room_of

# What pure modules may use of the standard library. Whoever adds to it looks whether the module can tell the time,
# draw lots, or reach files, the network or the environment.
PURE_STDLIB: Final = frozenset(
    {
        "abc", "array", "ast", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses", "datetime",
        "decimal", "dis", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq", "itertools", "json",
        "keyword", "math", "numbers", "operator", "re", "statistics", "string", "struct", "textwrap", "tomllib",
        "types", "typing", "unicodedata", "warnings", "zlib",
    }
)  # fmt: skip
IMPURE_CALLS: Final = frozenset(
    {"open", "input", "print", "exec", "eval", "id", "hash", "globals", "breakpoint"}
    | {"now", "today", "utcnow", "default_rng", "urandom", "getenv", "fromfile", "tofile", "memmap"}
    | {"read_text", "read_bytes", "write_text", "write_bytes", "loadtxt", "genfromtxt", "savez", "savetxt"}
)
IMPURE_ATTRIBUTES: Final = frozenset({"np.random", "np.load", "np.save", "numba.objmode", "os.environ"})

PURE_ROOMS: Final = frozenset({"processors", "schemas", "streams/engine"})
# Of the log, its format: the engine reads batches, whoever brought them.
FORMAT: Final = frozenset(
    ROOT / "streams" / "log" / f"{each}.py"
    for each in ("batches", "codecs", "compression", "headers", "murmur", "records")
)
# Keeps machine code in files, and nothing else does; what names them is computed without any.
COMPILER: Final = ROOT / "processors" / "compiled.py"
# These ask files and the network for schemas; what is made of them is pure again.
SCHEMAS_OUTSIDE: Final = frozenset(
    ROOT / "schemas" / f"{each}.py" for each in ("registry", "evolution", "plans", "known", "answers")
)
IMPURE: Final = frozenset({COMPILER}) | SCHEMAS_OUTSIDE
# Of these, pure modules may import three: for the decorators, and for the types of what a partition knows of schemas.
BRIDGES: Final = frozenset({"processors.compiled", "schemas.known", "schemas.plans"})
# Columns are what reports and imports make of it; all else that is pure knows integers and bytes alone.
ARROW: Final = frozenset({"schemas/columns.py", "schemas/encode.py", "schemas/values.py"})

# These speak to the compiler, or to the system; no result depends on what they are told.
MACHINE: Final = {
    "processors/prefetch.py": frozenset({"llvmlite"}),
    "processors/bits.py": frozenset({"llvmlite"}),
    "streams/engine/address_space.py": frozenset({"mmap", "sys"}),
}

CLOCK: Final = ROOT / "streams" / "clock.py"
# Instants in a format, and none of now: what else the standard library has of the time reads a clock.
_CLOCK_MODULES: Final = frozenset({"time", "timeit", "sched"})
_CLOCK_CALLS: Final = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "loop.time", "get_running_loop().time"}
    | {"get_event_loop().time", "uuid1", "uuid.uuid1", "os.times", "Timestamp.now", "Timestamp.today"}
)


def dotted(path: Path) -> str:
    """The name under which a module of ours is imported."""
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


PURE: Final = [
    path for path in SOURCES if path in FORMAT or (room_of(dotted(path)) in PURE_ROOMS and path not in IMPURE)
]
_CLOSED: Final = {dotted(path) for path in SOURCES if path.stem != "__init__" and path not in PURE} - BRIDGES


def _top(module: str) -> str:
    return module.partition(".")[0]


def _impure_imports(source: str, path: Path) -> Iterator[str]:
    room = room_of(dotted(path)) or ""
    packages = MAY_IMPORT[room].packages - (frozenset() if name(path) in ARROW else {"pyarrow", "fastavro"})
    packages = packages - {"llvmlite"} | MACHINE.get(name(path), frozenset())
    for module in imported(source, path):
        if any(module == each or module.startswith(each + ".") for each in _CLOSED):
            yield f"import {module}"
        if room_of(module) is None and _top(module) not in PURE_STDLIB | packages:
            yield f"import {_top(module)}"


def impurities(source: str, path: Path) -> list[str]:
    """What in a pure module could tell the time, draw lots, or reach the outside."""
    found = sorted(set(_impure_imports(source, path)))
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.rpartition(".")[2] in IMPURE_CALLS:
                found.append(f"line {node.lineno}: {called}()")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in IMPURE_ATTRIBUTES:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def clocks(source: str, path: Path) -> list[str]:
    """Where a module reads a clock."""
    found = sorted({f"import {_top(module)}" for module in imported(source, path) if _top(module) in _CLOCK_MODULES})
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            now = any(isinstance(given, ast.Constant) and given.value in ("now", "today") for given in node.args)
            if any(called == each or called.endswith("." + each) for each in _CLOCK_CALLS):
                found.append(f"line {node.lineno}: {called}()")
            elif called.endswith("datetime64") and now:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found

"""The rooms of the code, and which way its imports point."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LAYERS: Final = ("processors", "schemas", "streams")

ABOVE: Final = {"processors": {"schemas", "streams"}, "schemas": {"streams"}, "streams": set()}
OTHERS_OF_OURS: Final = {"tests", "deploy"}
ONLY_IN: Final = {
    "faust": "streams/kafka",
    "aiokafka": "streams/kafka",
    "kafka": "streams/kafka",
    "clickhouse_driver": "streams/reports",
    "chdb": "streams/reports",
}

# What the model may use of the standard library. Whoever adds to it looks whether the module can tell the time,
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

# Keeps machine code in files, and nothing else does; what names them is computed without any.
COMPILER: Final = ROOT / "processors" / "compiled.py"
# Speaks to the compiler: its one instruction is a hint to the processor, which changes no result.
PREFETCH: Final = ROOT / "processors" / "prefetch.py"
PURE: Final = sorted(
    [path for path in (ROOT / "processors").rglob("*.py") if path != COMPILER]
    + [ROOT / "schemas" / name for name in ("plan.py", "decode.py", "encode.py")]
)
SOURCES: Final = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST, path: Path) -> Iterator[str]:
    """Full names of what a module imports, also inside functions, relatively, or by a string."""
    package = name(path).removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
            "import_module",
            "__import__",
        }:
            target = node.args[0] if node.args else None
            if isinstance(target, ast.JoinedStr):
                # A command's module by its name: what counts is the package that it must lie in.
                target = target.values[0]
            assert isinstance(target, ast.Constant), f"{name(path)}:{node.lineno} imports something computed"
            yield str(target.value)


def tops(source: str, path: Path) -> set[str]:
    return {full.partition(".")[0] for full in imported(ast.parse(source), path)}


def misplaced(source: str, path: Path) -> set[str]:
    """Imports that point the wrong way, or to a package that belongs to another room."""
    found = tops(source, path)
    wrong = found & (ABOVE[name(path).partition("/")[0]] | OTHERS_OF_OURS)
    return wrong | {top for top in found if top in ONLY_IN and not name(path).startswith(ONLY_IN[top] + "/")}


def impurities(source: str, path: Path) -> list[str]:
    """What in a pure module could tell the time, draw lots, or reach the outside."""
    tree = ast.parse(source)
    permitted = PURE_STDLIB | {"numpy", "numba", "processors"}
    if path == PREFETCH:
        permitted |= {"llvmlite"}
    if name(path).startswith("schemas/"):
        permitted |= {"pyarrow", "schemas"}
    found = [f"import {top}" for top in sorted(tops(source, path) - permitted)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.rpartition(".")[2] in IMPURE_CALLS:
                found.append(f"line {node.lineno}: {called}()")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in IMPURE_ATTRIBUTES:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    assert misplaced(path.read_text(), path) == set()


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_model_sees_no_clock_no_chance_and_no_world(path: Path) -> None:
    assert impurities(path.read_text(), path) == []


def test_the_compiler_module_uses_no_more_than_it_needs() -> None:
    files = {"os", "pathlib", "pickle", "sys"}
    assert tops(COMPILER.read_text(), COMPILER) <= PURE_STDLIB | files | {"llvmlite", "numba", "numpy", "processors"}


@pytest.mark.parametrize(
    ("where", "source", "wrong"),
    [
        ("processors/x.py", "from schemas import plan", {"schemas"}),
        ("processors/x.py", "def f():\n    import streams.engine", {"streams"}),
        ("schemas/x.py", "import streams.cli", {"streams"}),
        ("schemas/x.py", "from processors.hashing import xxh64", set()),
        ("streams/engine/x.py", "from chdb.session import Session", {"chdb"}),
        ("streams/reports/x.py", "import importlib\nimportlib.import_module('chdb.session')", set()),
        ("streams/cli.py", "import importlib\nimportlib.import_module('chdb.session')", {"chdb"}),
        ("streams/kafka/x.py", "import faust, aiokafka, kafka", set()),
        ("streams/kafka_like.py", "import aiokafka", {"aiokafka"}),
        ("streams/reports/x.py", "from ..kafka import app", set()),
        ("streams/x.py", "import tests.conftest", {"tests"}),
    ],
)
def test_a_wrong_import_is_found(where: str, source: str, wrong: set[str]) -> None:
    assert misplaced(source, ROOT / where) == wrong


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import environ",
        "import random",
        "import pyarrow",
        "from datetime import datetime\nx = datetime.now()",
        "import numpy as np\nx = np.random.default_rng()",
        "import numpy as np\nx = np.load('x.npy')",
        "x = open('x')",
        "def f(dictionary):\n    return hash(dictionary)",
        "def f(path):\n    return path.read_bytes()",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    assert impurities(source, ROOT / "processors" / "x.py") != []


def test_every_layer_is_there_to_be_checked() -> None:
    assert {name(path).partition("/")[0] for path in SOURCES} == set(LAYERS)
    assert {"processors/hashing.py", "schemas/decode.py"} <= {name(path) for path in PURE}


HELP: Final = """
import sys
import streams.cli
before = set(sys.modules)
sys.argv = ["relasi", "--help"]
try:
    streams.cli.main()
except SystemExit:
    pass
print(*sorted({top.partition(".")[0] for top in (before | set(sys.modules))}), file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    command = [sys.executable, "-c", HELP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "streams" in loaded
    assert "relasi" in done.stdout
    assert loaded & {"numba", "pyarrow", "chdb", "clickhouse_driver", "scipy", "rich", "pandas"} == set()

"""The rooms of the code, which way its imports point, and what may tell the time, draw lots or reach outside."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest
from support.purity import CLOCK, COMPILER, PURE, PURE_ROOMS, PURE_STDLIB, clocks, dotted, impurities
from support.rooms import (
    LAYERS,
    MAY_IMPORT,
    OUTSIDE,
    PAGE,
    ROOT,
    SOURCES,
    imported,
    name,
    page_with,
    parsed,
    room_of,
    table,
)

PUBLIC: Final = re.compile("[A-Z][A-Z0-9_]*")
ARITHMETIC: Final = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Name, ast.operator, ast.unaryop, ast.expr_context)


def misplaced(source: str, path: Path) -> set[str]:
    """Rooms and packages that a module imports and may not."""
    room = room_of(dotted(path))
    assert room is not None, f"{name(path)} is in no room: see MAY_IMPORT in tests/support/rooms.py"
    wrong = set()
    for module in imported(source, path):
        top, other = module.partition(".")[0], room_of(module)
        if other is not None:
            wrong |= {other} - MAY_IMPORT[room].rooms - {room}
        elif top in LAYERS:
            wrong |= {module} - set(LAYERS)
        elif top in OUTSIDE or top not in sys.stdlib_module_names:
            wrong |= {top} - MAY_IMPORT[room].packages
    return wrong


def found(look: Callable[[str, Path], Collection[str]], paths: Iterable[Path]) -> dict[str, Collection[str]]:
    """What was found, by the name of the module that has it."""
    return {name(path): wrong for path in paths if (wrong := look(path.read_text(), path))}


def test_every_module_imports_what_its_room_may() -> None:
    assert found(misplaced, [path for path in SOURCES if dotted(path) != "streams"]) == {}


def test_imports_point_one_way() -> None:
    order = list(TopologicalSorter({room: may.rooms for room, may in MAY_IMPORT.items()}).static_order())
    assert set(order) == set(MAY_IMPORT)


def test_the_page_has_the_table_of_the_rooms() -> None:
    assert page_with(table()) == PAGE.read_text(), "make docs writes it anew from tests/support/rooms.py"


def test_model_decoder_and_engine_see_no_clock_no_chance_and_no_world() -> None:
    assert found(impurities, PURE) == {}


def test_one_module_reads_the_clocks() -> None:
    assert found(clocks, [path for path in SOURCES if path != CLOCK]) == {}
    assert clocks(CLOCK.read_text(), CLOCK) == ["import time"]


def test_the_compiler_module_uses_no_more_than_it_needs() -> None:
    tops = {module.partition(".")[0] for module in imported(COMPILER.read_text(), COMPILER)}
    assert tops <= PURE_STDLIB | {"importlib", "os", "pathlib", "pickle", "sys"} | {
        "llvmlite",
        "numba",
        "numpy",
        "processors",
    }


@pytest.mark.parametrize(
    ("where", "source", "wrong"),
    [
        ("processors/x.py", "from schemas import plan", {"schemas"}),
        ("processors/x.py", "def f():\n    import streams.engine", {"streams/engine"}),
        ("processors/x.py", "import streams.nowhere", {"streams.nowhere"}),
        ("schemas/x.py", "import streams.cli", {"streams/cli"}),
        ("schemas/x.py", "from streams import cli", {"streams/cli"}),
        ("schemas/x.py", "from processors.hashing import xxh64", set()),
        ("streams/engine/x.py", "from chdb.session import Session", {"chdb"}),
        ("streams/engine/x.py", "import pyarrow as pa", {"pyarrow"}),
        ("streams/engine/x.py", "from streams.embedded.log import Log", {"streams/embedded"}),
        ("streams/engine/x.py", "from streams.engine.rows import Table", set()),
        ("streams/commands/x.py", "from streams.cli import main", {"streams/cli"}),
        ("streams/commands/x.py", "def f():\n    from streams import cli, clock", {"streams/cli"}),
        ("streams/embedded/x.py", "from streams.kafka.app import consumer_of", {"streams/kafka"}),
        ("streams/reports/x.py", "import importlib\nimportlib.import_module('chdb.session')", set()),
        ("streams/cli.py", "import importlib\nimportlib.import_module('chdb.session')", {"chdb"}),
        ("streams/kafka/x.py", "import faust, aiokafka, kafka", set()),
        ("streams/clock.py", "import aiokafka", {"aiokafka"}),
        ("streams/reports/x.py", "from ..kafka import app", {"streams/kafka"}),
        ("streams/cli.py", "import tests.conftest", {"tests"}),
    ],
)
def test_a_wrong_import_is_found(where: str, source: str, wrong: set[str]) -> None:
    assert misplaced(source, ROOT / where) == wrong


@pytest.mark.parametrize("where", ["processors/x.py", "schemas/x.py", "streams/engine/x.py"])
@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import environ",
        "import random",
        "import pyarrow",
        "from schemas.registry import FileRegistry",
        "from streams.log import messages",
        "from streams.embedded.log import Log",
        "from datetime import datetime\nx = datetime.now()",
        "import numpy as np\nx = np.random.default_rng()",
        "import numpy as np\nx = np.load('x.npy')",
        "x = open('x')",
        "def f(dictionary):\n    return hash(dictionary)",
        "def f(path):\n    return path.read_bytes()",
    ],
)
def test_an_impurity_is_found(source: str, where: str) -> None:
    assert impurities(source, ROOT / where) != []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "def f():\n    from time import monotonic",
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "from datetime import date\nx = date.today()",
        "import asyncio\nx = asyncio.get_running_loop().time()",
        "def f(loop):\n    return loop.time()",
        "import numpy as np\nx = np.datetime64('now')",
        "from uuid import uuid1\nx = uuid1()",
    ],
)
def test_a_reading_of_a_clock_is_found(source: str) -> None:
    assert clocks(source, ROOT / "streams" / "kafka" / "x.py") != []


@pytest.mark.parametrize("source", ["x = runner.now()", "x = datetime.fromisoformat('1998-06-30')", "x = at.time()"])
def test_an_instant_that_was_given_is_no_reading_of_a_clock(source: str) -> None:
    assert clocks(source, ROOT / "streams" / "kafka" / "x.py") == []


def test_every_layer_is_there_to_be_checked() -> None:
    assert {name(path).partition("/")[0] for path in SOURCES} == set(LAYERS)
    checked = {name(path) for path in PURE}
    assert {"processors/hashing.py", "schemas/decode.py", "streams/engine/partition.py"} <= checked
    assert {room_of(dotted(path)) for path in PURE} == PURE_ROOMS | {"streams/log"}
    assert {room_of(dotted(path)) for path in SOURCES} - {None} == set(MAY_IMPORT)


def bound_integers(tree: ast.Module) -> Iterator[tuple[str, int | str]]:
    """Names in capitals that a module binds to an integer: with its value, or with the text of what is computed."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if value is None or not all(isinstance(part, ARITHMETIC) for part in ast.walk(value)):
            continue
        constants = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant)]
        if not constants or not all(type(constant) is int for constant in constants):
            continue
        known = not any(isinstance(part, ast.Name) for part in ast.walk(value))
        told = int(eval(compile(ast.Expression(value), "", "eval"), {})) if known else ast.unparse(value)
        yield from ((each.id, told) for each in targets if isinstance(each, ast.Name) and PUBLIC.fullmatch(each.id))


def ambiguous(sources: Mapping[str, str]) -> dict[str, dict[str, int | str]]:
    """Names that stand for one integer in one module and for another in another."""
    found: dict[str, dict[str, int | str]] = {}
    for module, source in sources.items():
        for constant, value in bound_integers(parsed(source)):
            found.setdefault(constant, {})[module] = value
    return {constant: values for constant, values in found.items() if len(set(values.values())) > 1}


def test_no_name_stands_for_two_integers() -> None:
    assert ambiguous({name(path): path.read_text() for path in SOURCES}) == {}


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("MOST = 1", "MOST: Final = 2", True),
        ("MOST = 1 << 20", "MOST: Final = 1_048_576", False),
        ("MOST = 3", "MOST: Final = 2 * EACH + 1", True),
        ("MOST = 2 * EACH", "MOST: Final = 2 * EACH", False),
        ("MOST = -1", "MOST = 'x'", False),
        ("MOST = 1", "def f():\n    MOST = 2", False),
        ("_MOST = 1", "_MOST = 2", False),  # seen by its own module alone
    ],
)
def test_a_name_for_two_integers_is_found(one: str, other: str, found: bool) -> None:
    assert (set(ambiguous({"one": one, "other": other})) == {"MOST"}) is found


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

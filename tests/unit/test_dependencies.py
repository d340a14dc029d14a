"""What the cache of compiled code is keyed by: what would change machine code, and nothing else."""

import importlib
import marshal
import os
import pkgutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from processors import dependencies
from processors.compiled import prune
from processors.dependencies import UnknownDependency, closure_digest, signature_digest

ROOT: Final = Path(__file__).resolve().parents[2]
OPTIONS: Final = {"nogil": True}

BASE: Final = """
LIMIT = 3
TABLE = (1, 2.5, 'x')
ROOM = {room}
"""
CALLEE: Final = """
from {base} import LIMIT, ROOM, TABLE

def callee(x):
    '''Says it.'''
    return x * LIMIT + TABLE[1] + ROOM

def apart(x):
    return x - 1
"""
CALLER: Final = """
from {callee} import callee

def caller(x, more=2):
    return callee(x) + more
"""


def digest_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *edits: tuple[str, str], room: str = "7") -> str:
    """Digest of ``caller`` as three modules of these sources give it, each edit made where its text stands."""
    scope: dict[str, dict[str, Any]] = {}
    names = {"base": "base", "callee": "callee"}
    for name, text in (("base", BASE.replace("{room}", room)), ("callee", CALLEE), ("caller", CALLER)):
        for old, new in edits:
            text = text.replace(old, new)
        path = folder / f"{name}.py"
        path.write_text(text.format(**names))
        module = type(sys)(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        scope[name] = vars(module)
    return closure_digest(scope["caller"]["caller"], OPTIONS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return x * LIMIT", "    # Why.\n    return x * LIMIT"),
        ("'''Says it.'''", "'''Says something else,\n    in two lines.'''"),
        ("    '''Says it.'''\n", ""),
        ("\ndef callee", "\n\nOTHER = 5\n\n\ndef callee"),
        ("return callee(x) + more", "return (callee(x)   + more)"),
        ("return x - 1", "return x - 2"),
    ],
    ids=["comment", "docstring", "no docstring", "lines above", "spaces", "function that is not called"],
)
def test_what_changes_no_machine_code_changes_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    assert old in CALLEE + CALLER
    assert digest_of(tmp_path, monkeypatch, (old, new)) == digest_of(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("2.5", "2.25"),
        ("return x * LIMIT", "return x + LIMIT"),
        ("more=2", "more=3"),
        ("+ more", "- more"),
        ("x * LIMIT", "x * LIMIT * 2"),
    ],
)
def test_what_changes_machine_code_changes_the_digest_of_every_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    assert old in BASE + CALLEE + CALLER
    assert digest_of(tmp_path, monkeypatch, (old, new)) != digest_of(tmp_path, monkeypatch)


def test_a_constant_counts_by_its_value_wherever_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "room.toml"
    read = f"__import__('tomllib').loads(__import__('pathlib').Path({str(file)!r}).read_text())['room']"
    digests = []
    for room in (7, 8, 7):
        file.write_text(f"room = {room}")
        digests.append(digest_of(tmp_path, monkeypatch, room=read))
    assert digests[0] == digests[2] == digest_of(tmp_path, monkeypatch)
    assert digests[0] != digests[1]


def test_two_checkouts_have_the_same_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert digest_of(tmp_path / "one", monkeypatch) == digest_of(tmp_path / "two", monkeypatch)


def test_what_was_disassembled_before_changes_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dependencies.known_instructions.clear()
    fresh = digest_of(tmp_path, monkeypatch)
    kept = marshal.dumps(dependencies.known_instructions)
    dependencies.known_instructions.clear()
    dependencies.known_instructions.update(marshal.loads(kept))
    assert digest_of(tmp_path, monkeypatch) == fresh
    # Nothing was looked at anew, and another constant or another global still counts.
    assert marshal.loads(marshal.dumps(dependencies.known_instructions)) == marshal.loads(kept)
    for old, new in (("LIMIT = 3", "LIMIT = 4"), ("x - 1", "x - 2"), ("TABLE[1]", "TABLE[0]")):
        changed = digest_of(tmp_path, monkeypatch, (old, new))
        assert (changed == fresh) == (old == "x - 1")


def reads(value: Any) -> FunctionType:
    """A function that reads a global of this value."""
    scope: dict[str, Any] = {"VALUE": value, "__name__": "reads"}
    exec("def function():\n    return VALUE", scope)
    made = scope["function"]
    assert isinstance(made, FunctionType)
    return made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (True, 1),
        (np.uint64(1), np.int64(1)),
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([1, 2], "i4"), np.array([1, 2], "i8")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.dtype([("a", "i4"), ("b", "i4")]), np.dtype([("b", "i4"), ("a", "i4")])),
        (np.dtype([("a", "i8", (2,))]), np.dtype([("a", "i8", (3,))])),
        ((1, (2, 3)), (1, (2, 4))),
        (numba.njit(lambda x: x), numba.njit(lambda x: x + 1)),
        (numba.njit(reads(1)), numba.njit(error_model="numpy")(reads(1))),
    ],
)
def test_values_that_differ_have_other_digests(one: Any, other: Any) -> None:
    assert closure_digest(reads(one), OPTIONS) != closure_digest(reads(other), OPTIONS)


def test_options_of_the_compiler_count() -> None:
    assert closure_digest(reads(1), {"_nrt": False}) != closure_digest(reads(1), {"_nrt": True})


def test_what_is_not_understood_is_refused() -> None:
    with pytest.raises(UnknownDependency, match=r"reads\.function reads <object.*of the type object"):
        closure_digest(reads(object()), OPTIONS)


def test_an_undefined_name_is_refused() -> None:
    function = reads(1)
    del function.__globals__["VALUE"]
    with pytest.raises(NameError, match="VALUE"):
        closure_digest(function, OPTIONS)


def test_fields_of_a_named_tuple_belong_to_the_signature() -> None:
    typeof: Any = numba.typeof
    made: Any = namedtuple
    kinds = [typeof(made("Pair", fields)(1, 2)) for fields in (("a", "b"), ("b", "a"))]
    digests = {signature_digest((kind,)) for kind in kinds}
    assert len(digests) == 2


def test_fields_of_a_record_belong_to_the_signature() -> None:
    dtypes: list[Any] = [[("a", "i8"), ("b", "i8")], [("b", "i8"), ("a", "i8")], [("a", "i8"), ("b", "f8")]]
    digests = {signature_digest((numba.from_dtype(np.dtype(one)),)) for one in dtypes}
    assert len(digests) == 3


def test_everything_compiled_can_be_told_apart() -> None:
    found = {}
    for top in ("processors", "schemas", "streams"):
        package = importlib.import_module(top)
        for one in pkgutil.walk_packages(package.__path__, f"{top}."):
            for value in vars(importlib.import_module(one.name)).values():
                if isinstance(value, Dispatcher):
                    found[value.py_func] = closure_digest(value.py_func, value.targetoptions)
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return
    assert len(found) > 300
    assert len(set(found.values())) == len(found)


PROGRAM: Final = """
from caller import callee, caller
print(caller(2), *(sum(one.stats.cache_misses.values()) for one in (caller, callee)))
"""
DECORATED: Final = "from processors.compiled import compiled_leaf\n"


def run(folder: Path, cache: Path, **edits: str) -> list[str]:
    """What a process of its own makes of the three modules: the result, and how much of each function it compiled."""
    folder.mkdir(exist_ok=True)
    sources: Mapping[str, str] = {"base": BASE.replace("{room}", "7"), "callee": CALLEE, "caller": CALLER}
    for name, text in sources.items():
        text = text.format(base="base", callee="callee").replace("TABLE[1]", "2")
        if name != "base":
            text = DECORATED + text.replace("\ndef ", "\n@compiled_leaf\ndef ")
        old, _, new = edits.get(name, "").partition("|")
        assert old in text
        (folder / f"{name}.py").write_text(text.replace(old, new) if old else text)
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    environment |= {"RELASI_COMPILED": str(cache), "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-B", "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_machine_code_is_made_anew_exactly_where_it_would_be_stale(tmp_path: Path) -> None:
    one, cache = tmp_path / "one", tmp_path / "cache"
    assert run(one, cache) == ["17", "1", "1"]
    assert run(one, cache) == ["17", "0", "0"]
    assert run(tmp_path / "two", cache) == ["17", "0", "0"], "another checkout"
    assert run(one, cache, callee="@compiled_leaf|# A comment.\n@compiled_leaf") == ["17", "0", "0"]
    assert run(one, cache, base="LIMIT = 3|LIMIT = 5") == ["21", "1", "1"]
    assert run(one, cache, caller="+ more|- more") == ["13", "1", "0"]
    assert run(one, cache) == ["17", "0", "0"], "what came before is still there"
    for path in cache.glob("*/*/*.nbc"):
        path.write_bytes(path.read_bytes()[:50])
    assert run(one, cache) == ["17", "1", "1"], "code that was cut short is made anew"


@pytest.mark.slow
def test_processes_that_fill_the_cache_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda number: run(tmp_path / str(number), tmp_path / "cache"), range(4)))
    assert {result[0] for result in results} == {"17"}
    assert run(tmp_path / "0", tmp_path / "cache") == ["17", "0", "0"]
    assert list((tmp_path / "cache").rglob("*.tmp.*")) == []


def test_what_nothing_used_for_long_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELASI_COMPILED", str(tmp_path))
    entries = tmp_path / "python3.11-numba0-0" / "processors.x"
    entries.mkdir(parents=True)
    for name in ("f-1.nbi", "f-1.1.nbc", "f-1.1.nbc.tmp.0123", "g-1.nbi", "note.txt"):
        (entries / name).write_bytes(b"")
        os.utime(entries / name, (100, 300 if name == "g-1.nbi" else 100))
    assert prune(200) == 3
    assert sorted(path.name for path in entries.iterdir()) == ["g-1.nbi", "note.txt"]

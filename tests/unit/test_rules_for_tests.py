"""What tests/conftest.py promises: no test is quietly left out on CI, and markers come from fixtures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from support.sampled import spread
from support.spreading import FIRST, place, scope

TESTS: Final = Path(__file__).resolve().parents[1]
INI: Final = """
[pytest]
addopts = -q -p no:cacheprovider --strict-markers
markers =
    broker: .
    server: .
    browser: .
    long: .
"""
CASES: Final = """
import pytest

@pytest.fixture
def broker():
    pass

@pytest.fixture
def installed(broker):
    pass

@pytest.fixture
def clickhouse():
    pass

@pytest.fixture(params=["chdb", pytest.param("server", marks=pytest.mark.server), "unmarked"])
def sink(request):
    if request.param != "chdb":
        request.getfixturevalue("clickhouse")
    return request.param

def test_runs():
    pass

def test_runs_over_a_broker(installed, request):
    assert request.node.get_closest_marker("broker")
    assert not request.node.get_closest_marker("server")

def test_runs_over_sinks(sink, request):
    assert bool(request.node.get_closest_marker("server")) == (sink == "server")

@pytest.mark.long
def test_takes_minutes():
    raise AssertionError
"""


def run(folder: Path, sources: dict[str, str], *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Pytest over files of these sources, by our rules, in a process of its own."""
    shutil.copy(TESTS / "conftest.py", folder)
    for name, source in ({"pytest.ini": INI} | sources).items():
        (folder / name).write_text(source)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RELASI", "CI"))}
    variables = kept | {"PYTHONPATH": str(TESTS), **environment}
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


SKIPS: Final = {
    "test_a.py": "def test_a():\n    pass\n",
    "test_b.py": "import pytest\n\ndef test_b():\n    pytest.skip('not here')\n",
    "test_c.py": "import pytest\n\npytest.importorskip('no_such_module')\n\ndef test_c():\n    pass\n",
}


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_a_skipped_test_or_module_fails_the_run_on_ci(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, SKIPS, *options, CI="true")
    told = [line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith("SKIPPED although CI=true")]
    assert sorted(told) == ["test_b.py::test_b", "test_c.py"], done.stdout + done.stderr
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_skip_is_allowed_elsewhere(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPS).returncode == 0


def test_what_a_test_needs_is_a_marker_that_its_fixtures_set(tmp_path: Path) -> None:
    done = run(tmp_path, {"test_a.py": CASES}, "-m", "broker or server")
    assert "2 passed, 4 deselected" in done.stdout, done.stdout + done.stderr


def test_a_part_is_not_started_for_a_test_that_nothing_marks(tmp_path: Path) -> None:
    done = run(tmp_path, {"test_a.py": CASES}, "-m", "not broker and not server")
    assert "2 passed, 3 deselected, 1 error" in done.stdout, done.stdout + done.stderr
    assert "[unmarked] uses clickhouse unmarked: mark the parameter that chooses it" in done.stdout


def test_a_part_of_the_cases_is_spread_over_all() -> None:
    assert spread(range(10), 4) == [0, 4, 8, 9]
    assert spread(range(9), 4) == [0, 4, 8]
    assert spread([], 4) == []


def test_what_shares_a_part_that_is_left_out_goes_file_by_file() -> None:
    test = "tests/contract/test_a.py::test_a[server]"
    assert scope(test, "") == "server"
    assert scope(test, "not broker and not server and not browser") == "tests/contract/test_a.py"
    assert scope("tests/unit/test_b.py::test_b", "") == "tests/unit/test_b.py"


def test_what_takes_longest_begins_first() -> None:
    files = ["tests/unit/test_a.py::test_a", "tests/faults/test_b.py::test_b", "tests/kafka/test_c.py::test_c"]
    assert sorted(files, key=place) == list(reversed(files))
    assert all((TESTS.parent / path).exists() for path in FIRST)

"""Compiled or not, the engine says the same of a log: facts, rejects, counts and rows, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.engine_story import engine_story

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_plain_python_says_the_same_of_a_log() -> None:
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-m", "support.engine_story"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip() == engine_story(1)

"""Compiled or not, the model says the same: ids included, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

from support.fixed_history import fixed_history

from processors.facts import LATE, POLICY, SILENCE, TOUCHPOINT

TESTS = Path(__file__).resolve().parents[1]


def test_plain_python_publishes_the_same_facts_with_the_same_ids() -> None:
    compiled = fixed_history()
    assert {fact[3] for fact in compiled} == {TOUCHPOINT, SILENCE, LATE, POLICY}, "nothing of note is left out"
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-m", "support.fixed_history"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert [tuple(map(int, line.split())) for line in plain.stdout.splitlines()] == compiled

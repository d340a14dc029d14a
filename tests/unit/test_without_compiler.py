"""Compiled or not, the model says the same: ids included, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

from support.fixed_history import fixed_history
from support.fixed_judgements import fixed_judgements
from support.fixed_requests import REQUESTS, fixed_requests

from processors.judgements.catalogue import JUDGEMENT_COUNT, JUDGEMENT_NAMES
from processors.lifecycle.facts import CAUSE_LATE, CAUSE_POLICY, CAUSE_SILENCE, CAUSE_TOUCHPOINT

TESTS = Path(__file__).resolve().parents[1]


def in_plain_python(module: str) -> list[tuple[int, ...]]:
    """The lines that a module prints where nothing is compiled."""
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-m", module],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    return [tuple(map(int, line.split())) for line in plain.stdout.splitlines()]


def test_plain_python_publishes_the_same_facts_with_the_same_ids() -> None:
    compiled = fixed_history()
    assert {fact[3] for fact in compiled} == {CAUSE_TOUCHPOINT, CAUSE_SILENCE, CAUSE_LATE, CAUSE_POLICY}, (
        "nothing of note is left out"
    )
    assert in_plain_python("support.fixed_history") == compiled


def test_plain_python_publishes_the_same_judgements_with_the_same_ids() -> None:
    compiled = fixed_judgements()
    seldom = {"let_go", "trust_technology", "trust_knowledge", "trust_third_party_rating"}
    assert {JUDGEMENT_NAMES[fact[1]] for fact in compiled} >= set(JUDGEMENT_NAMES[:JUDGEMENT_COUNT]) - seldom, (
        "nothing of note is left out"
    )
    assert in_plain_python("support.fixed_judgements") == compiled


def test_plain_python_makes_the_same_of_requests_whose_bytes_were_changed() -> None:
    """Plain Python says where a place beyond an array is read or written; compiled code does not."""
    compiled = fixed_requests()
    whole = [each for each in compiled if each[0] == 2]
    taken = [each[1] for each in whole]
    assert len(compiled) == REQUESTS
    assert min(taken.count(0), taken.count(1), taken.count(2), compiled.count((0,))) > 10, "nothing of note is left out"
    assert in_plain_python("support.fixed_requests") == compiled

"""Processes that are forked, not started: each is by itself, and ends as a program would."""

import signal
import subprocess

import pytest
from support.forked import origin

IMPORTS = "import collections, sys, time\ntold = 'before'"


def ends(code: str, *words: str, given: str = "") -> tuple[int, str, str]:
    with origin(IMPORTS).start(code, words, None) as process:
        out, err = process.communicate(given, timeout=60)
    return process.wait(), out, err


def test_it_reads_and_writes_and_is_given_words() -> None:
    said = ends("print(sys.argv[1:], sys.stdin.read(), told)\nprint('oh', file=sys.stderr)", "a", "b", given="é")
    assert said == (0, "['a', 'b'] é before\n", "oh\n")


def test_none_sees_what_another_did() -> None:
    for _ in range(2):
        assert ends("print(told)\ntold = 'changed'") == (0, "before\n", "")


@pytest.mark.parametrize(("code", "expected"), [("sys.exit(3)", 3), ("import os\nos.kill(os.getpid(), 9)", -9)])
def test_how_it_ended_is_told(code: str, expected: int) -> None:
    assert ends(code) == (expected, "", "")


def test_what_is_raised_is_told() -> None:
    code, out, err = ends("1 / 0")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert err.endswith("ZeroDivisionError: division by zero\n")


def test_several_run_at_once_and_each_ends_when_it_is_told_to() -> None:
    code = "print('here', flush=True)\ntime.sleep(600)"
    first, second = (origin(IMPORTS).start(code, (), None) for _ in range(2))
    for process, number in ((second, signal.SIGTERM), (first, signal.SIGKILL)):
        with process:
            assert process.stdout.readline() == "here\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.0)
            process.send_signal(number)
            assert process.wait(timeout=60) == -number
            process.kill()


def test_more_than_a_pipe_holds_comes_whole() -> None:
    assert ends("print('x' * 1_000_000)\nprint('y' * 1_000_000, file=sys.stderr)")[1:] == (
        "x" * 1_000_000 + "\n",
        "y" * 1_000_000 + "\n",
    )


def test_what_it_has_imported_must_not_fail() -> None:
    with pytest.raises(ChildProcessError, match="has ended"):
        origin("1 / 0").start("", (), None)

"""What a second process compiles is what the loop asks for: the same function for the same types."""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from support.messages import touchpoint
from support.shell import apply_all, new_partition

from processors.compiled import compile_for, compiled_apart, compiled_leaf
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.engine import loop
from streams.engine.apart import compile_links
from streams.engine.linking import apply_link
from streams.policies import preset

# Numba declares no types for these.
_NUMBA: Any = numba
pytestmark = pytest.mark.skipif(_NUMBA.config.DISABLE_JIT, reason="nothing is compiled")


@compiled_apart
def _scaled(number: int, factor: int) -> int:
    return number * factor


@compiled_leaf
def _with_constants(number: int) -> int:
    return _scaled(number, 2) + _scaled(number, factor=3) + _scaled(number, number)


@compiled_leaf
def _fill(cells: npt.NDArray[np.int64]) -> None:
    cells[0] = 1


def types_of(function: Any) -> Sequence[tuple[Any, ...]]:
    """The types of arguments that it was compiled for, or loaded."""
    return list(function.signatures)


def test_links_are_compiled_for_what_the_loop_hands_them() -> None:
    apply_all(new_partition(), touchpoint("e", "c", 1_700_000_000_000))
    compile_links(preset(), look_up_all(FileRegistry()))
    buffer, _, _, table, rules, _, out, cursor, *_ = types_of(loop.run)[-1]
    assert types_of(apply_link) == [(buffer, table, rules, out, cursor, *[_NUMBA.int64] * 4)]


def test_a_constant_is_no_type_of_its_own_for_what_is_long() -> None:
    assert _with_constants(5) == 5 * 2 + 5 * 3 + 5 * 5
    assert types_of(_scaled) == [(_NUMBA.int64, _NUMBA.int64)]


def test_compiling_for_arguments_calls_nothing() -> None:
    cells = np.zeros(1, np.int64)
    compile_for(_fill, cells)
    assert types_of(_fill) == [(_NUMBA.typeof(cells),)]
    assert cells[0] == 0

"""A condition as compiled code runs it: postfix over a stack of numbers, a word of 32 bits for each operation."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf

# The low byte of a word of code; what is above it is the place of a constant or a field.
CONSTANT: Final = 0
FIELD: Final = 1
ADD: Final = 2
SUBTRACT: Final = 3
MULTIPLY: Final = 4
DIVIDE: Final = 5
NEGATE: Final = 6
LESS: Final = 7
AT_MOST: Final = 8
EQUAL: Final = 9
UNEQUAL: Final = 10
AND: Final = 11
OR: Final = 12
NOT: Final = 13
_UNARY: Final = (NEGATE, NOT)
_FIRST_OF_TWO: Final = ADD

STACK: Final = 64
"""As deep as a condition may be."""


def depth_of(code: list[int]) -> int:
    """How many numbers lie on the stack at most."""
    depth = most = 0
    for word in code:
        operation = word & 0xFF
        depth += 1 if operation < _FIRST_OF_TWO else 0 if operation in _UNARY else -1
        most = max(most, depth)
    return most


@compiled_leaf
def _of_two(operation: int, a: float, b: float) -> float:
    """Of what is not known (nan) no comparison holds, and by nothing can be divided."""
    if operation == LESS:
        return 1.0 if a < b else 0.0
    if operation == AT_MOST:
        return 1.0 if a <= b else 0.0
    if operation == EQUAL:
        return 1.0 if a == b else 0.0
    if operation == UNEQUAL:
        return 1.0 if a < b or a > b else 0.0
    if operation == AND:
        return 1.0 if a != 0.0 and b != 0.0 else 0.0
    if operation == OR:
        return 1.0 if a != 0.0 or b != 0.0 else 0.0
    if operation == ADD:
        return a + b
    if operation == SUBTRACT:
        return a - b
    if operation == MULTIPLY:
        return a * b
    return a / b if b != 0.0 else np.nan


@compiled_leaf
def holds(
    code: npt.NDArray[np.int32],
    start: int,
    length: int,
    numbers: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    stack: npt.NDArray[np.float64],
) -> bool:
    """Whether a condition holds of ``values`` (VALUES,); no code holds always. ``stack``: scratch (STACK,)."""
    top = -1
    for at in range(start, start + length):
        operation, place = int(code[at]) & 0xFF, int(code[at]) >> 8
        if operation == CONSTANT:
            top += 1
            stack[top] = numbers[place]
        elif operation == FIELD:
            top += 1
            stack[top] = values[place]
        elif operation == NEGATE:
            stack[top] = -stack[top]
        elif operation == NOT:
            stack[top] = 1.0 if stack[top] == 0.0 else 0.0
        else:
            top -= 1
            stack[top] = _of_two(operation, stack[top], stack[top + 1])
    return bool(top < 0 or stack[0] != 0.0)

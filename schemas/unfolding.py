"""Many bodies, items or entries decoded into arrays, and slices of a buffer one after the other. Compiled."""

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf
from processors.words import copy_bytes
from schemas.decode import ABSENT, decode, next_block, run_program
from schemas.utf8 import is_utf8

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


@compiled_leaf
def decode_all(
    buffer: Bytes,
    starts: Numbers,
    stops: Numbers,
    ops: npt.NDArray[np.int32],
    cells: Numbers,
    reasons: npt.NDArray[np.int32],
) -> None:
    """Decode the bodies ``buffer[starts[i]:stops[i]]``; ``cells`` (n, slots, 2) and ``reasons`` as of ``decode``.

    Of what can't be decoded nothing is there.
    """
    for i in range(len(starts)):
        reasons[i] = decode(buffer, starts[i], stops[i], ops, 0, cells[i])
        if reasons[i] != 0:
            for slot in range(cells.shape[1]):
                cells[i, slot, 0] = 0
                cells[i, slot, 1] = ABSENT


@compiled_leaf
def count_items(buffer: Bytes, blocks: Numbers, ops: npt.NDArray[np.int32], scratch: Numbers, counts: Numbers) -> None:
    """How many items each array or map has; ``blocks`` (n, 2): start and length of its bytes, which were checked."""
    for i in range(len(blocks)):
        counts[i] = 0
        if blocks[i, 1] <= 0:
            continue
        stop = blocks[i, 0] + blocks[i, 1]
        count, end, at = next_block(buffer, blocks[i, 0], stop, np.int64(-1))
        while at >= 0 and count > 0:
            counts[i] += count
            for _ in range(count):
                at = run_program(buffer, at, stop, ops, np.int64(0), scratch)
            count, end, at = next_block(buffer, at, stop, end)


@compiled_leaf
def unfold(buffer: Bytes, blocks: Numbers, ops: npt.NDArray[np.int32], cells: Numbers) -> None:
    """The items of all arrays or maps, one after the other, into ``cells`` (items, slots, 2), as of ``decode``."""
    number = 0
    for i in range(len(blocks)):
        if blocks[i, 1] <= 0:
            continue
        stop = blocks[i, 0] + blocks[i, 1]
        count, end, at = next_block(buffer, blocks[i, 0], stop, np.int64(-1))
        while at >= 0 and count > 0:
            for _ in range(count):
                at = run_program(buffer, at, stop, ops, np.int64(0), cells[number])
                number += 1
            count, end, at = next_block(buffer, at, stop, end)


@compiled_leaf
def are_texts(buffer: Bytes, slices: Numbers, valid: npt.NDArray[np.bool_]) -> None:
    """Whether each of the slices (n, 2: start, length) is UTF-8."""
    for i in range(len(slices)):
        valid[i] = slices[i, 1] <= 0 or is_utf8(buffer, slices[i, 0], slices[i, 0] + slices[i, 1])


@compiled_leaf
def gather(buffer: Bytes, slices: Numbers, offsets: Numbers, out: Bytes) -> None:
    """Copy slices (n, 2: start, length) to where ``offsets`` say; a negative length is none."""
    for i in range(len(slices)):
        if slices[i, 1] > 0:
            copy_bytes(buffer, slices[i, 0], slices[i, 1], out, offsets[i])

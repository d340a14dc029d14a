"""Arrow columns out of slices of bytes and of integers, without a Python object per value."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.compiled import compiled
from processors.layout import NEVER, NONE
from streams.reports.tables import INSTANT

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)


@compiled
def _gather(
    buffer: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int32],
    out: npt.NDArray[np.uint8],
) -> None:
    for i in range(len(starts)):
        for j in range(lengths[i]):
            out[offsets[i] + j] = buffer[starts[i] + j]


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] > np.iinfo(np.int32).max:
        raise ValueError(f"{offsets[-1]} bytes don't fit into one column: build it from fewer rows")
    return offsets.astype(np.int32)


def slices(
    buffer: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.signedinteger],
    kind: pa.DataType | None = None,
) -> pa.Array:
    """A string column (or binary, by ``kind``) of slices of ``buffer``; a negative length gives an empty value."""
    sizes = np.maximum(lengths, 0).astype(np.int64)
    offsets = _offsets(sizes)
    out = np.empty(int(offsets[-1]), np.uint8)
    _gather(buffer, np.ascontiguousarray(starts), sizes, offsets, out)
    return pa.Array.from_buffers(kind or pa.string(), len(sizes), [None, pa.py_buffer(offsets), pa.py_buffer(out)])


def instants(values: npt.NDArray[np.int64]) -> pa.Array:
    """A column of UTC instants from ms; NONE and NEVER are null."""
    missing = (values == NONE) | (values == NEVER)
    return pa.array(np.ascontiguousarray(values), pa.int64(), mask=missing).cast(INSTANT)


def identities(customers: npt.NDArray[np.uint64], facts: npt.NDArray[np.uint64]) -> pa.Array:
    """Ids of facts, 32 hexadecimal digits: the hash of the customer's id, then that of the fact."""
    words = np.stack([customers, facts], axis=1).astype(">u8")
    digits = _HEX[words.view(np.uint8).reshape(len(facts), 16)].reshape(len(facts) * 32)
    offsets = np.arange(len(facts) + 1, dtype=np.int32) * 32
    return pa.Array.from_buffers(
        pa.string(), len(facts), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits))]
    )


def names(codes: npt.NDArray[np.integer[Any]], words: tuple[str, ...], kind: type = np.int8) -> pa.Array:
    """A string column from small codes that ``kind`` can hold."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(kind)), pa.array(words)).cast(pa.string())


def hashes(values: npt.NDArray[np.uint64]) -> pa.Array:
    """A column of hashes as 16 hexadecimal digits; empty for 0, which stands for none."""
    words = np.ascontiguousarray(values).astype(">u8")
    digits = _HEX[words.view(np.uint8).reshape(len(words), 8)].reshape(len(words), 16)
    present = words != 0
    sizes = np.where(present, 16, 0).astype(np.int64)
    kept = np.ascontiguousarray(digits[present]).reshape(-1)
    return pa.Array.from_buffers(pa.string(), len(words), [None, pa.py_buffer(_offsets(sizes)), pa.py_buffer(kept)])

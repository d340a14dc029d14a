"""The bytes of a reject: as many as fit into a message, the number of all, and a hash of all."""

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

MOST_PAYLOAD: Final = 1 << 20
"""Bytes that a reject keeps: all of a record that came within a broker's own limit of messages (1,048,588 bytes)."""
MOST_DETAIL: Final = 1024
"""Characters of the words that go with it, which may quote what was refused."""


def kept(payload: bytes) -> dict[str, Any]:
    """The fields of a reject that tell of its bytes."""
    return {
        "payload": payload[:MOST_PAYLOAD],
        "payload_bytes": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
    }


def digests_of(
    buffer: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> list[str]:
    """SHA-256 in hexadecimal of each ``buffer[start:start + length]``."""
    places = zip(starts.tolist(), lengths.tolist(), strict=True)
    return [hashlib.sha256(buffer[start : start + length].data).hexdigest() for start, length in places]


def brief(detail: str) -> str:
    """Words for a person, no more than a person reads."""
    return detail if len(detail) <= MOST_DETAIL else detail[: MOST_DETAIL - 1] + "…"

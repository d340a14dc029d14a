"""What travels over the local socket: frames of a JSON header and bytes.

A frame is the length of the header and the length of the payload, four bytes each with the highest first, then the
header as a JSON object, then the payload. A client sends one frame ``{"argv": [...], "cwd": "..."}``; the answer is any
number of ``{"stream": "stdout"}`` and ``{"stream": "stderr"}`` with payload, and one ``{"exit": code}`` at the end.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

LONGEST_FRAME: Final = 1024 * 1024
_LENGTHS: Final = struct.Struct(">II")


class BadFrame(Exception):
    """These bytes are no frame, or one that is longer than allowed."""


def encode(header: Mapping[str, object], payload: bytes = b"") -> bytes:
    """One frame. Raises ``BadFrame`` when it would be longer than allowed."""
    text = json.dumps(header).encode()
    _check_length(_LENGTHS.size + len(text) + len(payload))
    return _LENGTHS.pack(len(text), len(payload)) + text + payload


class FrameReader:
    """Puts frames together from whatever pieces arrive."""

    def __init__(self) -> None:
        self._received: Final = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived."""
        self._received.extend(data)

    def next(self) -> tuple[dict[str, Any], bytes] | None:
        """Header and payload of the next complete frame; None when more bytes are needed. Raises ``BadFrame``."""
        if len(self._received) < _LENGTHS.size:
            return None
        header_bytes, payload_bytes = _LENGTHS.unpack_from(self._received)
        size = _LENGTHS.size + header_bytes + payload_bytes
        _check_length(size)
        if len(self._received) < size:
            return None
        text = bytes(self._received[_LENGTHS.size : _LENGTHS.size + header_bytes])
        payload = bytes(self._received[_LENGTHS.size + header_bytes : size])
        del self._received[:size]
        return _parse(text), payload


def _check_length(size: int) -> None:
    if size > LONGEST_FRAME:
        raise BadFrame(f"a frame of {size} bytes; the longest allowed has {LONGEST_FRAME}")


def _parse(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame("the header of a frame is not JSON") from error
    if not isinstance(header, dict):
        raise BadFrame("the header of a frame is not an object")
    return header

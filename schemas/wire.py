"""Confluent's wire format: byte 0, the schema id in four bytes (most significant first), the Avro body."""

import struct
from typing import Final

HEADER: Final = struct.Struct(">bI")
HEADER_SIZE: Final = HEADER.size


class NotFramedError(ValueError):
    """Bytes that don't begin with the header of Confluent's wire format."""


def frame(schema_id: int, body: bytes) -> bytes:
    """The message of a body."""
    return HEADER.pack(0, schema_id) + body


def unframe(message: bytes) -> tuple[int, bytes]:
    """Schema id and body of a message. Raises NotFramedError."""
    if len(message) < HEADER_SIZE or message[0] != 0:
        raise NotFramedError(
            f"expected a zero byte and a schema id of four bytes, found {message[:HEADER_SIZE].hex() or 'nothing'}"
        )
    return HEADER.unpack_from(message)[1], message[HEADER_SIZE:]

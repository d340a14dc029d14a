"""Signatures of webhooks.

Source: Standard Webhooks 1.0.0, "Signature scheme" (standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
SECRET_FEWEST_BYTES: Final = 24
SECRET_MOST_BYTES: Final = 64


class BadSecret(ValueError):
    """A signing secret that can't be used. The message never holds the secret."""


def key_of(secret: str) -> bytes:
    """The key of a secret as it is handed out: ``whsec_`` and 24 to 64 bytes in base64. Raises BadSecret."""
    if not secret.startswith(PREFIX):
        raise BadSecret(
            f"it begins with {PREFIX}, followed by {SECRET_FEWEST_BYTES} to {SECRET_MOST_BYTES} bytes in base64"
        )
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise BadSecret(f"what follows {PREFIX} is no base64") from error
    if not SECRET_FEWEST_BYTES <= len(key) <= SECRET_MOST_BYTES:
        raise BadSecret(f"the secret has {len(key)} bytes; {SECRET_FEWEST_BYTES} to {SECRET_MOST_BYTES} are asked for")
    return key


def signed_headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of one attempt at ``timestamp`` (seconds since 1970), signed by every key that is live.

    While a secret is being replaced both sign, so that a receiver may change at any moment between.
    """
    said = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode() for key in keys)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if keys:
        headers["webhook-signature"] = " ".join(f"v1,{signature}" for signature in signatures)
    return headers

"""From the bytes of a request's body to JSON text: compression, and JSON in a form.

SDKs say little of what they send: browsers' JSON comes as ``text/plain``, beacons have no type at all, some is
compressed without a header that says so, and one sends compressed JSON as ``application/x-www-form-urlencoded``. So
what the bytes are is seen from the bytes.
"""

import zlib
from typing import Final
from urllib.parse import parse_qs

from streams.collector.problems import RequestRefused

MOST_BYTES: Final = 4 << 20
"""Of a request's body, compressed or not, and of what it expands to."""
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_FORM_FIELDS: Final = ("data", "batch", "payload", "event")


def too_large() -> RequestRefused:
    """A body of more than 4 MiB, which no SDK makes: those split what they send at half a mebibyte."""
    return RequestRefused(413, "request_too_large", f"a request has at most {MOST_BYTES:,} bytes, also expanded")


def text_of(body: bytes, encoding: str = "") -> bytes:
    """The JSON text of a body. ``encoding``: its Content-Encoding. Raises RequestRefused (400, 413, 415)."""
    if len(body) > MOST_BYTES:
        raise too_large()
    text = _expanded(body, encoding.strip().lower())
    text = text.removeprefix(_BYTE_ORDER_MARK).strip(_SPACE)
    if text and text[:1] not in b"{[":
        text = _of_form(text)
    if not text:
        raise RequestRefused(400, "empty_body", "the request has no body; expected JSON")
    return text


def _expanded(body: bytes, encoding: str) -> bytes:
    if body[:2] == _GZIP:
        return _inflated(body, _GZIP_WINDOW)
    if encoding == "deflate":
        return _inflated(body, zlib.MAX_WBITS)
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise RequestRefused(415, "unknown_encoding", f"Content-Encoding {encoding!r} is not understood; send gzip")
    # A proxy may have expanded it and left the header.
    return body


def _inflated(body: bytes, window: int) -> bytes:
    """What all members of a compressed body expand to; gzip may have several, one behind the other (RFC 1952, 2.2)."""
    text = b""
    while body:
        inflater = zlib.decompressobj(window)
        try:
            text += inflater.decompress(body, MOST_BYTES + 1 - len(text))
        except zlib.error as error:
            raise RequestRefused(400, "bad_compression", f"the body can't be expanded: {error}") from error
        if len(text) > MOST_BYTES:
            raise too_large()
        if not inflater.eof:
            raise RequestRefused(400, "bad_compression", "the compressed body is cut off")
        # Zeros may follow that fill a block up.
        body = inflater.unused_data.lstrip(b"\0")
    return text


def _of_form(text: bytes) -> bytes:
    """The JSON in the field of a form, or the whole text, percent-encoded, as a form's only name."""
    if text[:1] != b"%" and b"=" not in text:
        return text
    try:
        fields = parse_qs(text.decode("ascii"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return text
    for name in _FORM_FIELDS:
        if value := fields.get(name, [""])[0].strip():
            return value.encode()
    name = next(iter(fields), "")
    return name.encode() if name[:1] in ("{", "[") else text

"""The key of a request: where each SDK puts it."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from streams.collector.problems import RequestRefused
from streams.collector.sources import Source, Sources

_QUERY_NAMES = ("writeKey", "write_key", "key")


def key_in_head(headers: Mapping[str, str], query: str, path_key: str = "") -> str | None:
    """The key in the path, in Authorization (Basic, the key is the user; Bearer), X-Write-Key or the query."""
    if path_key:
        return path_key
    if told := _authorized(headers.get("authorization", "")):
        return told
    if told := headers.get("x-write-key", "").strip():
        # Jitsu writes keyId:secret; a key of ours may stand on either side.
        return told
    try:
        fields = parse_qs(query, max_num_fields=100)
    except ValueError:
        return None
    return next((fields[name][0] for name in _QUERY_NAMES if name in fields), None)


def _authorized(header: str) -> str | None:
    scheme, _, rest = header.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(rest, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return pair.partition(":")[0] or None


def source_of(sources: Sources, key: str | None, body: Mapping[str, Any]) -> Source:
    """The source whose key a request has, in its head or as ``writeKey`` in its body. Raises RequestRefused (401)."""
    told = key or body.get("writeKey")
    if not isinstance(told, str) or not told:
        raise RequestRefused(401, "no_write_key", "the request has no write key: send it as the user of Basic auth")
    for each in (told, *told.split(":", 1)):
        if (source := sources.of_key(each)) is not None:
            return source
    raise RequestRefused(401, "unknown_write_key", "no source has this write key; `relasi sources` lists them")


def check_origin(source: Source, origin: str | None) -> None:
    """Raises RequestRefused (403) where a page of this origin may not send with the source's key."""
    if origin and not source.trusted and not source.allows(origin):
        raise RequestRefused(
            403, "origin_not_allowed", f"[sources.{source.name}] does not list the origin {origin[:200]} in origins"
        )

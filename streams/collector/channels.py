"""Where an event happened: as its source says, as its SDK does, or as its library lets one know."""

from typing import Any, Final

from streams.collector.sources import Source
from streams.collector.texts import text_or_none

_CHANNELS: Final = {"browser": "web", "client": "web", "web": "web", "mobile": "mobile", "server": "server"}
_LIBRARIES: Final = (
    ("analytics.js", "web"),
    ("rudderlabs javascript sdk", "web"),
    ("jitsu-js", "web"),
    ("ios", "mobile"),
    ("swift", "mobile"),
    ("android", "mobile"),
    ("kotlin", "mobile"),
    ("react-native", "mobile"),
    ("flutter", "mobile"),
)


def channel_of(event: dict[str, Any], context: dict[str, Any], source: Source) -> str | None:
    """Where it happened: as the source says, as the SDK does, or as its library lets one know."""
    if source.channel:
        return source.channel
    for said in (event.get("channel"), context.get("channel")):
        if text := text_or_none(said):
            return _CHANNELS.get(text.lower(), text)
    library = context.get("library")
    name = text_or_none(library.get("name")) if isinstance(library, dict) else None
    told = channel_by_library(name) if name is not None else None
    return told or ("server" if source.trusted else "web")


def channel_by_library(name: str) -> str | None:
    """The channel of those who use a library of this name; None of one that is used everywhere."""
    return next((channel for part, channel in _LIBRARIES if part in name.lower()), None)

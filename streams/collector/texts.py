"""Values of an event as texts, and texts as Avro's map."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from schemas.nobody import is_nobody
from streams.collector.problems import EventRefused
from streams.imports.canonical import NO_ENTRIES
from streams.imports.columns import plain
from streams.imports.nested import long_bytes

_EXACT: Final = 2**53


def text_of_value(value: object) -> str | None:
    """A value as the text of a property; None of null. What is nested stays JSON, in its own order."""
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return plain(value)


def identifier(value: object, name: str) -> str | None:
    """An id as text; None of null, of nothing and of white space. Raises EventRefused for what can't be an id.

    Numbers are ids of databases; one that is not whole, or too large to be told exactly, is none.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventRefused("bad_id", f"{name} is {_kind(value)}; expected a text")
    if isinstance(value, float) and not (abs(value) < _EXACT and value.is_integer()):
        raise EventRefused("bad_id", f"{name} {value!r} is no whole number that can be told exactly; send it as a text")
    return str(int(value))


def says_something(value: object) -> bool:
    """Whether a value is there, and no text without anything but white space."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def identity(value: object, name: str) -> str | None:
    """``identifier`` of somebody: None too of what programs write where there is nobody. Raises EventRefused."""
    found = identifier(value, name)
    return None if found is not None and is_nobody(found) else found


def text_or_none(value: object) -> str | None:
    """A text that says something, trimmed; None of everything else."""
    return (value.strip() or None) if isinstance(value, str) else None


def table_of(value: object, name: str) -> dict[str, Any]:
    """An object; an empty one of null. Raises EventRefused."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EventRefused("ill_typed", f"{name} is {_kind(value)}; expected an object")
    return value


def _kind(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return "a text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else "a number"


def entries_bytes(texts: Mapping[str, str]) -> bytes:
    """Avro encoding of map<string>, in the order that the event has."""
    if not texts:
        return NO_ENTRIES
    out = bytearray(long_bytes(len(texts)))
    for name, text in texts.items():
        for part in (name.encode(), text.encode()):
            out += long_bytes(len(part)) + part
    return bytes(out + NO_ENTRIES)

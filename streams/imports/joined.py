"""Several columns read as one text: a date, a time and a zone, or a year, a month and a day."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from streams.imports.columns import joined_texts, text_of, trimmed

SIGN: Final = "+"


def parts_of_name(name: str, columns: Collection[str]) -> list[str]:
    """The columns that a name in a mapping stands for: itself, or those that it joins (``date+time``), where there are
    such; empty where there are not."""
    if name in columns:
        return [name]
    parts = [part.strip() for part in name.split(SIGN)]
    return parts if len(parts) > 1 and all(part in columns for part in parts) else []


def names_joined(name: str) -> list[str]:
    """Every column that a name may stand for."""
    return [name, *(part.strip() for part in name.split(SIGN))] if SIGN in name else [name]


def column_of(columns: Mapping[str, Any], name: str) -> Any:
    """The column of a name; of several, their texts with a space between them, empty ones left out."""
    parts = parts_of_name(name, columns)
    if len(parts) == 1:
        return columns[name]
    texts = [text_of(columns[part])[0] for part in parts]
    return trimmed(joined_texts(texts, " "))

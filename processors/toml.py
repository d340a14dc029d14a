"""TOML that strangers wrote: read in time that grows with its length, or refused in words.

``tomllib`` runs out of stack on a thousand brackets, and needs hours for one key of a hundred thousand dots: it builds
each beginning of a key anew (CPython 3.11 to 3.13, *measured*). No file of ours has need of either.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

TEXT_BYTES: Final = 1 << 20
MOST_LEVELS: Final = 32
"""Brackets within brackets, and parts of a dotted key."""
MOST_DIGITS: Final = 128
"""Of a number. Python reads any hexadecimal one, and then can't say it in a message."""

# What a text is made of outside of strings.
_TOKENS: Final = re.compile(r"\#[^\n]*|[A-Za-z0-9_\-]+|[ \t]+|.", re.DOTALL)
# What ends a string, or what stands in its way: by how it begins (TOML 1.0). Looked for a piece at a time: possessive
# quantifiers over alternatives go wrong in CPython 3.11.0 to 3.11.4 (its issue 106052).
_ENDS: Final = {
    '"""': re.compile(r'\\.|"""', re.DOTALL),
    "'''": re.compile("'''"),
    '"': re.compile(r'\\.|"|\n', re.DOTALL),
    "'": re.compile(r"'|\n"),
}
_IN_A_KEY: Final = frozenset("\"' \tABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-#")


def loads(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """The document of a text. Raises ``tomllib.TOMLDecodeError``, whatever is wrong with it."""
    if (size := len(text.encode(errors="surrogatepass"))) > TEXT_BYTES:
        raise tomllib.TOMLDecodeError(f"{size:,} bytes; at most {TEXT_BYTES:,} are read")
    _check_levels(text)
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise tomllib.TOMLDecodeError(f"can't be read: {error}") from error


def _string_end(text: str, start: int) -> int:
    """Where the string ends that begins at ``start``, so that brackets and dots within it don't count.

    A closing delimiter of several lines may follow upon one or two quotes that belong to the string. One that is never
    closed ends with its line, or with the text.
    """
    sign = text[start]
    delimiter = sign * 3 if text.startswith(sign * 3, start) else sign
    at = start + len(delimiter)
    while (found := _ENDS[delimiter].search(text, at)) and text[found.start()] == "\\":
        at = found.end()
    if found is None:
        return len(text)
    if text[found.start()] == "\n":
        return found.start()
    at, most = found.end(), found.end() + (2 if len(delimiter) == 3 else 0)
    while at < most and text.startswith(sign, at):
        at += 1
    return at


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where each token begins and ends."""
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        end = _string_end(text, at) if text[at] in "\"'" or found is None else found.end()
        yield at, end
        at = end


def _check_levels(text: str) -> None:
    levels = dots = 0
    for start, end in _tokens(text):
        sign = text[start]
        if sign in _IN_A_KEY:
            if sign.isdigit() and end - start > MOST_DIGITS:
                _refuse(text, start, f"a number has more than {MOST_DIGITS} digits")
            continue
        dots = dots + 1 if sign == "." else 0
        if sign in "[{":
            levels += 1
        elif sign in "]}" and levels:
            levels -= 1
        if levels > MOST_LEVELS or dots >= MOST_LEVELS:
            what = "brackets stand within each other" if levels > MOST_LEVELS else "parts make one dotted key"
            _refuse(text, start, f"more than {MOST_LEVELS} {what}")


def _refuse(text: str, at: int, why: str) -> NoReturn:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    raise tomllib.TOMLDecodeError(f"{why} (at line {line}, column {column})")

"""TOML that strangers wrote: read in time that grows with its length, or refused in words.

``tomllib`` runs out of stack on a thousand brackets, and needs hours for one key of a hundred thousand dots: it builds
each beginning of a key anew (CPython 3.11 to 3.13, *measured*). No file of ours has need of either.
"""

import re
import tomllib
from collections.abc import Callable
from typing import Any, Final, NoReturn

TEXT_BYTES: Final = 1 << 20
MOST_LEVELS: Final = 32
"""Brackets within brackets, and parts of a dotted key."""
MOST_DIGITS: Final = 128
"""Of a number. Python reads any hexadecimal one, and then can't say it in a message."""

# What a text is made of, so that brackets and dots within strings and comments don't count (TOML 1.0). A closing
# delimiter of several lines may follow upon one or two quotes that belong to the string.
_TOKENS: Final = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""(?:"{0,2}+))?'
    r"|'''(?:[^']++|'(?!''))*+(?:'''(?:'{0,2}+))?"
    r'|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+"
    r"|[A-Za-z0-9_\-]++"
    r"|[ \t]++"
    r"|.",
    re.DOTALL,
)
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


def _check_levels(text: str) -> None:
    levels = dots = 0
    for token in _TOKENS.finditer(text):
        sign = text[token.start()]
        if sign in _IN_A_KEY:
            if sign.isdigit() and len(token[0]) > MOST_DIGITS:
                _refuse(text, token.start(), f"a number has more than {MOST_DIGITS} digits")
            continue
        dots = dots + 1 if sign == "." else 0
        if sign in "[{":
            levels += 1
        elif sign in "]}" and levels:
            levels -= 1
        if levels > MOST_LEVELS or dots >= MOST_LEVELS:
            what = "brackets stand within each other" if levels > MOST_LEVELS else "parts make one dotted key"
            _refuse(text, token.start(), f"more than {MOST_LEVELS} {what}")


def _refuse(text: str, at: int, why: str) -> NoReturn:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    raise tomllib.TOMLDecodeError(f"{why} (at line {line}, column {column})")

"""Fitted parameters into a table of a policy file, such as ``[churn]``, leaving every other line as it is.

A TOML writer would lose the comments in which a policy explains itself, so single lines are edited. That the result
means what was intended, and nothing else changed, is proved by parsing it before it replaces the file.
"""

import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from processors import toml

Value = str | float | tuple[float, ...]

_HEADER: Final = re.compile(r"\s*\[")
_VALUE: Final = r"""(?:"[^"]*"|'[^']*'|\[[^\]#]*\]|[^\s#"'\[]+)"""


class PolicyEditError(Exception):
    """The policy file cannot be edited; the message names the file and what to do."""


def _literal(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(repr(float(number)) for number in value)}]"
    return f'"{value}"' if isinstance(value, str) else repr(float(value))


def _bounds_of_table(lines: list[str], table: str) -> tuple[int, int] | None:
    """Line numbers of the table's body, [first, last)."""
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$")
    for i, line in enumerate(lines):
        if header.match(line.rstrip("\r\n")):
            later = (j for j in range(i + 1, len(lines)) if _HEADER.match(lines[j]))
            return i + 1, next(later, len(lines))
    return None


def _set_in(body: list[str], values: Mapping[str, Value], newline: str) -> list[str]:
    body = list(body)
    for key, value in values.items():
        assignment = re.compile(rf"""(\s*["']?{key}["']?\s*=\s*){_VALUE}(\s*(?:#.*)?)$""")
        found = [(i, m) for i, line in enumerate(body) if (m := assignment.match(line.rstrip("\r\n")))]
        if found:
            i, match = found[0]
            ending = body[i][len(body[i].rstrip("\r\n")) :]
            body[i] = match[1] + _literal(value) + match[2] + ending
            continue
        filled = max(
            (i for i, line in enumerate(body) if line.strip() and not line.lstrip().startswith("#")), default=-1
        )
        body.insert(filled + 1, f"{key} = {_literal(value)}{newline}")
    return body


def _with_true_comments(lines: list[str], truer: Mapping[str, str]) -> list[str]:
    """The lines with every comment that matches a pattern saying what that stands for instead."""
    told = []
    for line in lines:
        before, mark, comment = line.partition("#")
        for pattern, instead in truer.items():
            comment = re.sub(pattern, instead.replace("\\", r"\\"), comment)
        told.append(before + mark + comment)
    return told


def with_table(text: str, table: str, values: Mapping[str, Value], truer: Mapping[str, str] | None = None) -> str:
    """``text`` with ``values`` in the table of that name (a bare key), which is added at the end when there is none.

    ``truer``: what comments of the table say that the values make untrue, as patterns, and what they are to say.

    Raises ``PolicyEditError`` when the text is no TOML, or holds the table in a form that lines cannot express.
    """
    try:
        before = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyEditError(f"is not valid TOML: {error}") from error
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += newline
    where = _bounds_of_table(lines, table)
    if where is None:
        lines += [newline] * bool(lines) + [f"[{table}]{newline}", *_set_in([], values, newline)]
    else:
        body = _set_in(lines[where[0] : where[1]], values, newline)
        lines[where[0] - 1 : where[1]] = _with_true_comments([lines[where[0] - 1], *body], truer or {})
    edited = "".join(lines)
    _require_same_otherwise(before, edited, table, values)
    return edited


def _require_same_otherwise(before: dict[str, Any], edited: str, table: str, values: Mapping[str, Value]) -> None:
    was = before.get(table, {})
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    wanted = before | {table: (was if isinstance(was, dict) else {}) | plain}
    try:
        changed = toml.loads(edited) != wanted
    except tomllib.TOMLDecodeError:
        changed = True
    if changed:
        raise PolicyEditError(
            f"writes its {table} settings in a form that cannot be edited line by line; give it a plain table "
            f"[{table}] with one `key = value` a line"
        )


def write_table(path: Path, table: str, values: Mapping[str, Value], truer: Mapping[str, str] | None = None) -> None:
    """Replace the file atomically by itself with ``values`` in the table of that name; ``truer`` as of ``with_table``.

    Raises ``PolicyEditError`` with the path; the file is then as it was.
    """
    target = path.resolve()
    try:
        text = target.read_bytes().decode()
        edited = with_table(text, table, values, truer)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(edited.encode())
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(target, name)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except PolicyEditError as error:
        raise PolicyEditError(f"{path} {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyEditError(f"cannot write the parameters to {path}: {error}") from error

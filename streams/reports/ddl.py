"""The statements that create the tables and views, read from ``deploy/clickhouse/*.sql``.

Those files are the only DDL: an administrator can pipe them into clickhouse-client, and the sinks run the same text.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

from streams.reports.errors import ReportsError

# deploy/clickhouse lies beside streams/: in a checkout, in an editable installation, and where a wheel was unpacked.
FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "clickhouse"

_TOKEN: Final = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<quoted> '(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" )
  | (?P<end> ; )
  | (?P<other> [^-/'`";]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(text: str) -> list[str]:
    """The statements of a script without their semicolons; comments are left out, quoted semicolons are text."""
    statements: list[str] = []
    current: list[str] = []
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "end":
            statements.append("".join(current))
            current = []
        elif token.lastgroup != "comment":
            current.append(token.group())
    statements.append("".join(current))
    return [statement.strip() for statement in statements if statement.strip()]


@cache
def statements(folder: Path = FOLDER) -> tuple[str, ...]:
    """Every statement of the folder's files, in the order of their names. Raises ReportsError when there are none."""
    found = tuple(
        statement for path in sorted(folder.glob("*.sql")) for statement in split_statements(path.read_text("utf-8"))
    )
    if not found:
        raise ReportsError(
            f"{folder}: no SQL files here, so the tables can't be created; Relasi is not whole: install it again"
        )
    return found

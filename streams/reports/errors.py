"""What goes wrong between us and the reporting engine."""


class ReportsError(Exception):
    """The engine refused or failed: says what was asked of it, what it answered, and what to do where that helps."""


def first_line(sql: str) -> str:
    """The line of a statement that an error message shows: the first one that is not blank or a comment."""
    for line in sql.splitlines():
        text = line.strip()
        if text and not text.startswith("--"):
            return text
    return sql.strip()

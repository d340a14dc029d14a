"""Values of query parameters as ClickHouse reads them: ``{name:Type}`` in the SQL, text beside it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from streams.reports.errors import ReportsError

Item = str | int | float
Value = str | list[Item]

# A scalar is read as a field of tab-separated text, a list as an array literal whose texts stand in quotes (measured:
# an array that is escaped like a field as well is refused).
_IN_FIELD: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b"})
_IN_QUOTES: Final = _IN_FIELD | {ord("'"): "\\'"}


def values(parameters: Mapping[str, object] | None) -> dict[str, Value]:
    """Parameters as texts and lists of texts and numbers; a naive datetime is UTC. Raises ReportsError for others."""
    return {
        name: [_item(name, item) for item in value] if isinstance(value, list | tuple) else str(_item(name, value))
        for name, value in (parameters or {}).items()
    }


def _item(name: str, value: object) -> Item:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return value
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        # Written here because clickhouse-driver would drop the milliseconds.
        return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, date):
        return value.isoformat()
    raise ReportsError(
        f"parameter {name!r} is a {type(value).__name__}; give text, a number, a boolean, a date, an instant or a list"
    )


def fields(parameters: Mapping[str, Value]) -> dict[str, str]:
    """The same in the form in which the engine itself wants them."""
    return {name: _field(value) for name, value in parameters.items()}


def _field(value: Value) -> str:
    if isinstance(value, str):
        return value.translate(_IN_FIELD)
    quoted = (f"'{item.translate(_IN_QUOTES)}'" if isinstance(item, str) else str(item) for item in value)
    return f"[{', '.join(quoted)}]"

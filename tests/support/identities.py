"""What the reports say of each customer in two ways: as their profile counted, and as the view of touchpoints does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from streams.reports.sink import Sink

FIELDS: Final = ("event_id", "customer_id", "anonymous_id", "occurred_at", "kind", "amount", "currency")

PROFILES: Final = (
    "SELECT namespace, customer_id, touchpoints, purchases, spend_minor FROM profiles WHERE {of} "
    "ORDER BY customer_id, namespace"
)
TOUCHPOINTS: Final = (
    "SELECT namespace, customer_id, toInt64(count()) AS touchpoints, toInt64(count()) AS purchases, "
    "sum(amount_minor) AS spend_minor FROM touchpoints WHERE {of} GROUP BY namespace, customer_id "
    "ORDER BY customer_id, namespace"
)

Counted = dict[tuple[str, str], tuple[int, int]]


def purchase(event: str, customer: str | None, at: str, amount: float, visitor: str | None = None) -> dict[str, Any]:
    """A row of a file."""
    told = (event, customer or "", visitor or "", at, "order_completed", f"{amount:.2f}", "USD")
    return dict(zip(FIELDS, told, strict=True))


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of such rows."""
    lines = [",".join(FIELDS), *(",".join(str(row[name]) for name in FIELDS) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def counted(sink: Sink, of: str = "true") -> Counted:
    """(purchases, spend in minor units) of each (namespace, id), on which profile and view agree; ``of``: in SQL."""
    profiles, touchpoints = (sink.query(sql.format(of=of)).to_pylist() for sql in (PROFILES, TOUCHPOINTS))
    assert profiles == touchpoints
    assert all(row["touchpoints"] == row["purchases"] for row in profiles)
    return {(row["namespace"], row["customer_id"]): (row["purchases"], row["spend_minor"]) for row in profiles}


def expected(files: Sequence[Sequence[Mapping[str, Any]]]) -> Counted:
    """What must come of files that are imported one after the other, each in its own order: the first one counts."""
    seen: set[tuple[str, str, str]] = set()
    found: Counted = {}
    for row in (row for rows in files for row in rows):
        who = ("known", row["customer_id"]) if row["customer_id"] else ("anonymous", row["anonymous_id"])
        if (*who, row["event_id"]) not in seen:
            seen.add((*who, row["event_id"]))
            count, spend = found.get(who, (0, 0))
            found[who] = (count + 1, spend + round(float(row["amount"]) * 100))
    return found

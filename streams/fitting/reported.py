"""The purchases of the reports: the questions to ask, and their answers as the batches that ``purchases`` collects."""

from collections.abc import Collection
from typing import Final

import pyarrow as pa

from processors.policy.policy import MS_PER_UNIT

_DAY_MS: Final = MS_PER_UNIT["day"]

POLICY: Final = "SELECT text FROM policies ORDER BY known_at DESC, offset DESC LIMIT 1"
LAST: Final = "SELECT toUnixTimestamp64Milli(max(occurred_at)) AS last_ms FROM touchpoints"

_COLUMNS: Final = {
    "customer_id": pa.string(),
    "occurred_at": pa.int64(),
    "kind": pa.string(),
    "amount_minor": pa.int64(),
    "currency": pa.string(),
    "channel": pa.string(),
    "campaign": pa.string(),
}


def purchases_sql(kinds: Collection[str]) -> str:
    """One row per customer, day, kind (of purchases and refunds), currency and sign of the amount: as few as say the
    same as all touchpoints. Cancelled orders are left out, and what tells of them."""
    wanted = ", ".join(f"'{kind}'" for kind in sorted(kinds) if kind.replace("_", "").isalnum())
    # The same text in two namespaces is two customers.
    who = "if(namespace = 'known', customer_id, concat(namespace, char(0), customer_id))"
    day = f"intDiv(toUnixTimestamp64Milli(occurred_at), {_DAY_MS}) * {_DAY_MS}"
    return (
        f"SELECT {who} AS customer, {day} AS day_ms, kind, sum(amount_minor) AS amount, currency, "
        f"min(channel) AS by_channel, min(campaign) AS by_campaign FROM touchpoints WHERE kind IN ({wanted}) "
        "AND (ifNull(order_id, '') = '' OR (customer_id, namespace, assumeNotNull(order_id)) NOT IN "
        "(SELECT customer_id, namespace, order_id FROM cancelled_orders)) "
        "GROUP BY customer, day_ms, kind, currency, amount_minor < 0"
    )


def batches_of(rows: pa.Table) -> list[pa.RecordBatch]:
    """The answer to ``purchases_sql`` as canonical batches; what came as text is parsed."""
    if not rows.num_columns:
        return []
    columns = [
        column if column.type == kind else column.cast(kind)
        for column, kind in zip(rows.columns, _COLUMNS.values(), strict=True)
    ]
    table = pa.table(dict(zip(_COLUMNS, columns, strict=True)))
    return list(table.to_batches())

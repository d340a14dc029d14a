"""A random log in one digest of all that the engine says of it; run as a module, it prints that."""

import hashlib
from typing import Any

import numpy as np

from streams.engine.checkpoint import stored_in_columns
from support.messages import DAY, START, Message, cut, touchpoint
from support.random_logs import random_log
from support.shell import Log, accepted_of, applied, facts_of, new_partition, records_of, refusals_of, rows_of


def _orders() -> list[Message]:
    """Orders of which some are told again, later, with other lines and with another amount."""
    at, told = START + 400 * DAY, {"currency": "USD", "amount_minor": 500}
    lines = [{"sku": "a", "category": None, "quantity": 1, "amount_minor": 500}]
    events = [(f"O{n // 4}", at + n // 2, told | {"lines": lines if n % 3 else []}) for n in range(24)]
    return [
        Message(touchpoint(f"o{n}", "buyer", when, "order_completed", order_id=order, **fields), at + n)
        for n, (order, when, fields) in enumerate(events)
    ]


def engine_story(seed: int) -> str:
    """Facts, rejects, accepted bodies, counts and rows, also of a partition restored in the middle."""
    log = Log(cut([*random_log(seed, 300, 15), *_orders()], [150]))
    partition = new_partition()
    told: list[Any] = []
    stored: dict[bytes, bytes] = {}
    for first in (0, 150):
        came = applied(partition, log.fetch(first, 1))
        told += [facts_of(partition, came), refusals_of(came), accepted_of(came), came.counts, rows_of(partition)]
        stored |= dict(records_of(partition.checkpoint()))
        heir = new_partition(hot_rows=8)
        heir.restore(stored_in_columns(stored.items()))
        told += [sorted(rows_of(heir).items()), heir.next_offset, heir.time]
        partition = heir
    return f"{len(told[0])} facts, {hashlib.sha256(repr(told).encode()).hexdigest()}"


if __name__ == "__main__":
    # Arithmetic of 64 bits wraps round on purpose; only plain numpy remarks on it.
    with np.errstate(over="ignore"):
        print(engine_story(1))

"""Deliveries when an edition takes the place of another: what it says of the past goes to nobody.

It says its triggers from the log's beginning on, also those that the one before never said. What that one said and
delivery has not taken in yet is said again by the new one, so that nothing of it is lost; from there on both are one.
"""

from pathlib import Path
from typing import Final

from schemas.bodies import bodies_of
from streams.delivery.deliverer import FOLDER
from streams.delivery.outbox import Outbox
from streams.embedded.appending import append_messages
from streams.embedded.layout import ROWS_NAME
from streams.embedded.readers import read_records
from streams.embedded.rows_file import RowsFile
from streams.outputs.triggers import TOPIC

BEGINS: Final = "triggers begin"
"""The setting of the rows that says from which offset of the topic of triggers on delivery takes in, and since when."""
PARTITION: Final = 0


def outbox_of(directory: Path) -> Path:
    """The outbox of the embedded shell."""
    return directory / FOLDER / f"deliveries-{PARTITION}.sqlite"


def source_of(rows: RowsFile) -> tuple[str, int]:
    """How the topic of triggers in these rows is called in the outbox, and from where on it is taken in.

    Offsets are of one file: those of the edition before mean nothing in this one.
    """
    begins, _, since = (rows.setting(BEGINS) or "").partition("@")
    return f"{TOPIC.named()}@{since}" if since else TOPIC.named(), int(begins or 0)


def begin_deliveries(directory: Path, built: Path, now: int) -> None:
    """Say in the rows that were built from where on delivery takes in. Nobody else has these open.

    ``directory``: where the rows are that they take the place of. Once it has been said, it stays.
    """
    with RowsFile(built) as after:
        if after.setting(BEGINS) is not None:
            return
        untaken = _untaken(directory)
        with after.transaction():
            after.put_setting(BEGINS, f"{after.end_offset(TOPIC.named(), PARTITION)}@{now}")
            if untaken:
                keys, values = (bodies_of([each[i] for each in untaken]) for i in range(2))
                append_messages(after, TOPIC.named(), PARTITION, keys, values, now, compress=True)


def _untaken(directory: Path) -> list[tuple[bytes, bytes]]:
    """Keys and bodies of the triggers that were said and not taken in; none where nobody ever delivered."""
    if not outbox_of(directory).exists() or not (directory / ROWS_NAME).exists():
        return []
    found: list[tuple[bytes, bytes]] = []
    with RowsFile(directory) as before:
        source, begins = source_of(before)
        with Outbox(outbox_of(directory)) as box:
            at = max(box.position(source), begins)
        while (batch := read_records(before, TOPIC.named(), PARTITION, at)) is not None:
            found += [(each.key or b"", each.value) for each in batch.records if each.value is not None]
            at = batch.next_offset
    return found

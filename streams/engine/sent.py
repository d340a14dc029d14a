"""What compiled code listed for the owners of other partitions, as records."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.engine.cursor import AT_PACKED, AT_SENDS, Cursor
from streams.engine.results import Sent
from streams.engine.rows import USED_EDITION, USED_NUMBER, Table, id_slices, namespaces_of
from streams.engine.sending import MERGE


def sent_of(table: Table, cursor: Cursor, buffer: npt.NDArray[np.uint8]) -> list[Sent]:
    """Take what was listed out of the cursor."""
    listed = np.asarray(cursor.sends)[: cursor.at[AT_SENDS]]
    found = [_sent(table, cursor, buffer, each) for each in listed]
    cursor.at[AT_SENDS] = cursor.at[AT_PACKED] = 0
    return found


def _named(table: Table, number: int) -> tuple[str, int]:
    """Text and namespace of an id; below zero: none."""
    if number < 0:
        return "", 0
    (start,), (length,) = id_slices(table, np.array([number]))
    text = table.ids[start : start + length].tobytes().decode()
    return text, int(namespaces_of(table, np.array([number]))[0])


def _sent(table: Table, cursor: Cursor, buffer: npt.NDArray[np.uint8], each: Any) -> Sent:
    held = cursor.packed if each["what"] == MERGE else buffer
    (left, left_space), (into, into_space) = _named(table, int(each["left"])), _named(table, int(each["into"]))
    record = {
        "partition": int(table.used[USED_NUMBER]),
        "offset": int(each["offset"]),
        "ordinal": int(each["ordinal"]),
        "edition": int(table.used[USED_EDITION]),
        "what": int(each["what"]),
        "at": int(each["at"]),
        "from": left,
        "from_space": left_space,
        "into": into,
        "into_space": into_space,
        "made_by": int(each["by"]),
        "trusted": bool(each["trusted"]),
        "body": held[each["start"] : each["start"] + each["length"]].tobytes(),
    }
    return Sent(int(each["partition"]), record, bool(each["framed"]))

"""Whether a partition of the log still holds all that its customers have to be made of."""

from faust.types import TP


class LostHistory(RuntimeError):
    """The log no longer holds what was not processed yet, or what was processed and not remembered."""


def check_head(tp: TP, first: int, expected: int, committed: int) -> None:
    """Whether a partition can go on at ``expected``, where its checkpoint stands, and the log begins at ``first``.

    ``committed``: by the group. A log whose head was gone before anybody read it is read from where it begins.
    Raises LostHistory.
    """
    if first <= expected:
        return
    where = f"{tp.topic} partition {tp.partition}"
    if expected > 0:
        raise LostHistory(
            f"{where}: offset {expected} is next, but the log begins at {first}: "
            "retention removed what was not processed yet; bring it back, or begin with another RELASI_GROUP"
        )
    if committed > 0:
        # Offsets are committed behind checkpoints, so there was one. Going on would make customers of what is left.
        raise LostHistory(
            f"{where}: the group has processed it up to offset {committed}, but no checkpoint of that is in the "
            f"changelog, and the log begins at {first}: what it was made from is gone; bring the changelog back, or "
            "begin with another RELASI_GROUP, whose customers are made of what the log still holds"
        )

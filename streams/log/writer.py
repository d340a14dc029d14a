"""The way into the log of touchpoints, whatever holds it: a file of SQLite or the partitions of a topic."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.bodies import Bodies
from streams.log.arranging import sizes_of


class NotWritten(RuntimeError):
    """Something may not be in the log: whoever sent it is to send it again. The message says why, and what to do."""


class MessageTooLarge(ValueError):
    """A message that the log takes in no circumstances; nothing of what it came with was written.

    ``index``: its number among the messages of the call, from 0.
    """

    def __init__(self, index: int, size: int, largest: int) -> None:
        super().__init__(f"message {index} has {size} bytes with its key; the log takes {largest} at most")
        self.index = index


class Writer(Protocol):
    """Appends to the log of touchpoints. Any number of appends may be under way at once, from one event loop or more.

    Asynchronous, because hundreds of requests wait for the same commit, and a thread for each would cost more than
    the commit does.
    """

    async def append(self, keys: Bodies | None, bodies: Bodies) -> None:
        """Append messages; when it returns, the log has them, and a crash of anything loses none.

        Messages of one call keep their order, and are together where they go to the same partition; those of calls
        that are under way at once may come in any order of the calls. A message with a key goes to the partition of
        its key. One without (``keys`` is None, or its key is empty) is for everybody, as a tick or a policy is: every
        partition gets it, at its place among the others.

        Raises MessageTooLarge or ValueError, and nothing was written; NotWritten, and what of it stands in the log is
        not known. After either the writer goes on with what else it is given.
        """


def checked(keys: Bodies | None, bodies: Bodies, largest: int) -> npt.NDArray[np.int64]:
    """Bytes of each message with its key. Raises ValueError where keys and bodies differ in number, MessageTooLarge."""
    if keys is not None and len(keys.offsets) != len(bodies.offsets):
        raise ValueError(f"{len(bodies.offsets) - 1} messages with {len(keys.offsets) - 1} keys")
    sizes = sizes_of(keys, bodies)
    if len(sizes) and sizes.max() > largest:
        index = int(np.argmax(sizes > largest))
        raise MessageTooLarge(index, int(sizes[index]), largest)
    return sizes

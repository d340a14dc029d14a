"""Many messages in one buffer: the form in which they go from the encoder to the log."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Bodies(NamedTuple):
    """``buffer`` (uint8) and ``offsets`` (int64, n + 1): message i is ``buffer[offsets[i]:offsets[i + 1]]``."""

    buffer: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def message(self, index: int) -> bytes:
        """One message, copied."""
        return self.buffer[self.offsets[index] : self.offsets[index + 1]].tobytes()


def bodies_of(messages: Sequence[bytes]) -> Bodies:
    """The few messages that are built one by one, such as ticks."""
    offsets = np.zeros(len(messages) + 1, np.int64)
    np.cumsum([len(message) for message in messages], out=offsets[1:])
    return Bodies(np.frombuffer(b"".join(messages), np.uint8), offsets)


def one_after_another(parts: Sequence[Bodies]) -> Bodies:
    """All messages, in their order."""
    if len(parts) == 1:
        return parts[0]
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    buffers = [part.buffer[part.offsets[0] : part.offsets[-1]] for part in parts]
    return Bodies(np.concatenate(buffers), np.cumsum(sizes))

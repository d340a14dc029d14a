"""What became of links, as compiled code tells it."""

from typing import Final

import numpy as np

LINK: Final = np.dtype(
    [
        ("id", "u8"),  # of what is told, whenever it is
        ("offset", "i8"),
        ("at", "i8"),  # when the company learned that they are one, ms
        ("known_at", "i8"),
        ("left", "i8"),  # number of the id that became a forwarding address; of a refusal, of the one that was claimed
        ("into", "i8"),  # … of the one that goes on; of a refusal, of the one that claimed it
        ("holder", "i8"),  # … of the customer whose ``left`` is from then on
        ("what", "i1"),
        ("why", "i1"),
        ("by", "i1"),
    ],
    align=True,
)

IS_MERGED: Final = 1  # what
IS_REFUSED: Final = 2
IS_IGNORED: Final = 3
FACTS: Final = ("", "merged", "link_refused", "link_ignored")

SHARED_DEVICE: Final = 1  # why
NOT_TRUSTED: Final = 2
NOT_ALLOWED: Final = 3
TOO_MANY: Final = 4
ONE_ALREADY: Final = 5
UNLINKED: Final = 6
NOT_A_PERSON: Final = 7
WHYS: Final = ("", "shared_device", "not_trusted", "not_allowed", "too_many", "one_already", "unlinked", "not_a_person")

BY_TOUCHPOINT: Final = 0
BY_ALIAS: Final = 1
BYS: Final = ("touchpoint", "alias")

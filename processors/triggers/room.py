"""Where rules work and write: what happened in a step, scratch for conditions, and the facts. One record, by address.

Compiled code hands a record from function to function as one word, however much is in it; arrays in a tuple take seven.
"""

from typing import Any, Final

import numpy as np

from processors.compiled import compiled_leaf
from processors.judgements.standing import FIGURES
from processors.triggers.fields import VALUES
from processors.triggers.programs import STACK

HAPPENINGS: Final = 192  # more than one step can bring: 16 transitions and 160 judgements
CANDIDATES: Final = 512
FIRED_PER_EVENT: Final = 512
FIRED_ROOM: Final = 4096

HAPPENED: Final = np.dtype(
    [("subject", "i8"), ("before", "i8"), ("after", "i8"), ("at", "i8"), ("cause", "i8"), ("id", "u8")], align=True
)
CANDIDATE: Final = np.dtype(
    [
        ("rule", "i8"),
        ("at", "i8"),
        ("cause", "i8"),
        ("subject", "i8"),  # -1: no change made it fire
        ("before", "i8"),
        ("after", "i8"),
        ("transition", "u8"),
        ("caused", "i8"),  # 1: the touchpoint at hand made it fire
        ("outcome", "i8"),
    ],
    align=True,
)

OUTCOMES: Final = ("sent", "held", "stale", "no_consent", "cooling", "capped", "outranked", "withdrawn")
SENT_OUT: Final = 0
HELD: Final = 1
STALE: Final = 2
NO_CONSENT: Final = 3
COOLING: Final = 4
CAPPED: Final = 5
OUTRANKED: Final = 6
WITHDRAWN: Final = 7
ARMS: Final = ("", "treated", "held", "held_from_all")
"""Of a trigger that was sent or held; nothing of what something else held up."""

FIRED: Final = np.dtype(
    [
        ("row", "i8"),
        ("customer", "u8"),
        ("id", "u8"),
        ("takes_back", "u8"),  # 0: nothing …
        ("sender", "u8"),  # … else salted XXH64 of the id that it was sent to
        ("transition", "u8"),  # that made it fire; 0: none did
        ("at", "i8"),
        ("known_at", "i8"),
        ("offset", "i8"),
        ("event_start", "i8"),  # the causing touchpoint's event id in the fetched buffer
        ("event_length", "i8"),  # -1: no touchpoint caused it
        ("valid_until", "i8"),
        ("last_purchase_at", "i8"),
        ("spend_minor", "i8"),
        ("risk", "f8"),  # what was expected of the customer at that instant; nan: not known
        ("expected_purchases", "f8"),
        ("expected_minor", "f8"),  # spend …
        ("expected_margin", "f8"),  # … and what is earned by it, minor units
        ("value_minor", "f8"),
        ("rule", "i4"),  # place in the policy
        ("outcome", "i4"),
        ("arm", "i4"),
        ("cause", "i4"),
        ("subject", "i4"),
        ("before", "i4"),
        ("after", "i4"),
        ("stage", "i4"),
        ("tier", "i4"),
        ("category", "i4"),
        ("step", "i4"),
        ("zone", "i4"),
        ("purchases", "i4"),
    ],
    align=True,
)

ROOM: Final = np.dtype(
    [
        ("written_at", "i8"),  # when the record at hand was appended to the log, ms
        ("happenings", "i8"),
        ("candidates", "i8"),
        ("written", "i8"),  # facts
        ("keeps", "i8"),  # 0: facts are not written
        ("values_at", "i8"),  # the instant that the figures among the values are of …
        ("filled", "i8"),  # … 0: they are of none
        ("values", "f8", (VALUES,)),
        ("stack", "f8", (STACK,)),
        ("figures", FIGURES),
        ("happened", HAPPENED, (HAPPENINGS,)),
        ("candidate", CANDIDATE, (CANDIDATES,)),
        ("fired", FIRED, (FIRED_ROOM,)),
    ],
    align=True,
)
Room = Any  # a record of ROOM


def new_room(keeps: bool) -> Room:
    """Room for rules to work in; ``keeps``: whether facts are written."""
    room = np.zeros(1, ROOM).view(np.recarray)[0]
    room.keeps = int(keeps)
    return room


@compiled_leaf
def is_crowded(room: Room) -> bool:
    """Whether the facts of one more record might not fit."""
    return bool(room.written + FIRED_PER_EVENT > FIRED_ROOM)


@compiled_leaf
def note_happening(room: Room, subject: int, before: int, after: int, at: int, cause: int, fact_id: np.uint64) -> None:
    """The stage (subject 0) or a judgement changed at ``at`` (ms)."""
    if room.happenings < HAPPENINGS:
        happened = room.happened[room.happenings]
        happened.subject, happened.before, happened.after = subject, before, after
        happened.at, happened.cause, happened.id = at, cause, fact_id
        room.happenings += 1

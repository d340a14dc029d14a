"""Whether anything can have become due for the rules of a policy, told without looking at each of them. Compiled.

Most touchpoints move two instants that timers count from, the last touchpoint and the last initiative, and both only
ahead. What counts from them is due no sooner than the least distance after them; so where that, and what was soonest
before, lie ahead, nothing is due. ``timer_at`` then stands for the soonest that is possible, and whoever comes to it
looks at every rule again.
"""

from collections.abc import Sequence
from typing import Final

from processors.compiled import compiled_leaf
from processors.policy.rules import (
    ANSWER,
    CANCELLATION,
    COMPLAINT,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM,
    FIRM_EXIT,
    PURCHASE,
    QUESTION,
    REFUND,
    RENEWAL,
    RESOLUTION,
    RETURN,
    TIE_CLOSED,
    TIE_OPENED,
    Rules,
)
from processors.row.layout import NEVER, Row
from processors.triggers.definitions import Rule
from processors.triggers.occasions import INSTANTS, ON_TIMER

FAR: Final = 1 << 60
"""ms: no timer counts from that instant."""
AT_ONCE: Final = -FAR
"""ms: every rule is looked at each time."""
_MOVES_OTHERS: Final = (
    PURCHASE | REFUND | RETURN | CANCELLATION | QUESTION | COMPLAINT | ANSWER | RESOLUTION | TIE_OPENED | TIE_CLOSED
    | RENEWAL | CUSTOMER_EXIT | FIRM_EXIT
)  # fmt: skip


def least_distances(rules: Sequence[Rule]) -> dict[str, int]:
    """The fields of ``processors.policy.rules.RULES`` that tell how soon timers can be due."""
    touch, initiative, due, flags = FAR, FAR, FAR, _MOVES_OTHERS
    for rule in rules:
        if rule.occasion.type != ON_TIMER:
            continue
        base, distance = INSTANTS[rule.occasion.instant], rule.occasion.offset_ms
        if rule.occasion.intervals < 0:
            distance = AT_ONCE
        if base == "last_touchpoint":
            touch = min(touch, distance)
        elif base == "last_initiative":
            initiative = min(initiative, distance)
        elif base == "due":
            due = min(due, distance)
        elif base == "last_contact":
            flags |= FIRM
        elif base in ("stage", "end"):
            # A transition of which no rule asks is told to nobody.
            touch = AT_ONCE
    return {"timer_touch_ms": touch, "timer_initiative_ms": initiative, "timer_due_ms": due, "timer_flags": flags}


@compiled_leaf
def _after(instant: int, distance: int) -> int:
    """The instant so far behind another one; NEVER: no timer counts from it, or it is none."""
    return NEVER if distance == FAR or instant == NEVER else instant + distance


@compiled_leaf
def is_settled_by(row: Row, rules: Rules, at: int, flags: int, quiet: int, now: int) -> bool:
    """Whether a touchpoint at ``at`` (ms) that was just met leaves nothing due by ``now``; the row notes it.

    ``quiet``: when the first silence after it that a rule waits for is over, ms. What ends one makes nothing due.
    """
    if flags & rules.timer_flags != 0 or row.touchpoints <= 1 or at <= row.first_at:
        return False
    soonest = min(int(row.timer_at), _after(int(row.due_at), int(rules.timer_due_ms)))
    soonest = min(soonest, quiet, _after(at, int(rules.timer_touch_ms)))
    if flags & CUSTOMER:
        soonest = min(soonest, _after(at, int(rules.timer_initiative_ms)))
    if soonest <= now:
        return False
    row.timer_at = soonest
    return True


@compiled_leaf
def is_settled(row: Row, rules: Rules, now: int) -> bool:
    """Whether a review at ``now`` (ms) of which no change came leaves nothing due by then; the row notes it."""
    soonest = min(int(row.timer_at), _after(int(row.due_at), int(rules.timer_due_ms)))
    if soonest <= now or rules.timer_touch_ms < 0:
        return False
    row.timer_at = soonest
    return True

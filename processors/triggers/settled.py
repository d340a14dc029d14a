"""Which rules' timers a moment can have made due or moved, told without looking at each of them. Compiled.

Most touchpoints move two instants that timers count from, the last touchpoint and the last initiative, and both only
ahead. What counts from them is due no sooner than the least distance after them; so where that, and what was soonest
before, lie ahead, nothing is due. Others move with what a touchpoint is: then the rules that count from those are
looked at, and no other.

``settled_at`` of a row is an instant before which no timer is due but those of silences and those that count from the
end by silence: their clocks, and that end, stand in the row themselves. The end moves with most touchpoints, so an
instant that is remembered of it would be too soon each time. ``timer_at`` is the soonest of all. Both may be too soon,
and then whoever comes to them looks again.
"""

from collections.abc import Sequence
from typing import Final

from processors.compiled import compiled_inline, compiled_leaf
from processors.policy.rules import (
    ANSWER,
    CANCELLATION,
    COMPLAINT,
    CUSTOMER,
    FIRM,
    PURCHASE,
    QUESTION,
    REFUND,
    RENEWAL,
    RESOLUTION,
    RETURN,
    TIE_CLOSED,
    TIE_OPENED,
    VOIDING,
    Rules,
)
from processors.row.layout import NEVER, NONE, Row
from processors.row.outreach import clock_of
from processors.triggers.cells import RULE_KEY, RULE_OFFSET
from processors.triggers.definitions import Rule
from processors.triggers.memory import handled_until, minute_of
from processors.triggers.occasions import INSTANTS, ON_QUIET, ON_TIMER, ON_YEARLY

FAR: Final = 1 << 60
"""ms: no timer counts from that instant."""
AT_ONCE: Final = -FAR
"""ms: every rule is looked at each time."""
_BUYING: Final = PURCHASE | REFUND | RETURN | CANCELLATION | VOIDING
_ASKING: Final = QUESTION | COMPLAINT | ANSWER | RESOLUTION
_BINDING: Final = TIE_OPENED | TIE_CLOSED | RENEWAL
_MOVES_WITH: Final = {
    "first_purchase": "timers_bought",
    "last_purchase": "timers_bought",
    "complaint_open": "timers_asked",
    "complaint_resolved": "timers_asked",
    "renewal": "timers_bound",
    "last_contact": "timers_written",
    "stage": "timers_staged",
    "end": "timers_staged",
    "birthday": "timers_born",
    "due": "timers_due",
}
"""Instants that move with what a touchpoint is, and the field that has the rules which count from them."""


def timers_of(rules: Sequence[Rule]) -> dict[str, int]:
    """The fields of ``processors.policy.rules.RULES`` that tell how soon timers can be due, and what moves them."""
    touch, initiative, due = FAR, FAR, FAR
    masks = dict.fromkeys(("timers", "timers_quiet", *_MOVES_WITH.values()), 0)
    for rule in rules:
        occasion, bit = rule.occasion, 1 << rule.place
        if occasion.type not in (ON_TIMER, ON_YEARLY, ON_QUIET):
            continue
        masks["timers"] |= bit
        if occasion.type == ON_QUIET:
            masks["timers_quiet"] |= bit
            continue
        base, distance = INSTANTS[occasion.instant], occasion.offset_ms
        if base in _MOVES_WITH:
            masks[_MOVES_WITH[base]] |= bit
        if occasion.intervals != 0:
            masks["timers_bought"] |= bit
        if occasion.type == ON_YEARLY:
            continue
        if occasion.intervals < 0:
            touch = AT_ONCE
        elif base == "last_touchpoint":
            touch = min(touch, distance)
        elif base == "last_initiative":
            initiative = min(initiative, distance)
        elif base == "due":
            due = min(due, distance)
    return {"timer_touch_ms": touch, "timer_initiative_ms": initiative, "timer_due_ms": due, **masks}


@compiled_inline
def _after(instant: int, distance: int) -> int:
    """The instant so far behind another one; NEVER: no timer counts from it, or it is none."""
    return NEVER if distance == FAR or instant == NEVER else instant + distance


@compiled_leaf
def soonest_silence(row: Row, rules: Rules, looked: int, touched: int) -> int:
    """When the first of the silences is over that rules wait for and that was not looked at, ms; NEVER: none runs.

    ``looked``: those that were over by then (ms) are known to have been looked at, but of rules in ``touched`` (bits).
    """
    soonest = NEVER
    waiting = int(rules.timers_quiet)
    number = 0
    while waiting != 0:
        if waiting & 1:
            rule = rules.triggers[number]
            clock = clock_of(row, rule[RULE_KEY])
            if clock >= 0 and row.armed_at[clock] > row.cleared_at[clock]:
                at = int(row.armed_at[clock] + rule[RULE_OFFSET])
                known = at <= looked and (touched >> number) & 1 == 0
                if not known and at < soonest and minute_of(at) > handled_until(row, int(rule[RULE_KEY])):
                    soonest = at
        waiting >>= 1
        number += 1
    return soonest


@compiled_leaf
def _moved_by(row: Row, rules: Rules, at: int, flags: int) -> int:
    moved = 0
    if flags & _BUYING:
        moved |= int(rules.timers_bought)
    if flags & _ASKING:
        moved |= int(rules.timers_asked)
    if flags & _BINDING:
        moved |= int(rules.timers_bound)
    if flags & FIRM:
        moved |= int(rules.timers_written)
    if at < row.judged_at:
        # A late touchpoint can move the instants of stages without a change of the stage.
        moved |= int(rules.timers_staged)
    return moved


@compiled_inline
def soonest_due(row: Row, rules: Rules) -> int:
    """Before this (ms) no timer is due that counts from the end by silence; NEVER: none is."""
    return _after(int(row.due_at), int(rules.timer_due_ms))


@compiled_leaf
def timers_after(row: Row, rules: Rules, at: int, flags: int, clocked: int, moved: int, now: int) -> int:
    """Bits of the rules whose timers a touchpoint at ``at`` (ms), just met, moved or left due by ``now``.

    ``clocked``: those whose silences it began or ended. ``moved``: those that are known to be moved by what else it
    did. The row notes what is soonest of the others.
    """
    if row.touchpoints <= 1 or at <= row.first_at:
        return int(rules.timers)
    others = min(int(row.settled_at), _after(at, int(rules.timer_touch_ms)))
    if flags & CUSTOMER:
        others = min(others, _after(at, int(rules.timer_initiative_ms)))
    if others <= now:
        return int(rules.timers)
    due = soonest_due(row, rules)
    # What was soonest of all lies ahead: then no silence is over that nobody looked at, but where a clock was touched.
    looked = now if row.timer_at > now else NONE
    quiet = soonest_silence(row, rules, looked, clocked) if rules.timers_quiet != 0 else NEVER
    row.settled_at = others
    row.timer_at = min(others, due, quiet)
    moved |= _moved_by(row, rules, at, flags)
    if due <= now:
        moved |= int(rules.timers_due)
    return moved | int(rules.timers_quiet) if quiet <= now else moved


@compiled_leaf
def timers_by(row: Row, rules: Rules, now: int) -> int:
    """Bits of the rules whose timers time alone left due by ``now`` (ms); the row notes what is soonest."""
    if row.settled_at <= now or rules.timer_touch_ms < 0:
        return int(rules.timers)
    due = soonest_due(row, rules)
    which = int(rules.timers_due) if due <= now else 0
    if row.timer_at <= now:
        which |= int(rules.timers_quiet)
    if which == 0:
        row.timer_at = min(int(row.timer_at), int(row.settled_at), due)
    return which

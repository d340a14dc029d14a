"""Timers of rules: instants of a row, and what lies so far before or after them. Integers only: ids hang on them."""

from typing import Final

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_inline, compiled_leaf
from processors.lifecycle.stages import DISSOLUTION, UNKNOWN
from processors.policy.rules import Rules
from processors.row.calendar import count_days
from processors.row.layout import NEVER, NONE, QUESTIONS, TERMS, Row
from processors.row.months import civil_from_days, day_in
from processors.row.outreach import clock_of
from processors.row.questions import IS_COMPLAINT
from processors.row.renewals import renew_apart, renewal_of
from processors.row.terms import renews_at
from processors.triggers.cells import RULE_INSTANT, RULE_INTERVALS, RULE_KEY, RULE_OFFSET, RULE_TYPE
from processors.triggers.memory import handled_until, minute_of
from processors.triggers.occasions import INSTANTS, ON_QUIET, ON_TIMER, ON_YEARLY

_DUE: Final = INSTANTS.index("due")
_RENEWAL: Final = INSTANTS.index("renewal")
_FIRST_TOUCHPOINT: Final = INSTANTS.index("first_touchpoint")
_LAST_TOUCHPOINT: Final = INSTANTS.index("last_touchpoint")
_LAST_INITIATIVE: Final = INSTANTS.index("last_initiative")
_FIRST_PURCHASE: Final = INSTANTS.index("first_purchase")
_LAST_PURCHASE: Final = INSTANTS.index("last_purchase")
_LAST_CONTACT: Final = INSTANTS.index("last_contact")
_STAGE: Final = INSTANTS.index("stage")
_END: Final = INSTANTS.index("end")
_COMPLAINT_OPEN: Final = INSTANTS.index("complaint_open")
_BIRTHDAY: Final = INSTANTS.index("birthday")
_DAY: Final = 86_400_000
_SHORT: Final = 62 * _DAY  # two months


@compiled_leaf
def _known(instant: int) -> int:
    return NEVER if instant == NONE else instant


@compiled_leaf
def _complaint(row: Row, is_open: bool) -> int:
    """The newest complaint that nobody resolved, or the newest resolution of one; NONE: there is none."""
    newest = NONE
    if row.complaints == 0:
        return newest
    for i in range(QUESTIONS):
        if row.question_at[i] != NONE and row.question_complaint[i] & IS_COMPLAINT:
            resolved = int(row.question_resolved_at[i])
            if is_open and resolved == NEVER:
                newest = max(newest, int(row.question_at[i]))
            elif not is_open and resolved != NEVER:
                newest = max(newest, resolved)
    return newest


@compiled_leaf
def _of_stage(row: Row, which: int) -> int:
    if row.stage == UNKNOWN or (which == _END and row.stage != DISSOLUTION):
        return NEVER
    return _known(int(row.entered_at[int(row.stage) - 1]))


@compiled_leaf
def base_of(row: Row, which: int) -> int:
    """An instant of the row, ms; NEVER: it has none."""
    if which == _DUE:
        return int(row.due_at)
    if which == _RENEWAL:
        return _known(renews_at(row))
    if which == _FIRST_TOUCHPOINT:
        return int(row.first_at)
    if which == _LAST_TOUCHPOINT:
        return _known(int(row.last_at))
    if which == _LAST_INITIATIVE:
        return _known(int(row.last_initiative_at))
    if which == _FIRST_PURCHASE:
        return int(row.first_purchase_at)
    if which == _LAST_PURCHASE:
        return _known(int(row.last_purchase_at))
    if which == _LAST_CONTACT:
        return _known(int(row.last_contact_at))
    if which in (_STAGE, _END):
        return _of_stage(row, which)
    return _known(_complaint(row, which == _COMPLAINT_OPEN))


@compiled_leaf
def _intervals(row: Row, thousandths: int) -> int:
    """So many thousandths of the customer's mean interval between purchase days, ms; NEVER: there is none."""
    if row.last_purchase_at == NONE:
        return NEVER
    days = count_days(row)
    if days < 2:
        return NEVER
    return int((row.last_purchase_at - row.first_purchase_at) // (days - 1) * thousandths // 1000)


@compiled_leaf
def _early(started: int, until: int) -> int:
    """Up to when (ms) in a term nobody is told of its renewal: its middle, where it is of two months at the most.

    Who renews monthly would be told every month. A rule that looks further ahead than half of a longer term means to.
    """
    return started + (until - started) // 2 if until - started <= _SHORT else started


@compiled_leaf
def _ahead_of(row: Row, which: int, base: int) -> int:
    """What announces something that lies ahead, at ``base`` (ms), is of no use up to this instant."""
    if which != _RENEWAL:
        return int(row.last_initiative_at)
    newest = NONE
    for i in range(TERMS):
        newest = max(newest, int(row.term_started_at[i]))
    return _early(newest, base)


@compiled_inline
def timer_of(row: Row, rules: Rules, number: int) -> int:
    """When the timer of a rule is or was due, ms; NEVER: it is not set."""
    rule = rules.triggers[number]
    if rule[RULE_TYPE] == ON_QUIET:
        clock = clock_of(row, rule[RULE_KEY])
        if clock < 0 or row.armed_at[clock] == NONE or row.cleared_at[clock] >= row.armed_at[clock]:
            return NEVER
        return int(row.armed_at[clock] + rule[RULE_OFFSET])
    which = int(rule[RULE_INSTANT])
    base = base_of(row, which)
    if base == NEVER:
        return NEVER
    at = base + int(rule[RULE_OFFSET])
    if rule[RULE_INTERVALS] != 0:
        distance = _intervals(row, int(rule[RULE_INTERVALS]))
        if distance == NEVER:
            return NEVER
        at += distance
    if which in (_DUE, _RENEWAL) and at <= _ahead_of(row, which, base):
        return NEVER
    return at


@compiled_apart
def anniversaries(row: Row, which: int, now: int) -> tuple[int, int]:
    """The newest anniversary of an instant up to ``now`` (ms), and the next one; NEVER: there is none.

    At the start of the day (UTC). None is on the day of the instant itself, and no birthday lies before the customer's
    first touchpoint.
    """
    stay_apart()
    if which == _BIRTHDAY:
        month, day, since = int(row.birthday) // 32, int(row.birthday) % 32, int(row.first_at)
        if month == 0:
            return NEVER, NEVER
    else:
        base = base_of(row, which)
        if base == NEVER:
            return NEVER, NEVER
        _, month, day = civil_from_days(base // _DAY)
        since = base + _DAY
    year, _, _ = civil_from_days(now // _DAY)
    past, upcoming = NEVER, day_in(year, month, day) * _DAY
    if upcoming <= now:
        past, upcoming = upcoming, day_in(year + 1, month, day) * _DAY
    else:
        past = day_in(year - 1, month, day) * _DAY
    if upcoming <= since:
        upcoming = day_in(civil_from_days(since // _DAY)[0] + 1, month, day) * _DAY
    return past if past > since else NEVER, upcoming


@compiled_apart
def _renewals(row: Row, offset: int, now: int) -> tuple[int, int]:
    """(the newest timer up to ``now``, the next one; ms) of contracts side by side, ``offset`` (ms) from their ends."""
    stay_apart()
    past, upcoming = NEVER, NEVER
    for i in range(TERMS):
        started, until = renewal_of(row, i)
        at = until + offset
        if started == NONE or at <= _early(started, until):
            continue
        if at > now:
            upcoming = min(upcoming, at)
        elif past == NEVER or at > past:
            past = at
    return past, upcoming


@compiled_inline
def next_of(row: Row, rules: Rules, number: int, now: int) -> tuple[int, int]:
    """(the newest instant up to ``now`` at which the rule's timer was due and that was not looked at, the next one)."""
    rule = rules.triggers[number]
    kind = rule[RULE_TYPE]
    if kind == ON_YEARLY:
        past, upcoming = anniversaries(row, int(rule[RULE_INSTANT]), now)
    elif kind == ON_TIMER and rule[RULE_INSTANT] == _RENEWAL and row.terms_opened > 1 and renew_apart(row):
        past, upcoming = _renewals(row, int(rule[RULE_OFFSET]), now)
    elif kind in (ON_TIMER, ON_QUIET):
        past = upcoming = timer_of(row, rules, number)
    else:
        return NEVER, NEVER
    upcoming = upcoming if upcoming > now else NEVER
    if past > now or minute_of(past) <= handled_until(row, int(rule[RULE_KEY])):
        past = NEVER
    return past, upcoming

"""What fired, and what is taken back, becomes a fact.

Ids are made of customer, rule and minute alone: the same log gives the same wherever it is cut.
"""

from typing import Any

import numpy as np

from processors.apart import stay_apart
from processors.compiled import compiled_apart, compiled_leaf
from processors.hashing import avalanche, mix
from processors.judgements.catalogue import RECOMMENDED, STEP, TIER
from processors.judgements.value import margin_share
from processors.lifecycle.facts import Cause
from processors.policy.rules import Rules
from processors.row.layout import Row
from processors.triggers.cells import RULE_KEY, RULE_VALID
from processors.triggers.holding import ELIGIBLE, TREATED, arm_of, presses
from processors.triggers.loading import fill_figures_of
from processors.triggers.memory import minute_of, note_fired
from processors.triggers.room import FIRED_ROOM, HELD, SENT_OUT, WITHDRAWN, Room


@compiled_leaf
def trigger_id(customer: np.uint64, key: int, minute: int) -> np.uint64:
    """Of what was sent or held: there is one for each rule and minute, so a row can name it later."""
    h = avalanche(mix(mix(np.uint64(customer), np.int64(key)), np.int64(minute)))
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_leaf
def _other_id(customer: np.uint64, key: int, outcome: int, at: int, event: np.uint64) -> np.uint64:
    h = mix(mix(np.uint64(customer), np.int64(key)), np.int64(outcome))
    h = avalanche(mix(mix(h, np.int64(at)), np.int64(event)))
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_apart
def fill_figures(row: Row, rules: Rules, room: Room, at: int) -> None:
    stay_apart()
    if room.filled == 0 or room.values_at != at:
        fill_figures_of(row, rules, at, room.figures, room.values)
        room.values_at, room.filled = at, 1


@compiled_leaf
def _write(row: Row, rules: Rules, room: Room, cause: Cause, number: int, at: int, outcome: int) -> Any:
    """A fact, but for its id and what made it fire."""
    fact = room.fired[room.written]
    room.written += 1
    rule = rules.triggers[number]
    fact.row, fact.customer, fact.rule, fact.outcome = cause.row, row.hash, number, outcome
    fact.takes_back, fact.sender, fact.transition, fact.arm = np.uint64(0), row.hash, np.uint64(0), 0
    fact.at, fact.known_at, fact.offset = at, cause.known_at, cause.offset
    fact.event_start, fact.event_length = -1, -1
    fact.valid_until = at + rule[RULE_VALID]
    fact.last_purchase_at, fact.spend_minor, fact.purchases = row.last_purchase_at, row.spend_minor, row.purchases
    fact.risk, fact.expected_purchases, fact.value_minor = np.nan, np.nan, np.nan
    fact.expected_minor, fact.expected_margin = np.nan, np.nan
    fact.cause, fact.subject, fact.before, fact.after = cause.kind, -1, 0, 0
    fact.stage, fact.tier = row.stage, row.judged[TIER]
    fact.category, fact.step, fact.zone = row.judged[RECOMMENDED], row.judged[STEP], row.zone
    return fact


@compiled_apart
def tell(row: Row, rules: Rules, room: Room, cause: Cause, candidate: Any) -> None:
    stay_apart()
    number, at = int(candidate.rule), int(candidate.at)
    rule, outcome = rules.triggers[number], int(candidate.outcome)
    key, minute = int(rule[RULE_KEY]), minute_of(at)
    arm = 0
    if outcome == ELIGIBLE:
        arm = arm_of(row, rules, number)
        outcome = SENT_OUT if arm == TREATED else HELD
        note_fired(row, key, minute, arm != TREATED, presses(rule))
    if room.keeps == 0 or room.written >= FIRED_ROOM:
        return
    fact = _write(row, rules, room, cause, number, at, outcome)
    fact.arm, fact.cause = arm, candidate.cause
    fact.subject, fact.before, fact.after = candidate.subject, candidate.before, candidate.after
    fact.transition = candidate.transition
    event = np.uint64(0)
    if candidate.caused != 0:
        event = cause.event
    if candidate.caused != 0 or candidate.subject >= 0:
        fact.event_start, fact.event_length = cause.event_start, cause.event_length
    if outcome in (SENT_OUT, HELD):
        fact.id = trigger_id(row.hash, key, minute)
        fill_figures(row, rules, room, at)
        figures = room.figures
        fact.risk, fact.expected_purchases = figures.churn_risk, figures.expected_purchases
        fact.expected_minor, fact.value_minor = figures.expected_value, figures.clv
        fact.expected_margin = figures.expected_value * margin_share(row, rules)
    else:
        fact.id = _other_id(row.hash, key, outcome, at, event)


@compiled_leaf
def tell_withdrawn(
    row: Row, rules: Rules, room: Room, cause: Cause, number: int, now: int, minute: int, sender: np.uint64
) -> None:
    """``sender``: the id under which it was sent, at a ``minute``."""
    if room.keeps == 0 or room.written >= FIRED_ROOM:
        return
    fact = _write(row, rules, room, cause, number, now, WITHDRAWN)
    key = int(rules.triggers[number][RULE_KEY])
    fact.takes_back, fact.sender = trigger_id(sender, key, minute), sender
    fact.id = _other_id(row.hash, key, WITHDRAWN, 0, np.uint64(fact.takes_back))
    fact.event_start, fact.event_length = cause.event_start, cause.event_length

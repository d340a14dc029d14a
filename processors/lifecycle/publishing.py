"""Publishing that a judgement changed, with its evidence: a hashed event id, an instant, a count, a number."""

from typing import NamedTuple

import numpy as np

from processors.compiled import compiled_inline, compiled_leaf
from processors.hashing import avalanche, mix
from processors.judgements.bonds import giving_share, interests, two_way_rate
from processors.judgements.catalogue import (
    BOND_STRENGTH,
    BOND_TYPE,
    ENDED_BY,
    INVOLVEMENT,
    LET_GO,
    NEED,
    OBSERVED,
    REASON,
    RECOMMENDED,
    RELATIONSHIP,
    RISK,
    TIER,
    TRUST,
)
from processors.judgements.categories import mix_of
from processors.judgements.letting_go import letting_go_costs
from processors.judgements.risk import risk_at
from processors.judgements.trust import trust_evidence, trust_index, unanswered
from processors.judgements.value import has_left
from processors.lifecycle.dissolution import end_of
from processors.lifecycle.facts import OUT_JUDGED_COUNT, OUT_JUDGED_WRITTEN, Cause, Out
from processors.lifecycle.stages import DISSOLUTION, last_exit
from processors.policy.rules import Rules
from processors.row.calendar import count_days
from processors.row.layout import FACTORS, NONE, Row
from processors.row.sums import SUM_EMOTIONAL, SUM_INTELLECTUAL, factor
from processors.row.windows import count_months
from processors.triggers.room import note_happening

_NO_EVENT = np.uint64(0)


class Evidence(NamedTuple):
    """What a judgement rests on."""

    event: np.uint64  # hash of an event id; 0: none
    at: int  # ms; NONE: none
    counted: np.int64
    value: float


@compiled_inline
def _of_value(row: Row, rules: Rules, which: int, at: int) -> Evidence:
    if which == RISK and rules.version > 1 and has_left(row):
        return Evidence(_NO_EVENT, int(last_exit(row)), np.int64(row.purchases), 1.0)
    if which == RISK and row.last_purchase_at != NONE:
        days = count_days(row)
        return Evidence(_NO_EVENT, int(row.last_purchase_at), np.int64(days), risk_at(row, rules, days, at))
    if which == TIER:
        return Evidence(_NO_EVENT, int(row.last_purchase_at), np.int64(row.purchases), float(row.clv_minor))
    return Evidence(_NO_EVENT, int(row.last_purchase_at), np.int64(row.purchases), 0.0)


@compiled_leaf
def _of_contact(row: Row, rules: Rules, which: int, after: int, at: int) -> Evidence:
    left = factor(row.last_at, at, rules.memory_half_life)
    if which == OBSERVED:
        return Evidence(_NO_EVENT, int(row.last_at), np.int64(row.touchpoints), mix_of(row, max(after, 1)) * left)
    count = np.int64(row.discounted) if which == NEED else np.int64(row.two_way)
    return Evidence(_NO_EVENT, int(row.last_at), count, two_way_rate(row, rules, left, at))


@compiled_inline
def _of_affection(row: Row, rules: Rules, which: int, at: int) -> Evidence:
    left = factor(row.last_at, at, rules.memory_half_life)
    if which == RELATIONSHIP:
        return Evidence(_NO_EVENT, int(row.last_at), np.int64(row.touchpoints), giving_share(row))
    if which == INVOLVEMENT:
        signs = float(interests(row)) if rules.version > 1 else 0.0
        return Evidence(_NO_EVENT, int(row.last_initiative_at), np.int64(count_months(row)), signs)
    if which in (BOND_TYPE, BOND_STRENGTH):
        total = (row.sums[SUM_INTELLECTUAL] + row.sums[SUM_EMOTIONAL]) * left
        return Evidence(_NO_EVENT, int(row.last_at), np.int64(row.touchpoints), total)
    index = trust_index(row, rules, which - TRUST, left, unanswered(row, rules, at))
    event, instant = trust_evidence(row, rules, which - TRUST, at)
    return Evidence(event, instant, np.int64(0), index)


@compiled_inline
def evidence_of(row: Row, rules: Rules, which: int, after: int, at: int) -> Evidence:
    """What the judgement ``which`` with the value ``after`` rests on at ``at`` (ms)."""
    if which in (ENDED_BY, REASON):
        if row.stage != DISSOLUTION:
            return Evidence(_NO_EVENT, NONE, np.int64(0), 0.0)
        end = end_of(row, rules)
        return Evidence(end.evidence_event, end.evidence_at, np.int64(row.complaints), 0.0)
    if which == LET_GO:
        costs = letting_go_costs(row, rules, after)
        return Evidence(_NO_EVENT, int(row.last_at), np.int64(row.purchases), float(sum(costs)))
    if which in (OBSERVED, RECOMMENDED, NEED):
        return _of_contact(row, rules, which, after, at)
    affection = which in (BOND_TYPE, BOND_STRENGTH, RELATIONSHIP, INVOLVEMENT) or TRUST <= which < TRUST + FACTORS
    return _of_affection(row, rules, which, at) if affection else _of_value(row, rules, which, at)


@compiled_leaf
def _id_of(row: Row, rules: Rules, which: int, after: int) -> np.uint64:
    """No instant enters: a review's comes out of a floating-point formula, and another processor may round it off."""
    h = mix(np.uint64(row.hash), np.int64(row.last_judgement_id))
    h = mix(h, np.int64(which * 65_536 + int(row.judged[which]) * 256 + after))
    h = mix(h, np.int64(row.touchpoints))
    h = mix(h, np.int64(row.last_purchase_at))
    h = mix(h, np.int64(rules.hash))
    h = avalanche(h)
    return h if h != np.uint64(0) else np.uint64(1)


@compiled_inline
def publish(row: Row, rules: Rules, out: Out, cause: Cause, which: int, after: int, at: int) -> None:
    """Publish that the judgement ``which`` became ``after`` at ``at`` (ms)."""
    fact_id = _id_of(row, rules, which, after)
    if len(out.judged) > 0:
        evidence = evidence_of(row, rules, which, after, at)
        fact = out.judged[out.counts[OUT_JUDGED_WRITTEN]]
        fact.row = cause.row
        fact.customer = row.hash
        fact.id = fact_id
        fact.at = at
        fact.known_at = cause.known_at
        fact.offset = cause.offset
        fact.evidence_event = evidence.event
        fact.evidence_at = evidence.at
        fact.evidence_count = evidence.counted
        fact.evidence_value = evidence.value
        fact.judgement = which
        fact.before = row.judged[which]
        fact.after = after
        out.counts[OUT_JUDGED_WRITTEN] += 1
    if (rules.trigger_subjects >> (1 + which)) & 1:
        note_happening(out.room, 1 + which, int(row.judged[which]), after, at, cause.kind, fact_id)
    out.counts[OUT_JUDGED_COUNT] += 1
    row.last_judgement_id = fact_id
    row.judged[which] = after

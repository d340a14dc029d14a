"""Profiles: how customers stand at an instant, in the columns of the reports."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from processors.judgements.catalogue import (
    BOND_STRENGTH,
    BOND_TYPE,
    ENDED_BY,
    INVOLVEMENT,
    JUDGEMENT_WORDS,
    LET_GO,
    LET_GO_NAMES,
    LET_GO_WORDS,
    MOTIVATION,
    NEED,
    NEEDS,
    OBSERVED,
    REASON,
    RECOMMENDED,
    RELATIONSHIP,
    RISK,
    SIGNS,
    STEP,
    TIER,
    TIERS,
    TRUST,
    let_go_names,
)
from processors.judgements.categories import RECOMMENDATIONS
from processors.judgements.standing import FIGURES, fill_figures
from processors.lifecycle.stages import STAGES
from processors.policy.rules import CATEGORIES, TRUST_FACTORS
from processors.row.layout import FACTORS, NONE
from processors.row.namespaces import NAMESPACES
from processors.triggers.fields import CHANNELS
from processors.triggers.traits import trait_key
from streams.engine.partition import Partition
from streams.outputs.columns import hashes, instants, names, slices
from streams.outputs.output import Output, Rows
from streams.reports.tables import PROFILES as COLUMNS

PROFILES_AT_ONCE: Final = 32_768
_LET_GO = pa.array([let_go_names(bits) for bits in range(len(LET_GO_WORDS))], pa.list_(pa.string()))
_CHANNELS = pa.array(
    [[name for i, name in enumerate(CHANNELS[1:]) if bits >> i & 1] for bits in range(1 << len(CHANNELS[1:]))],
    pa.list_(pa.string()),
)
_AT_ONCE = 4096
_SEGMENTS = tuple(f"{tier}/{need}" for tier in TIERS for need in NEEDS)


def profiles_table(partition: Partition, numbers: npt.NDArray[np.int64], at: int | None = None) -> pa.Table:
    """Profiles of the customers with these numbers who have a touchpoint; columns ``reports.tables.PROFILES``.

    As of ``at`` (ms), else as of the instant of each one's last record or judgement.
    """
    # Full rows are 2 KB each: so many at once fill no more than the caches.
    parts = [numbers[i : i + _AT_ONCE] for i in range(0, len(numbers), _AT_ONCE)] or [numbers]
    return pa.concat_tables([_profiles(partition, part, at) for part in parts]).combine_chunks()


def _profiles(partition: Partition, numbers: npt.NDArray[np.int64], at: int | None) -> pa.Table:
    rows = partition.rows(numbers)
    heard_of = rows.touchpoints > 0
    if not heard_of.all():
        # Whom only a link has named.
        rows, numbers = rows[heard_of], numbers[heard_of]
    known = np.maximum(np.maximum(rows.last_at, rows.judged_at), rows.reviewed_at)
    as_of = known if at is None else np.maximum(known, at)
    figures = np.zeros(len(rows), FIGURES).view(np.recarray)
    fill_figures(rows, partition.policy.rules, as_of, figures)
    return (
        pa.table(
            {
                "namespace": names(partition.namespaces(numbers), NAMESPACES),
                "customer_id": slices(partition.table.ids, *partition.ids(numbers)),
                **_stage_and_risk(rows, figures),
                **_counts(partition, rows, figures),
                **_ends(figures),
                **_affection(figures),
                **_trust(figures),
                **_value_and_category(figures),
                "consent": _consent(rows),
                "properties": _properties(rows, partition.policy.properties),
                "as_of": instants(as_of),
                "policy_hash": pa.repeat(partition.policy.hash, len(rows)),
                "epoch": np.full(len(rows), partition.epoch, np.int64),
                "partition": np.full(len(rows), partition.number, np.int32),
                "offset": rows.offset,
            }
        )
        .select(COLUMNS.names)
        .cast(COLUMNS)
    )


def _words(figures: Any, which: int) -> pa.Array:
    return names(figures.judged[:, which], JUDGEMENT_WORDS[which])


def _or_null(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(np.ascontiguousarray(values), from_pandas=True)


def _stage_and_risk(rows: Any, figures: Any) -> dict[str, Any]:
    since = rows.entered_at[np.arange(len(rows)), np.maximum(rows.stage.astype(np.int64) - 1, 0)]
    return {
        "stage": names(rows.stage, STAGES),
        "stage_since": instants(since),
        "episode": rows.episode,
        "win_back": rows.episode > 1,
        "p_alive": _or_null(figures.p_alive),
        "churn_risk": _or_null(figures.churn_risk),
        "p_return": _or_null(figures.p_return),
        "expected_purchases": _or_null(figures.expected_purchases),
        "expected_value_minor": _or_null(figures.expected_value),
        "risk_band": _words(figures, RISK),
        "next_due_at": instants(rows.due_at),
    }


_SUMS = ("spend_minor", "margin_minor", "cost_minor", "refunded_minor")
_INSTANTS = ("first_at", "last_at", "first_purchase_at", "last_purchase_at")
_COUNTS = ("discounted", "gifts", "two_way", "outbound", "individual", "referrals", "complaints", "unmapped")


def _counts(partition: Partition, rows: Any, figures: Any) -> dict[str, Any]:
    return {
        **{name: rows[name] for name in (*_SUMS, *_COUNTS, "disclosures")},
        **{name: instants(rows[name]) for name in _INSTANTS},
        "touchpoints": rows.touchpoints.astype(np.int64),
        "purchases": rows.purchases.astype(np.int64),
        "purchase_days": figures.days,
        "currency": pa.repeat(partition.policy.currency, len(rows)),
        "returned_orders": figures.returned,
        "interaction": figures.interaction,
        "engagement": figures.engagement,
    }


def _ends(figures: Any) -> dict[str, Any]:
    costs = {f"{name}_cost_minor": figures.costs[:, i] for i, name in enumerate(LET_GO_NAMES)}
    return {
        "ended_by": _words(figures, ENDED_BY),
        "end_reason": _words(figures, REASON),
        "end_at": instants(figures.end_at),
        "end_evidence_event": hashes(figures.end_event),
        "end_evidence_at": instants(figures.end_evidence_at),
        "let_go": _LET_GO.take(pa.array(np.ascontiguousarray(figures.judged[:, LET_GO]))),
        **costs,
    }


def _affection(figures: Any) -> dict[str, Any]:
    return {
        "commitment_contribution": figures.contribution,
        "commitment_investment": figures.investment,
        "commitment_consistency": figures.consistency,
        "bond_intellectual": figures.intellectual,
        "bond_emotional": figures.emotional,
        "bond_type": _words(figures, BOND_TYPE),
        "bond_strength": _words(figures, BOND_STRENGTH),
        "giving": figures.giving,
        "exchanges": figures.exchanges,
        "relationship_type": _words(figures, RELATIONSHIP),
        "interest_long": figures.interest_long,
        "interest_short": figures.interest_short,
        "active_months": figures.months,
        "involvement": _words(figures, INVOLVEMENT),
        "two_way_per_quarter": figures.two_way_rate,
        "individualisation": _or_null(figures.individualisation),
    }


def _trust(figures: Any) -> dict[str, Any]:
    columns = {f"trust_{name}": np.ascontiguousarray(figures.trust[:, i]) for i, name in enumerate(TRUST_FACTORS)}
    at = np.where(figures.trust_at == NONE, 0, figures.trust_at).reshape(-1)
    return {
        **columns,
        "trust_signs": _in_lists(names(figures.judged[:, TRUST : TRUST + FACTORS].reshape(-1), SIGNS)),
        "trust_evidence_events": _in_lists(hashes(figures.trust_event.reshape(-1))),
        "trust_evidence_at": _in_lists(pa.array(at)),
    }


def _in_lists(values: pa.Array) -> pa.Array:
    """A column of lists, one value for each factor of trust."""
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, FACTORS, dtype=np.int32)), values)


def _value_and_category(figures: Any) -> dict[str, Any]:
    mix = {f"mix_{name}": np.ascontiguousarray(figures.mix[:, i]) for i, name in enumerate(CATEGORIES[1:])}
    segments = figures.judged[:, TIER].astype(np.int64) * len(NEEDS) + figures.judged[:, NEED]
    return {
        "clv_minor": figures.clv,
        "has_left": figures.has_left.astype(np.bool_),
        "longest_gap": figures.longest_gap,
        "recent_cost_minor": figures.recent_cost,
        "recent_referrals": figures.recent_referrals,
        "value_tier": _words(figures, TIER),
        **mix,
        "observed_category": _words(figures, OBSERVED),
        "recommended_category": _words(figures, RECOMMENDED),
        "recommendation_reason": names(figures.why, RECOMMENDATIONS),
        "motivation": _words(figures, MOTIVATION),
        "next_step": _words(figures, STEP),
        "need": _words(figures, NEED),
        "segment": names(segments, _SEGMENTS),
    }


def _consent(rows: Any) -> pa.Array:
    """The channels over which each may be written to, as ``processors.row.outreach.may_reach`` says."""
    channels = CHANNELS[1:]
    some = np.zeros((len(rows), len(channels)), np.bool_)
    for i in range(len(channels)):
        given, taken = (np.maximum(rows[name][:, 0], rows[name][:, 1 + i]) for name in ("given_at", "taken_at"))
        agreed, declined = (np.maximum(rows[name][:, 0], rows[name][:, 1 + i]) for name in ("agreed_at", "declined_at"))
        some[:, i] = (given > np.maximum(taken, declined)) | ((agreed > declined) & ((taken == NONE) | (given > taken)))
    bits = some @ (1 << np.arange(len(channels)))
    return _CHANNELS.take(pa.array(bits))


def _properties(rows: Any, declared: Mapping[str, str]) -> pa.Array:
    """Of each customer the properties that the policy names and that are known."""
    of, values = np.zeros((len(rows), len(declared)), np.bool_), np.zeros((len(rows), len(declared)))
    for i, name in enumerate(declared):
        here = rows.trait_name == trait_key(name)
        of[:, i] = here.any(axis=1)
        values[:, i] = (rows.trait * here).sum(axis=1)
    offsets = np.concatenate(([0], np.cumsum(of.sum(axis=1)))).astype(np.int32)
    whose = np.tile(np.arange(len(declared), dtype=np.int32), (len(rows), 1))[of]
    named = pa.array(list(declared), pa.string()).take(pa.array(whose))
    return pa.MapArray.from_arrays(pa.array(offsets), named, pa.array(values[of]))


def _standing(partition: Partition, most: int) -> Iterator[Rows]:
    while len(numbers := partition.take_unreported(min(PROFILES_AT_ONCE, most))) > 0:
        most -= len(numbers)
        try:
            yield Rows("profiles_raw", profiles_table(partition, numbers))
        except BaseException:
            # A process that goes on, because somebody else's command failed here, must not forget them.
            partition.give_back(numbers)
            raise


# How a customer stands at every moment would be no news; that a judgement changed is.
PROFILES: Final = Output("profiles", standing=_standing)

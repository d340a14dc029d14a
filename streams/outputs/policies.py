"""Policies as they came into force, and what the kinds of touchpoints mean by them."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tzdata import IANA_VERSION

from processors.judgements.ahead import ahead_of
from processors.policy.meanings import complete, minor
from processors.policy.policy import Policy, exponent
from processors.policy.rules import Rules
from streams.engine.results import PolicyChange
from streams.outputs.columns import instants
from streams.outputs.output import Output, Results, Rows
from streams.reports.tables import MEANINGS
from streams.reports.tables import POLICIES as COLUMNS


def policies_table(changes: list[PolicyChange], epoch: int) -> pa.Table:
    """Policies as they came into force in the log of an epoch; columns ``reports.tables.POLICIES``."""
    policies: list[Policy] = [change.policy for change in changes]
    return pa.table(
        {
            "hash": [policy.hash for policy in policies],
            "text": [policy.text for policy in policies],
            "model": [policy.model for policy in policies],
            **{name: [getattr(policy.rules, name) for policy in policies] for name in ("r", "alpha", "a", "b")},
            "unit_ms": [policy.rules.unit_ms for policy in policies],
            "threshold": [policy.rules.threshold for policy in policies],
            "horizon_ms": [policy.rules.horizon_ms for policy in policies],
            "currency": [policy.currency for policy in policies],
            "minimum_minor": [policy.rules.minimum_minor for policy in policies],
            "rate_currencies": [_codes(policy.vocabulary.currency_codes) for policy in policies],
            "rates": [policy.vocabulary.currency_rates.tolist() for policy in policies],
            **_ahead([policy.rules for policy in policies]),
            "zone_data": pa.repeat(IANA_VERSION, len(changes)),
            "known_at": instants(np.maximum([change.known_at for change in changes], 0)),
            "epoch": pa.repeat(pa.scalar(epoch, pa.int64()), len(changes)),
            "offset": [change.offset for change in changes],
        },
        schema=COLUMNS,
    )


# Columns that have the rules' own names, and those that say more.
_PLAIN: Final = (
    *("version", "return_horizon_ms", "return_below", "annual_rate", "margin_share", "referral_minor", "referrals"),
    *("service_minor", "prior_days", "memory_half_life"),
)
_NAMED: Final = {
    "spend_p": "gg_p",
    "spend_q": "gg_q",
    "spend_gamma_minor": "gg_gamma",
    "value_horizon_ms": "clv_horizon_ms",
}


def _ahead(rules: list[Rules]) -> dict[str, list[Any]]:
    """What chances and values at any instant are computed from."""
    tables = [ahead_of(each) for each in rules]
    return {
        **{name: [each[name].item() for each in rules] for name in _PLAIN},
        **{name: [each[of].item() for each in rules] for name, of in _NAMED.items()},
        "calibration": [each["calibration"].tolist() for each in rules],
        "ahead_made": [table.made.reshape(-1).tolist() for table in tables],
        "ahead_worth": [table.worth.reshape(-1).tolist() for table in tables],
        "ahead_reach": [list(table.reach) for table in tables],
    }


def _codes(codes: npt.NDArray[np.int64]) -> list[str]:
    """ISO 4217 codes out of the integers that compiled code compares."""
    return [int(code).to_bytes(3, "big").decode("ascii") for code in codes]


def meanings_table(changes: list[PolicyChange]) -> pa.Table:
    """What the kinds of policies mean, as they came into force; columns ``reports.tables.MEANINGS``."""
    rows = [
        _meaning_row(change.policy, kind, complete(meaning))
        for change in changes
        for kind, meaning in change.policy.kinds.items()
    ]
    return pa.Table.from_pylist(rows, schema=MEANINGS)


def _meaning_row(policy: Policy, kind: str, meaning: dict[str, Any]) -> dict[str, Any]:
    told = {name: "" if meaning[name] is None else meaning[name] for name in MEANINGS.names if name in meaning}
    cost = minor(meaning["cost"], exponent(policy.currency))
    return {**told, "policy_hash": policy.hash, "kind": kind, "cost_minor": cost}


def _rows(results: Results) -> Iterable[Rows]:
    changes = [change for each in results.applied for change in each.policies]
    if changes:
        yield Rows("policies_raw", policies_table(changes, results.partition.epoch))
        yield Rows("meanings_raw", meanings_table(changes))


# They stand in the log already, as messages.
POLICIES: Final = Output("policies", rows=_rows)

"""Triggers: every outcome of a rule of the policy as a row; what is to be sent, or taken back, as a message."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS, RECOMMENDED, STEP, TIER
from processors.lifecycle.facts import CAUSES
from processors.lifecycle.stages import STAGES
from processors.policy.policy import Policy
from processors.row.namespaces import NAMESPACES
from processors.triggers.definitions import Rule
from processors.triggers.occasions import ON_YEARLY
from processors.triggers.room import ARMS, OUTCOMES, SENT_OUT, WITHDRAWN
from processors.triggers.zones import ZONES
from schemas.encode import encode_bodies
from schemas.registry import Registry
from streams.delivery.schedule import hours_before_a_day
from streams.engine.naming import Naming
from streams.engine.results import Applied
from streams.log.messages import text_bodies
from streams.outputs.columns import fact_ids, instants, names, one_column, policy_hashes, slices
from streams.outputs.output import Messages, Output, Results, Rows, Topic
from streams.reports.tables import TRIGGERS as COLUMNS

TOPIC: Final = Topic("triggers.v1", "Trigger")
_SUBJECTS: Final = ("", "stage", *JUDGEMENT_NAMES)
_ALL_WORDS: Final = tuple(word for words in (("",), STAGES, *JUDGEMENT_WORDS) for word in words)
_FIRST_WORD: Final = np.cumsum([0, 1, len(STAGES), *(len(words) for words in JUDGEMENT_WORDS[:-1])])
_BY_STAGE: Final = 0
_SAME: Final = (
    "id", "rule", "customer_id", "at", "known_at", "transition_id", "namespace", "outcome", "takes_back", "valid_until",
    "channel", "transactional", "zone", "stage", "value_tier", "next_step", "policy_hash",
)  # fmt: skip
_PAYLOAD: Final = pa.map_(pa.string(), pa.string())


def _policies(applied: Applied) -> list[tuple[Policy, npt.NDArray[np.bool_]]]:
    """The policies by which the facts of a fetch were judged, each with which facts those are."""
    policies = [applied.policy, *(change.policy for change in applied.policies)]
    since = np.array([change.offset for change in applied.policies], np.int64)
    codes = np.searchsorted(since, applied.fired["offset"], "right")
    return [(policy, codes == code) for code, policy in enumerate(policies)]


def _by_rule(applied: Sequence[Applied], kind: pa.DataType, told: Callable[[Policy, Any], Any]) -> pa.Array:
    """A column of what ``told`` says of the rule of each fact."""
    parts = []
    for each in applied:
        values = np.full(len(each.fired), None, object)
        for policy, mine in _policies(each):
            if mine.any():
                of_rules = np.empty(len(policy.triggers), object)
                of_rules[:] = [told(policy, rule) for rule in policy.triggers]
                values[mine] = of_rules[each.fired["rule"][mine]]
        parts.append(pa.array(values.tolist(), kind))
    return one_column(parts)


def _held(policy: Policy, rule: Rule) -> float:
    return 0.0 if rule.transactional else 1.0 - (1.0 - rule.hold_out) * (1.0 - float(policy.pressure["hold_out"]))


def _or_null(ids: pa.Array, present: npt.NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(present), ids, pa.scalar(None, pa.string()))


def _changes(fired: Any) -> dict[str, pa.Array]:
    """What changed where a change made a rule fire."""
    subjects = fired["subject"].astype(np.int64) + 1
    return {
        "subject": names(subjects, _SUBJECTS),
        "before": names(_FIRST_WORD[subjects] + fired["before"], _ALL_WORDS, np.int16),
        "after": names(_FIRST_WORD[subjects] + fired["after"], _ALL_WORDS, np.int16),
    }


def _standing(fired: Any) -> dict[str, Any]:
    """How the customer stood."""
    return {
        "stage": names(fired["stage"], STAGES),
        "value_tier": names(fired["tier"], JUDGEMENT_WORDS[TIER]),
        "recommended_category": names(fired["category"], JUDGEMENT_WORDS[RECOMMENDED]),
        "next_step": names(fired["step"], JUDGEMENT_WORDS[STEP]),
        "churn_risk": pa.array(fired["risk"], from_pandas=True),
        "expected_purchases": pa.array(fired["expected_purchases"], from_pandas=True),
        "expected_value_minor": pa.array(fired["expected_minor"], from_pandas=True),
        "expected_margin_minor": pa.array(fired["expected_margin"], from_pandas=True),
        "clv_minor": pa.array(fired["value_minor"], from_pandas=True),
        "spend_minor": fired["spend_minor"],
        "purchases": fired["purchases"],
        "last_purchase_at": instants(fired["last_purchase_at"]),
    }


def triggers_table(applied: Sequence[Applied], partition: Naming) -> pa.Table:
    """What became of rules in fetches of a partition, in the order of publication; columns ``TRIGGERS``."""
    fired = np.concatenate([each.fired for each in applied])
    zones = names(fired["zone"], ZONES, np.int16)
    home = _by_rule(applied, pa.string(), lambda policy, _: policy.pressure["zone"])
    return pa.table(
        {
            "id": fact_ids(fired["customer"], fired["id"]),
            "namespace": names(partition.namespaces(fired["row"]), NAMESPACES),
            "customer_id": slices(partition.table.ids, *partition.ids(fired["row"])),
            "rule": _by_rule(applied, pa.string(), lambda _, rule: rule.name),
            "rule_version": _by_rule(applied, pa.int32(), lambda _, rule: rule.version),
            "channel": _by_rule(applied, pa.string(), lambda _, rule: rule.channel),
            "transactional": _by_rule(applied, pa.bool_(), lambda _, rule: rule.transactional),
            "outcome": names(fired["outcome"], OUTCOMES),
            "arm": names(fired["arm"], ARMS),
            "at": instants(fired["at"]),
            "known_at": instants(fired["known_at"]),
            "takes_back": _or_null(fact_ids(fired["sender"], fired["takes_back"]), fired["takes_back"] != 0),
            "valid_until": instants(fired["valid_until"]),
            "window_days": _by_rule(applied, pa.float64(), lambda _, rule: rule.window_days),
            "hold_out": _by_rule(applied, pa.float64(), _held),
            "cause": names(fired["cause"], CAUSES),
            "transition_id": _or_null(fact_ids(fired["customer"], fired["transition"]), fired["transition"] != 0),
            **_changes(fired),
            **_standing(fired),
            "zone": pc.if_else(pc.equal(zones, ""), home, zones),
            "evidence_event_id": one_column(
                [slices(each.buffer, each.fired["event_start"], each.fired["event_length"]) for each in applied]
            ),
            "policy_hash": one_column([policy_hashes(each, each.fired["offset"]) for each in applied]),
            "epoch": np.full(len(fired), partition.epoch, np.int64),
            "partition": np.full(len(fired), partition.number, np.int32),
            "offset": fired["offset"],
        },
        schema=COLUMNS,
    )


def trigger_messages(applied: Sequence[Applied], partition: Naming, registry: Registry) -> Messages | None:
    """What is to be sent, or not any more, keyed by customer, in the order of publication. None: nothing is.

    Source: ``schemas/records/trigger.2.avsc``.
    """
    return _told(applied, partition, registry, lambda fired: np.isin(fired["outcome"], (SENT_OUT, WITHDRAWN)))


def _quiet_hours(applied: Sequence[Applied], at: npt.NDArray[np.int64], zones: pa.ChunkedArray) -> pa.Array:
    """Those of the policy; what is for one day of the year is quiet too while that day has not begun in the zone."""
    hours = _by_rule(applied, pa.string(), lambda policy, _: policy.pressure["quiet_hours"])
    yearly = _by_rule(applied, pa.bool_(), lambda _, rule: rule.occasion.type == ON_YEARLY).to_numpy(False)
    if not yearly.any():
        return hours
    told = hours.to_pylist()
    for place in np.flatnonzero(yearly):
        told[place] = hours_before_a_day(told[place], int(at[place]), zones[int(place)].as_py())
    return pa.array(told, pa.string())


def _told(
    applied: Sequence[Applied],
    partition: Naming,
    registry: Registry,
    chosen: Callable[[Any], npt.NDArray[np.bool_]],
) -> Messages | None:
    some = [each for each in applied if chosen(each.fired).any()]
    if not some:
        return None
    table = triggers_table(some, partition)
    fired = np.concatenate([each.fired for each in some])
    by_stage = fired["subject"] == _BY_STAGE
    unknown = np.isnan(fired["expected_margin"])
    expected = np.where(unknown, 0.0, np.rint(fired["expected_margin"])).astype(np.int64)
    told = pa.table(
        {
            **{name: table.column(name) for name in _SAME},
            "from_stage": pc.if_else(pa.array(by_stage), table.column("before"), ""),
            "cause": pc.if_else(pa.array(by_stage), table.column("cause"), ""),
            "category": table.column("recommended_category"),
            "risk": table.column("churn_risk"),
            "expected_margin_minor": pa.array(expected, mask=unknown),
            "evidence_purchases": table.column("purchases"),
            "evidence_last_purchase_at": table.column("last_purchase_at"),
            "evidence_event_id": pc.fill_null(table.column("evidence_event_id"), ""),
            "currency": _by_rule(some, pa.string(), lambda policy, _: policy.currency),
            "quiet_hours": _quiet_hours(some, fired["at"], table.column("zone")),
            "payload": _by_rule(some, _PAYLOAD, lambda _, rule: list(rule.payload.items())),
        }
    ).filter(pa.array(chosen(fired)))
    (batch,) = told.combine_chunks().to_batches()
    schema_id = registry.id_of(TOPIC.record)
    bodies = encode_bodies(batch, registry.schema(schema_id), schema_id)
    return Messages(text_bodies(batch.column("customer_id")), bodies)


def _rows(results: Results) -> Iterable[Rows]:
    some = [each for each in results.applied if len(each.fired)]
    return [Rows("triggers_raw", triggers_table(some, results.partition))] if some else []


def _messages(results: Results) -> Messages | None:
    return trigger_messages(results.applied, results.partition, results.registry)


def _everywhere(results: Results) -> Messages | None:
    """What takes back a trigger of an id that became the customer's: another partition may have said it."""

    def of_others(fired: Any) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = (fired["outcome"] == WITHDRAWN) & (fired["sender"] != fired["customer"])
        return found

    return _told(results.applied, results.partition, results.registry, of_others)


TRIGGERS: Final = Output("triggers", TOPIC, rows=_rows, messages=_messages, everywhere=_everywhere)

"""All that is known of one customer as one document: what ``relasi customer`` tells, in values of JSON.

Instants are ISO 8601 in UTC, amounts are in minor units of ``currency``. Numbers stand at ``as_of``: the partition's
time, or the customer's last record where that is newer.
"""

import json
from typing import Any, Final

import numpy as np
import pyarrow as pa

from processors import toml
from processors.hashing import xxh64
from processors.judgements.letting_go import orders
from processors.lifecycle.ties import open_ties
from processors.policy.policy import Policy
from processors.policy.rules import CATEGORIES, TRUST_FACTORS, Rules
from processors.policy.settings import NEWEST_VERSION, setting, version_of
from processors.row.layout import NEVER, NONE, Row
from processors.row.namespaces import salt_of
from streams.clock import iso_instant
from streams.commands.customer_evidence import Question, Touchpoints, questions_of
from streams.engine.partition import Partition
from streams.engine.rows import Table, find
from streams.outputs.profiles import profiles_table
from streams.reports.format import objects
from streams.reports.sink import Sink

Document = dict[str, Any]

_STAGES: Final = (
    "SELECT id, at, known_at, from_stage, to_stage, cause, episode, win_back, supersedes, superseded_by, evidence, "
    "policy_hash, `offset` FROM transitions "
    "WHERE customer_id = {id:String} AND namespace = {namespace:String} ORDER BY at, known_at, `offset`"
)
# An amount among the evidence is in the currency of the policy that judged.
_JUDGEMENTS: Final = (
    "SELECT fact.* EXCEPT (customer_id, namespace, `partition`), policy.currency AS currency FROM judgements AS fact "
    "LEFT JOIN (SELECT hash, currency FROM policies) AS policy ON policy.hash = fact.policy_hash "
    "WHERE fact.customer_id = {id:String} AND fact.namespace = {namespace:String} "
    "ORDER BY at, known_at, `offset`, judgement"
)
_FORMER_ENDS: Final = (
    "SELECT episode, at, returned_at, ended_by, reason, evidence_event, evidence_at FROM dissolutions "
    "WHERE customer_id = {id:String} AND namespace = {namespace:String} AND returned_at IS NOT NULL ORDER BY episode"
)
_CONTACTS: Final = (
    "SELECT category, count() AS contacts, sum(cost_minor) AS cost_minor FROM touchpoint_meanings "
    "WHERE customer_id = {id:String} AND namespace = {namespace:String} AND category != 'none' GROUP BY category"
)
_EXPECTED: Final = (
    "SELECT expected_category FROM categories WHERE customer_id = {id:String} AND namespace = {namespace:String}"
)
_ASKED: Final = {
    "stages": _STAGES,
    "judgements": _JUDGEMENTS,
    "contacts": _CONTACTS,
    "expected": _EXPECTED,
}


def row_number(table: Table, customer: str, namespace: int) -> int:
    """Number of the row of an id of a namespace; -1: there is none."""
    # What a shell passes need not be UTF-8; then it is no customer's id, and no error either.
    name = np.frombuffer(customer.encode("utf-8", "surrogateescape"), np.uint8)
    # Compiled code gives a uint64 back as a Python int, which it would take for an int64.
    key = np.uint64(xxh64(name, 0, len(name), np.uint64(0))) ^ np.uint64(salt_of(namespace))
    return int(find(table, name, 0, len(name), key, namespace))


def document(partition: Partition, sink: Sink, number: int) -> Document | None:
    """Everything of the customer with this number; None where nothing is known of it. The sink must be up to date."""
    row, rules = partition.rows(np.array([number]))[0], partition.policy.rules
    if row.touchpoints == 0:
        return None
    table = profiles_table(partition, np.array([number]), at=partition.time)
    at = int(table.column("as_of").cast(pa.int64())[0].as_py())
    (profile,) = objects(table)
    profile["trust_evidence_at"] = [iso_instant(each) if each else None for each in profile["trust_evidence_at"]]
    asked = _answers(sink, profile)
    questions = questions_of(row)
    end_at = table.column("end_at").cast(pa.int64())[0].as_py()
    touchpoints = _touchpoints(sink, profile, asked, questions, end_at)
    return {
        "customer_id": profile["customer_id"],
        "namespace": profile["namespace"],
        "as_of": profile["as_of"],
        "currency": profile["currency"],
        "horizon_days": rules.horizon_ms / 86_400_000,
        "forecasts": whose_numbers(partition.policy),
        "profile": profile,
        "commitment": _commitment(row, profile),
        "trust": _trust(profile, touchpoints, [each for each in questions if each.is_late(rules, at)]),
        "category": _category(row, profile, asked["contacts"], asked["expected"]),
        "let_go": _let_go(row, profile),
        "end": _end(profile, touchpoints, end_at),
        "former_ends": [_former(end, touchpoints) for end in asked["former"]],
        "open_questions": [_open(each, rules, at, touchpoints) for each in questions if each.is_open],
        "stages": [_stage(fact, touchpoints) for fact in asked["stages"]],
        "judgements": [_judgement(fact, touchpoints) for fact in asked["judgements"]],
    }


def whose_numbers(policy: Policy) -> Document:
    """From whose purchases and spend the policy's parameters were estimated; an empty text: they are the preset's."""
    document = toml.loads(policy.text)
    told = {name: str(setting(document, "estimated", name)) for name in ("purchases", "spend")}
    return {**told, "if_alive": version_of(document) < NEWEST_VERSION}


def _answers(sink: Sink, profile: Document) -> dict[str, list[Document]]:
    """What the reports tell of the customer, by name of the question."""
    who = {"id": profile["customer_id"], "namespace": profile["namespace"]}
    asked = {name: objects(sink.query(sql, who)) for name, sql in _ASKED.items()}
    # The view of all ends takes seconds in a large history: only who came back has one there that is not in the row.
    asked["former"] = objects(sink.query(_FORMER_ENDS, who)) if profile["episode"] > 1 else []
    for fact in asked["stages"]:
        fact["evidence"] = json.loads(fact["evidence"])
    return asked


def _touchpoints(
    sink: Sink,
    profile: Document,
    asked: dict[str, list[Document]],
    questions: list[Question],
    end_at: int | None,
) -> Touchpoints:
    """All evidence of the document, found by one statement."""
    hashes = (
        profile["end_evidence_event"],
        *profile["trust_evidence_events"],
        *(question.event_hash for question in questions),
        *(fact["evidence_event"] for name in ("judgements", "former") for fact in asked[name]),
    )
    ids = (fact["evidence"]["event_id"] for fact in asked["stages"])
    return Touchpoints(sink, profile, hashes, ids, () if end_at is None else (end_at,))


def _instant(value: Any) -> str | None:
    return None if int(value) in (NONE, NEVER) else iso_instant(int(value))


def _commitment(row: Row, profile: Document) -> Document:
    return {
        "contribution": profile["commitment_contribution"],
        "last_contribution_at": _instant(row["last_contribution_at"]),
        "investment": profile["commitment_investment"],
        "last_investment_at": _instant(row["last_investment_at"]),
        "open_ties": int(open_ties(row)),
        "consistency": profile["commitment_consistency"],
        "purchase_days": profile["purchase_days"],
    }


def _trust(profile: Document, touchpoints: Touchpoints, late: list[Question]) -> list[Document]:
    """By factor. Questions that were left for too long weigh against the support, and no other factor."""
    against = {"support_and_service": [touchpoints.named(each.event_hash, each.asked_at) for each in late]}
    events, instants = profile["trust_evidence_events"], profile["trust_evidence_at"]
    return [
        {
            "factor": factor,
            "index": profile[f"trust_{factor}"],
            "sign": profile["trust_signs"][i],
            "evidence": touchpoints.named(events[i], instants[i]),
            "left_unanswered": against.get(factor, []),
        }
        for i, factor in enumerate(TRUST_FACTORS)
    ]


def _category(row: Row, profile: Document, contacts: list[Document], expected: list[Document]) -> Document:
    told = {each["category"]: each for each in contacts}
    mix = {name: profile[f"mix_{name}"] for name in CATEGORIES[1:]}
    total = sum(mix.values())
    counts = {name: int(told.get(name, {}).get("contacts", 0)) for name in mix}
    costs = {name: int(told.get(name, {}).get("cost_minor", 0)) for name in mix}
    return {
        "observed": profile["observed_category"] or "none",
        "manager_since": _instant(row["last_manager_at"]),
        "contacts": {
            name: {"share": mix[name] / total if total > 0 else 0.0, "count": counts[name], "cost_minor": costs[name]}
            for name in mix
            if counts[name] or mix[name] > 0
        },
        "expected_by_segment": expected[0]["expected_category"] if expected else "none",
        "recommended": profile["recommended_category"],
        "reason": profile["recommendation_reason"],
    }


def _let_go(row: Row, profile: Document) -> list[Document]:
    blocked = int(row["last_firm_exit_at"]) >= int(row["episode_at"])
    evidence = {
        "deal_seeker": {name: profile[name] for name in ("discounted", "purchases")},
        "norm_violator": {
            "returned_orders": profile["returned_orders"],
            "orders": int(orders(row)),
            "blocked_at": _instant(row["last_firm_exit_at"]) if blocked else None,
        },
        "high_maintenance": {name: profile[name] for name in ("two_way", "cost_minor", "margin_minor")},
        "out_of_target": {"touchpoints_outside": int(row["outside"]), "touchpoints_inside": int(row["inside"])},
    }
    return [
        {"reason": reason, "cost_minor": profile[f"{reason}_cost_minor"], "evidence": evidence[reason]}
        for reason in profile["let_go"]
    ]


def _end(profile: Document, touchpoints: Touchpoints, at: int | None) -> Document | None:
    if at is None:
        return None
    return {
        "by": profile["ended_by"],
        "reason": profile["end_reason"],
        "at": profile["end_at"],
        "touchpoints": touchpoints.at(at),
        "evidence": touchpoints.named(profile["end_evidence_event"], profile["end_evidence_at"]),
    }


def _former(end: Document, touchpoints: Touchpoints) -> Document:
    return {
        "episode": end["episode"],
        "by": end["ended_by"],
        "reason": end["reason"],
        "dissolved_at": end["at"],
        "returned_at": end["returned_at"],
        "evidence": touchpoints.named(end["evidence_event"], end["evidence_at"]),
    }


def _open(question: Question, rules: Rules, at: int, touchpoints: Touchpoints) -> Document:
    return {
        "evidence": touchpoints.named(question.event_hash, question.asked_at),
        "unanswered": question.is_unanswered,
        "unresolved_complaint": question.is_unresolved,
        "overdue": question.is_unanswered and question.is_late(rules, at),
        "days": (at - question.asked_ms) / 86_400_000,
    }


def _stage(fact: Document, touchpoints: Touchpoints) -> Document:
    evidence = fact["evidence"]
    return {**fact, "evidence": {**evidence, "kind": touchpoints.kind_of(evidence["event_id"])}}


def _judgement(fact: Document, touchpoints: Touchpoints) -> Document:
    told = {name: value for name, value in fact.items() if not name.startswith("evidence_")}
    named = touchpoints.named(fact["evidence_event"], fact["evidence_at"])
    return {
        **told,
        "evidence": {
            **(named or {"event_hash": None, "event_id": None, "kind": None, "at": None}),
            "count": fact["evidence_count"],
            "value": fact["evidence_value"],
        },
    }

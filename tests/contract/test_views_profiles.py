"""The views over profiles: value, segments, categories, bonds, trust, whom to let go. Results worked out by hand."""

from typing import Any

from support.report_rows import START, day, profile
from support.report_views import asked, event_hash, store, touch

from streams.reports.sink import Sink


def people(*told: dict[str, Any]) -> list[dict[str, Any]]:
    """Profiles of ann, bob, cat and so on."""
    names = ("ann", "bob", "cat", "dan", "eve", "fay")
    return [profile(customer_id=name, **some) for name, some in zip(names, told, strict=False)]


def test_each_reason_to_let_go_has_its_cost(sink: Sink) -> None:
    costs = {
        "deal_seeker_cost_minor": 1,
        "norm_violator_cost_minor": 2,
        "high_maintenance_cost_minor": 3,
        "out_of_target_cost_minor": 4,
    }
    every = ["deal_seeker", "norm_violator", "high_maintenance", "out_of_target"]
    store(sink, profiles=people({"let_go": every, **costs}, {}, {"let_go": every[2:3], **costs}))
    rows = asked(
        sink,
        "SELECT customer_id, reason, cost_minor, reasons, cost_to_serve_minor FROM let_go_candidates "
        "ORDER BY customer_id, cost_minor",
    )
    assert [tuple(row.values()) for row in rows] == [
        *(("ann", reason, cost, every, 300) for cost, reason in enumerate(every, 1)),
        ("cat", "high_maintenance", 3, ["high_maintenance"], 300),
    ]


def test_commitment_by_stage(sink: Sink) -> None:
    kinds = ("commitment_contribution", "commitment_investment", "commitment_consistency")
    told = [dict(zip(kinds, numbers, strict=True)) for numbers in ((0.0, 0.5, 0.25), (0.5, 0.0, 0.75), (1.0, 1.0, 1.0))]
    store(sink, profiles=people(told[0], told[1], told[2] | {"stage": "commitment"}))
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM commitment ORDER BY stage")] == [
        ("commitment", 1, 1.0, 1.0, 1.0, 1, 1),
        ("exploration", 2, 0.25, 0.25, 0.5, 1, 1),
    ]


def test_bonds_and_involvement_are_counted(sink: Sink) -> None:
    weak = {"bond_type": "intellectual", "bond_strength": "weak", "giving": 1.0, "exchanges": 3.0, "clv_minor": 100.0}
    communal = {"bond_type": "both", "bond_strength": "strong", "relationship_type": "communal", "clv_minor": 500.0}
    communal |= {"giving": 0.0, "exchanges": 0.0, "involvement": "enduring", "active_months": 7}
    store(
        sink,
        profiles=people(weak, weak | {"clv_minor": 300.0, "exchanges": 1.0}, communal, weak | {"clv_minor": 200.0}),
    )
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM bonds ORDER BY customers")] == [
        ("both", "strong", "communal", 1, 0.25, None, 500.0),
        ("intellectual", "weak", "exchange", 3, 0.75, round((0.25 + 0.5 + 0.25) / 3, 12), 200.0),
    ]
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM involvement ORDER BY customers")] == [
        ("enduring", "exploration", 1, 0.25, 7.0, 3.5, 1.25, 500.0),
        ("situational", "exploration", 3, 0.75, 2.0, 3.5, 1.25, 200.0),
    ]


def test_individualisation_by_segment(sink: Sink) -> None:
    told = [(2, 1, 0.5), (6, 5, 0.75), (0, 0, None)]
    store(sink, profiles=people(*({"outbound": a, "individual": b, "individualisation": c} for a, b, c in told)))
    (row,) = asked(sink, "SELECT * FROM individualisation")
    assert tuple(row.values()) == ("middle/price", 3, 2, 8, 6, 0.75, 0.625)


def test_trust_has_a_row_for_each_factor_with_its_evidence(sink: Sink) -> None:
    late = touch("ann", "order_delayed", 3)
    told = {
        "trust_fulfilment": -0.5,
        "trust_knowledge": 0.25,
        "trust_signs": ["none"] * 4 + ["negative", "none", "positive"],
        "trust_evidence_events": [""] * 4 + [event_hash(late["event_id"]), "", "0123456789abcdef"],
        "trust_evidence_at": [0] * 4 + [round(day(3).timestamp() * 1000), 0, round(START.timestamp() * 1000)],
    }
    store(sink, [late, late | {"customer_id": "bob"}], profiles=people(told))
    rows = asked(sink, "SELECT * EXCEPT as_of FROM trust")
    assert [row["factor"] for row in rows] == [
        *("brand", "third_party_rating", "security_and_privacy", "technology"),
        *("fulfilment", "support_and_service", "knowledge"),
    ]
    assert [tuple(row.values())[3:] for row in rows] == [
        *[(0.0, "none", "", "", "", None)] * 4,
        (-0.5, "negative", event_hash(late["event_id"]), late["event_id"], "order_delayed", day(3)),
        (0.0, "none", "", "", "", None),
        (0.25, "positive", "0123456789abcdef", "", "", START),
    ]


def test_profit_is_margin_less_cost(sink: Sink) -> None:
    store(sink, profiles=people({"margin_minor": 100, "cost_minor": 300, "referrals": 2}))
    (row,) = asked(sink, "SELECT margin_minor, cost_minor, profit_minor, referrals, value_tier FROM customer_value")
    assert tuple(row.values()) == (100, 300, -200, 2, "middle")


def test_a_segment_expects_what_most_of_it_does(sink: Sink) -> None:
    mix = {f"mix_{name}": 0.0 for name in ("personal_assistance", "self_service", "automated_service")}
    chat = {**mix, "observed_category": "personal_assistance", "mix_personal_assistance": 3.0, "mix_self_service": 1.0}
    alone = {**mix, "observed_category": "self_service", "mix_self_service": 2.0}
    silent = {**mix, "observed_category": ""}
    elsewhere = silent | {"segment": "low/price"}
    store(sink, profiles=people(chat, alone, silent, alone, chat, elsewhere))
    rows = asked(
        sink,
        "SELECT customer_id, share_personal_assistance, share_self_service, share_community, observed_category, "
        "expected_category, recommended_category, fits FROM categories ORDER BY customer_id",
    )
    assert [tuple(row.values())[1:] for row in rows] == [
        (0.75, 0.25, 0.0, "personal_assistance", "personal_assistance", "automated_service", False),
        (0.0, 1.0, 0.0, "self_service", "personal_assistance", "automated_service", False),
        (0.0, 0.0, 0.0, "", "personal_assistance", "automated_service", False),
        (0.0, 1.0, 0.0, "self_service", "personal_assistance", "automated_service", False),
        (0.75, 0.25, 0.0, "personal_assistance", "personal_assistance", "automated_service", False),
        (0.0, 0.0, 0.0, "", "", "automated_service", False),
    ]


def test_segments_and_steps(sink: Sink) -> None:
    high = {"segment": "high/advice", "value_tier": "high", "need": "advice", "clv_minor": 900.0, "risk_band": "high"}
    store(
        sink,
        profiles=people(
            high, {"clv_minor": 100.0}, {"clv_minor": 200.0}, high | {"clv_minor": 300.0, "risk_band": "low"}
        ),
    )
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM segments ORDER BY segment")] == [
        ("high/advice", "high", "advice", 2, 0.5, 1200.0, 600.0, 9980, 2994, 600, 1, "EUR"),
        ("middle/price", "middle", "price", 2, 0.5, 300.0, 150.0, 9980, 2994, 600, 0, "EUR"),
    ]
    steps = asked(
        sink, "SELECT customer_id, motivation, next_step, risk_band FROM next_best_steps ORDER BY customer_id"
    )
    assert [tuple(row.values()) for row in steps[:2]] == [
        ("ann", "expansion", "cross_sell", "high"),
        ("bob", "expansion", "cross_sell", "low"),
    ]


def test_effort_is_held_against_worth(sink: Sink) -> None:
    def tier(name: str, cost: int, two_way: int, clv: float, margin: int) -> dict[str, Any]:
        return {"value_tier": name, "cost_minor": cost, "two_way": two_way, "clv_minor": clv, "margin_minor": margin}

    rows = [tier("high", 200, 1, 900.0, 500), tier("low", 300, 3, 50.0, 250), tier("low", 300, 0, 50.0, 250)]
    store(sink, profiles=people(*rows, tier("middle", 0, 0, 0.0, 0)))
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM effort_by_tier ORDER BY value_tier")] == [
        ("high", 1, 0.25, 200, 0.25, 1, 0.25, 900.0, 0.9, 500, 0.5, *(round(0.25 / 0.9, 12),) * 2, 0.5),
        ("low", 2, 0.5, 600, 0.75, 3, 0.75, 100.0, 0.1, 500, 0.5, 7.5, 7.5, 1.5),
        ("middle", 1, 0.25, 0, 0.0, 0, 0.0, 0.0, 0.0, 0, 0.0, None, None, None),
    ]


def test_effort_without_any_worth_has_no_ratio(sink: Sink) -> None:
    store(sink, profiles=people({"cost_minor": 0, "two_way": 0, "clv_minor": 0.0, "margin_minor": 0}))
    (row,) = asked(sink, "SELECT cost_share, two_way_share, clv_share, cost_against_clv FROM effort_by_tier")
    assert set(row.values()) == {None}

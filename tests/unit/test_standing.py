"""How a customer stands, as the reports are told: figures, judgements and evidence of one row at an instant."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from support.contacts import contacts
from support.messages import Message, batch, schemas, tick, touchpoint
from support.presets import policy_of
from support.relationship import DAY, START, Relationship
from support.sampled import examples

from processors.judgements.catalogue import JUDGEMENT_COUNT, JUDGEMENT_NAMES, TIER
from processors.judgements.commitment import contribution
from processors.judgements.standing import FIGURES, fill_figures
from processors.judgements.value import clv
from processors.row.contact import Contact
from processors.row.layout import NONE, ROW
from processors.row.sums import SUM_MIX, factor
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.log.batches import read_batches
from streams.outputs.judgements import judgements_table
from streams.outputs.profiles import profiles_table

RULES: Final = policy_of().rules


def figures_of(row: Any, at: int) -> Any:
    rows = np.zeros(1, ROW).view(np.recarray)
    rows[0] = row
    out = np.zeros(1, FIGURES).view(np.recarray)
    fill_figures(rows, RULES, np.array([at]), out)
    return out[0]


@settings(max_examples=examples(50))
@given(contacts())
def test_figures_are_what_the_modules_say_and_asking_changes_nothing(told: list[Contact]) -> None:
    relationship = Relationship(RULES)
    for one in sorted(told, key=lambda one: one.at):
        relationship.take(one)
    if not told:
        return
    row, at = relationship.row, int(relationship.row.judged_at) + 40 * DAY
    before = row.tobytes()
    figures = figures_of(row, at)
    assert row.tobytes() == before
    left = factor(row.last_at, at, RULES.memory_half_life)
    assert figures.clv == clv(row, RULES, at)
    assert figures.contribution == contribution(row, RULES, left)
    assert np.allclose(figures.mix.sum(), row.sums[SUM_MIX + 1 : SUM_MIX + 7].sum() * left)
    assert (np.abs(figures.trust) <= 1.0).all()
    assert np.isnan(figures.p_alive) == (row.last_purchase_at == NONE)
    assert (figures.end_at == NONE) == (row.stage != 4)


@settings(max_examples=examples(40))
@given(contacts())
def test_at_a_review_the_figures_judge_as_was_published(told: list[Contact]) -> None:
    relationship = Relationship(RULES)
    for one in sorted(told, key=lambda one: one.at):
        relationship.take(one._replace(at=min(one.at, 10_300_000_000_000)))
    if not told:
        return
    relationship.tick(int(relationship.row.review_at))
    row = relationship.row
    figures = figures_of(row, int(row.reviewed_at))
    # A value is kept for as long as nothing was bought, four weeks at most; all others are of the instant.
    own = [which for which in range(JUDGEMENT_COUNT) if which != TIER]
    if figures.judged[TIER] == row.judged[TIER]:
        assert figures.judged[own].tolist() == row.judged[own].tolist()


MESSAGES: Final = [
    touchpoint("o", "ann", START, "order_completed", amount_minor=9000, order_id="1"),
    touchpoint("q", "ann", START + DAY, "support_ticket_opened"),
    touchpoint("d", "ann", START + 2 * DAY, "order_delayed"),
    tick(START + 400 * DAY),
]


@pytest.fixture(scope="module")
def tables() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the profile of ann, her judgements) as the reports are told."""
    partition = Partition(0, policy_of(), schemas())
    applied = partition.apply(read_batches(batch([Message(value, written_at=START) for value in MESSAGES]), 0))
    assert not isinstance(applied, Refused)
    profiles = profiles_table(partition, np.arange(1), START + 400 * DAY)
    return profiles.to_pylist()[0], judgements_table([applied], partition).to_pylist()


def test_a_profile_says_in_words_what_was_published_last(tables: Any) -> None:
    profile, facts = tables
    last = {fact["judgement"]: fact["after"] for fact in facts}
    for name in set(JUDGEMENT_NAMES) - {"let_go"}:
        if name in last and not name.startswith("trust_"):  # which stands there as its index
            assert profile[name] == last[name], name
    assert (profile["ended_by"], profile["end_reason"]) == ("customer", "core_failure")
    assert profile["segment"] == f"{profile['value_tier']}/{profile['need']}"


def test_every_judgement_in_the_reports_has_words_and_comes_from_what_was_said_before(tables: Any) -> None:
    _, facts = tables
    stands: dict[str, str] = {}
    for fact in facts:
        assert fact["before"] != fact["after"]
        assert fact["before"] == stands.get(fact["judgement"], fact["before"])
        assert fact["known_at"] >= fact["at"]
        stands[fact["judgement"]] = fact["after"]
    assert len({fact["id"] for fact in facts}) == len(facts)


def test_trust_in_the_profile_names_the_open_question(tables: Any) -> None:
    profile, _ = tables
    assert profile["trust_evidence_at"][5] == START + DAY
    assert profile["trust_evidence_at"][4] == START + 2 * DAY
    assert profile["trust_evidence_events"][5] != profile["trust_evidence_events"][4]
    assert profile["trust_signs"][5] == "none", "after a year it has faded"

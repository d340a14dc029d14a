"""`relasi customer --json`: the document holds what the views say, and hashes are touchpoints again."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import relasi, rows
from support.forked import ROOT
from support.people import NOW, PEOPLE, iso

from processors.judgements.catalogue import JUDGEMENT_NAMES
from processors.policy.rules import TRUST_FACTORS
from streams.reports.tables import PROFILES

Documents = dict[str, dict[str, Any]]

TOUCHPOINTS: Final = {row["event_id"]: row for row in PEOPLE}


def test_nobody_by_that_name_is_no_json_either(shop: Path) -> None:
    for name in ("nobody", "kim ", "", "k" * 300, "\udcff"):
        ran = relasi("customer", name, "--json", "--data", shop)
        assert (ran.code, ran.out) == (1, "")
        assert f"no customer {name!r} in " in ran.err


@pytest.mark.slow
def test_the_document_has_every_column_of_profiles(documents: Documents, shop: Path) -> None:
    # What fades differs, since the document stands at the partition's time.
    counted = ("stage", "purchases", "spend_minor", "margin_minor", "cost_minor", "complaints", "end_at", "let_go")
    for who, told in documents.items():
        assert list(told["profile"]) == PROFILES.names
        (published,) = rows(shop, f"SELECT {', '.join(counted)} FROM profiles WHERE customer_id = '{who}'")
        assert {name: told["profile"][name] for name in counted} == published
        assert told["as_of"] == f"{NOW}T00:00:00.000Z"
        assert (told["customer_id"], told["currency"]) == (who, "USD")


def test_every_key_and_judgement_is_documented(documents: Documents) -> None:
    keys, counts = (ROOT / "docs" / "customer.md").read_text().split("What `count` and `value`")
    assert re.findall(r"^\| `(\w+)` \|", keys, re.M) == list(documents["kim"])
    named = set(re.findall(r"`(\w+?)(?:_…)?`", " ".join(re.findall(r"^\| (`.*?) \|", counts, re.M)))) - {"count"}
    assert {"trust" if name.startswith("trust_") else name for name in JUDGEMENT_NAMES} == named


@pytest.mark.slow
def test_trust_names_the_same_events_as_the_view(documents: Documents, shop: Path) -> None:
    asked = "SELECT factor, evidence_event_id, evidence_kind, evidence_at FROM trust WHERE customer_id = '{}'"
    named = 0
    for who, told in documents.items():
        expected = {row.pop("factor"): tuple(row.values()) for row in rows(shop, asked.format(who))}
        assert [factor["factor"] for factor in told["trust"]] == list(TRUST_FACTORS)
        for factor in told["trust"]:
            its = factor["evidence"] or {"event_id": "", "kind": "", "at": None}
            assert (its["event_id"], its["kind"], its["at"]) == expected[factor["factor"]]
            named += factor["evidence"] is not None
    # Kim's delivery, review and complaint; what Pat and Lee asked in vain.
    assert named == 5


def test_what_contact_cost_adds_up(documents: Documents) -> None:
    for told in documents.values():
        assert (
            sum(each["cost_minor"] for each in told["category"]["contacts"].values()) == told["profile"]["cost_minor"]
        )


@pytest.mark.slow
def test_the_history_of_judgements_is_that_of_the_view(documents: Documents, shop: Path) -> None:
    names = ("id", "judgement", "before", "after", "at", "evidence_count", "evidence_value")
    for who, told in documents.items():
        expected = rows(shop, f"SELECT {', '.join(names)} FROM judgements WHERE customer_id = '{who}' ORDER BY id")
        found = [
            {**fact, "evidence_count": fact["evidence"]["count"], "evidence_value": fact["evidence"]["value"]}
            for fact in told["judgements"]
        ]
        assert [{name: fact[name] for name in names} for fact in sorted(found, key=lambda f: str(f["id"]))] == expected
        assert [fact["at"] for fact in found] == sorted(fact["at"] for fact in found)
        assert expected


def test_each_hash_became_the_touchpoint_it_stands_for(documents: Documents) -> None:
    named = 0
    for who, told in documents.items():
        for fact in told["judgements"]:
            its = fact["evidence"]
            assert (its["event_hash"] is None) == (its["event_id"] is None)
            if its["event_id"] is not None:
                row = TOUCHPOINTS[its["event_id"]]
                assert (row["customer_id"], row["kind"], iso(row["occurred_at"])) == (who, its["kind"], its["at"])
                named += 1
        for fact in told["stages"]:
            if fact["evidence"]["event_id"]:
                assert TOUCHPOINTS[fact["evidence"]["event_id"]]["kind"] == fact["evidence"]["kind"]
    assert named >= 4

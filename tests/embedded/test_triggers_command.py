"""`relasi triggers`: the rules, what one asks, and what they would have done over the history."""

import json
from pathlib import Path

import pytest
from support.command import done, relasi
from support.rules import text_with

RULES = """
[triggers.second]
on = "touchpoint: order_completed"
when = "purchases == 2"
hold_out = 0.0

[triggers.ended]
on = "stage: any -> dissolution"
when = "after == 'dissolution'"
channel = "internal"
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    lines = ["event_id,customer_id,occurred_at,kind,amount,currency"]
    lines += [f"{who}-0,{who},2025-01-01T08:00:00Z,newsletter_subscribed,," for who in ("ann", "bob")]
    orders = [("ann", "2025-01-05"), ("ann", "2025-02-05"), ("bob", "2025-01-07")]
    lines += [f"{who}-{day},{who},{day}T10:00:00Z,order_completed,20.00,USD" for who, day in orders]
    lines.append("bob-9,bob,2025-12-01T10:00:00Z,page_viewed,,")
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    (folder / "rules.toml").write_text(text_with(RULES))
    done("import", folder / "history.csv", "--data", folder / "data")
    return folder


def test_rules_of_a_file_are_listed_without_data(data: Path) -> None:
    told = relasi("triggers", "list", data / "rules.toml").out
    assert "second" in told
    assert "when purchases == 2" in told
    assert "internal" in told


def test_a_rule_is_explained_and_counted_as_of_now(data: Path) -> None:
    told = relasi("triggers", "explain", "second", data / "rules.toml", "--data", data / "data").out
    assert "fits 1 of 2 customers" in told
    assert "toFloat64(purchases)" in told
    told = relasi("triggers", "explain", "ended", data / "rules.toml", "--data", data / "data").out
    assert "only the moment knows" in told
    missing = relasi("triggers", "explain", "nobody", data / "rules.toml", "--data", data / "data")
    assert (missing.code, "it has second, ended" in missing.err) == (2, True)


def test_history_is_tried_without_sending(data: Path) -> None:
    ran = relasi("triggers", "test", data / "rules.toml", "--data", data / "data", "--format", "json")
    rows = json.loads(ran.out)
    assert [(row["rule"], row["customer_id"], row["outcome"]) for row in rows if row["rule"] == "second"] == [
        ("second", "ann", "sent")
    ]
    assert [row["at"] for row in rows if row["rule"] == "second"] == ["2025-02-05T10:00:00.000Z"]
    assert {row["customer_id"] for row in rows if row["rule"] == "ended"} == {"ann", "bob"}
    summary = relasi("triggers", "test", data / "rules.toml", "--data", data / "data", "--days").out
    assert "2025-02-05" in summary
    assert "1 customers would have been contacted" in summary
    later = relasi("triggers", "test", data / "rules.toml", "--data", data / "data", "--since", "2025-03-01").out
    assert "nobody would have been contacted" in later
    # The preset's own rules saw an import of history: nothing of it is to be sent.
    told = relasi("query", "SELECT DISTINCT outcome FROM triggers", "--data", data / "data", "--format", "json").out
    assert {row["outcome"] for row in json.loads(told)} <= {"stale"}


def test_what_is_wrong_with_a_rule_is_told_with_line_and_column(data: Path) -> None:
    wrong = data / "wrong.toml"
    wrong.write_text(text_with('[triggers.x]\non = "stage: any -> comitment"\n'))
    ran = relasi("policy", "check", wrong)
    assert ran.code != 0
    assert (
        "'comitment' is no stage (one of none, awareness, exploration, commitment, dissolution, any)"
        in ran.out + ran.err
    )
    assert "column 21" in ran.out + ran.err or ":21:" in ran.out + ran.err

"""`relasi customer`: one relationship, its history, and what each step was decided on."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import Directory, content, done, relasi
from support.histories import HISTORY, csv_file


def history_of(customer: str, of: list[dict[str, Any]]) -> list[dict[str, Any]]:
    facts = [fact for fact in of if fact["customer_id"] == customer]
    return sorted(facts, key=lambda fact: (fact["at"], fact["known_at"]))


def test_nobody_by_that_name(imported: Directory) -> None:
    ran = relasi("customer", "nobody", "--data", imported.path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"relasi: no customer 'nobody' in {imported.path}\n"


def test_a_relationship_and_its_history(imported: Directory) -> None:
    longest = max(imported.content["profiles"], key=lambda profile: int(profile["episode"]))
    customer = longest["customer_id"]
    standing, _, history = done("customer", customer, "--data", imported.path).partition("\n\nHistory\n")

    assert standing.splitlines()[0].startswith(f"Customer {customer}: {longest['stage']} since ")
    assert f"(episode {longest['episode']}, won back)" in standing
    mine = [row for row in HISTORY if row["customer_id"] == customer]
    spent = sum(row["amount"] or 0 for row in mine)
    assert re.search(
        rf"purchases +{longest['purchases']} on {longest['purchase_days']} days, {spent:,.2f} USD", standing
    )
    assert re.search(rf"touchpoints +{len(mine)}, from {mine[0]['occurred_at']:%Y-%m-%d %H:%M} UTC", standing)

    facts = history_of(customer, imported.content["transitions"])
    lines = history.splitlines()
    assert len(lines) == 2 * len(facts)
    for fact, step, evidence in zip(facts, lines[::2], lines[1::2], strict=True):
        path = f"{fact['from_stage']} → {fact['to_stage']}  ({fact['cause']})"
        assert step == f"  {fact['at']:%Y-%m-%d %H:%M} UTC  {path}"
        for name, value in json.loads(fact["evidence"]).items():
            assert (f"{name} {value}" in evidence) == bool(value)


def test_risk_is_that_of_the_time_of_the_log(imported: Directory, data: Path) -> None:
    some = [row for row in HISTORY if row["customer_id"] == "ann-000"]
    done("import", csv_file(some[:20], data.with_name("some.csv")), "--data", data)
    seen = []
    for day in ("2023-07-01", "2023-07-20"):
        done("advance", "--to", day, "--commit", "--data", data)
        said = done("customer", "ann-000", "--data", data)
        assert f"time is         {day} 00:00 UTC" in said
        found = re.search(r"alive +([\d.]+)%", said)
        assert found
        seen.append(float(found[1]))
    assert seen[0] > seen[1]


ORDERS: Final = [HISTORY[0] | {"kind": "order_completed", "amount": "20", "currency": "JPY"}]


def test_minor_units_are_those_of_the_currency(data: Path) -> None:
    policy = data.with_name("policy.toml")
    policy.write_text(done("policy", "show", "--data", data).replace('currency = "USD"', 'currency = "JPY"'))
    done("import", csv_file(ORDERS, data.with_name("orders.csv")), "--policy", policy, "--data", data)
    assert "1 days, 20 JPY" in done("customer", str(ORDERS[0]["customer_id"]), "--data", data)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which some touchpoints came late."""
    data = tmp_path_factory.mktemp("corrected") / "data"
    for name, some in (("kept", [*HISTORY[:100], *HISTORY[120:]]), ("missed", HISTORY[100:120])):
        done("import", csv_file(some, data.with_name(f"{name}.csv")), "--data", data)
    return data


def test_corrections_are_shown_on_both_sides(corrected: Path) -> None:
    facts = content(corrected, "transitions")["transitions"]
    fact = next(fact for fact in facts if fact["superseded_by"])
    said = done("customer", fact["customer_id"], "--data", corrected)
    before, after = fact["id"][16:], fact["superseded_by"][16:]
    assert f"no longer true: {before} was corrected by {after}" in said
    assert re.search(rf"\(late\)\n.*\n +{after} corrects .*{before}", said)

"""Accounts as customers: by HTTP and by files, apart from people of the same text, with those who belong to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import done, relasi, rows
from support.listening import SERVER_KEY, SETTINGS, Listening, listening
from support.running import until

FIRM_KEY: Final = "sk_of_the_firms"
FIRMS: Final = f'{SETTINGS}\n[sources.firms]\nkey = "{FIRM_KEY}"\ncustomer = "group"\n'
WHO: Final = "SELECT namespace, customer_id, purchases, spend_minor FROM profiles ORDER BY namespace, customer_id"


def bought(event: str, **more: Any) -> dict[str, Any]:
    told = {"type": "track", "event": "Order Completed", "messageId": event, "properties": {"revenue": 10}}
    return {**told, "timestamp": "2026-03-01T12:00:00Z", **more}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    with listening(tmp_path_factory.mktemp("firms") / "data", settings=FIRMS) as it:
        firms = [
            {"type": "group", "groupId": "acme", "userId": "ann", "messageId": "g1", "traits": {"name": "Acme Inc"}},
            bought("e1", userId="ann", context={"groupId": "acme"}),
            bought("e2", userId="bob", context={"groupId": "acme"}),
            bought("e3", userId="ann", context={"groupId": "beta"}),
            # Somebody's browser is known by the group that he joined.
            {"type": "group", "groupId": "acme", "userId": "cid", "anonymousId": "A", "messageId": "g2"},
            bought("e4", userId="cid", anonymousId="A"),
        ]
        assert it.post("/v1/batch", {"batch": firms}, FIRM_KEY) == (200, {"success": True})
        people = [bought("e1", userId="acme"), bought("e5", userId="ann", context={"groupId": "acme"})]
        assert it.post("/v1/batch", {"batch": people}, SERVER_KEY) == (200, {"success": True})
        until(lambda: len(rows(it.data, "SELECT 1 FROM touchpoints")) == 8)
        yield it


def test_an_account_and_a_person_of_the_same_text_are_two_customers(here: Listening) -> None:
    found = [(row["namespace"], row["customer_id"], int(row["purchases"])) for row in rows(here.data, WHO)]
    assert found == [("account", "acme", 3), ("account", "beta", 1), ("known", "acme", 1), ("known", "ann", 1)]


def test_a_question_for_the_account_is_answered(here: Listening) -> None:
    ran = relasi("customer", "acme", "--data", here.data)
    assert ran.code == 2
    assert "'acme' is a known customer and an account; say --known or --account" in ran.err
    assert done("customer", "acme", "--account", "--data", here.data).startswith("Account acme: ")
    assert done("customer", "acme", "--known", "--data", here.data).startswith("Customer acme: ")
    assert done("customer", "beta", "--data", here.data).startswith("Account beta: ")
    # Of the visitor nobody knows more than the account that he came with.
    assert done("customer", "A", "--data", here.data).startswith("Account acme: ")


def test_accounts_have_their_people(here: Listening) -> None:
    belong = "SELECT account, person, namespace FROM account_people ORDER BY account, namespace, person"
    assert [tuple(row.values()) for row in rows(here.data, belong)] == [
        ("acme", "ann", "account"),
        ("acme", "bob", "account"),
        ("acme", "cid", "account"),
        ("acme", "ann", "known"),
        ("beta", "ann", "account"),
    ]
    (acme,) = rows(here.data, "SELECT people, customers, purchases FROM accounts WHERE account = 'acme'")
    assert {name: int(value) for name, value in acme.items()} == {"people": 3, "customers": 2, "purchases": 4}


@pytest.mark.slow
def test_files_tell_of_accounts_and_their_people(tmp_path: Path) -> None:
    file, data = tmp_path / "deals.csv", tmp_path / "data"
    header = "Deal,Company,Contact,Date,Amount,Sort\n"
    deals = "1,acme,ann,2026-01-05,100,firm\n2,acme,bob,2026-01-06,50,firm\n3,acme,,2026-01-07,7,person\n"
    file.write_text(header + deals)
    told = ["--map", "event_id=Deal", "--map", "customer_id=Company", "--map", "properties.person=Contact"]
    told += ["--map", "occurred_at=Date", "--map", "amount=Amount", "--set", "kind=order_completed"]
    told += ["--set", "currency=EUR", "--map", '''is_account=="true" if Sort == "firm" else "no"''']
    done("import", str(file), *told, "--data", data)
    found = [tuple(row.values()) for row in rows(data, WHO)]
    assert [(namespace, who, int(n)) for namespace, who, n, _ in found] == [
        ("account", "acme", 2),
        ("known", "acme", 1),
    ]
    # What is stored is known, and a person's event is not the account's.
    file.write_text(header + deals + "2,acme,bob,2026-01-06,50,person\n")
    done("import", str(file), *told, "--data", data)
    assert [int(row["purchases"]) for row in rows(data, WHO)] == [2, 2]
    assert len(rows(data, "SELECT 1 FROM touchpoints")) == 4
    people = "SELECT account, person FROM account_people WHERE namespace = 'account' ORDER BY person"
    assert [tuple(row.values()) for row in rows(data, people)] == [("acme", "ann"), ("acme", "bob")]


def test_what_is_neither_true_nor_false_is_said(tmp_path: Path) -> None:
    file, data = tmp_path / "deals.csv", tmp_path / "data"
    file.write_text(
        "customer_id,occurred_at,kind,is_account\nx,2026-01-05,signed_in,Yes\ny,2026-01-05,signed_in,firm\n"
    )
    relasi("import", str(file), "--data", data)
    (reject,) = rows(data, "SELECT reason, detail FROM rejects")
    assert (reject["reason"], "'firm' is neither true nor false" in reject["detail"]) == ("bad_truth", True)
    assert [row["namespace"] for row in rows(data, "SELECT namespace FROM touchpoints")] == ["account"]

"""The past read again under other rules: as if it had been so from the start, whatever crash came between."""

from pathlib import Path
from typing import Any

import pytest
from support.command import content, done, relasi, rows

from streams.embedded.building import rebuilt
from streams.embedded.editions import NEXT, NoSuchImport, edition_in_force, editions, next_edition, put_in_force
from streams.embedded.log import Log
from streams.embedded.session import Session
from streams.engine.edition import Edition
from streams.policies import preset

HEAD = "event_id,customer_id,occurred_at,kind,amount,currency\n"
FIRST = HEAD + "e1,ann,2026-01-05,order_completed,80,USD\ne2,bob,2026-01-06,order_completed,10,USD\n"
SECOND = HEAD + "e2,bob,2026-01-06,order_completed,10,USD\ne3,bob,2026-02-06,order_completed,30,USD\n"
SPENT = "SELECT customer_id, spend_minor, purchases, stage FROM profiles ORDER BY customer_id"
STORED = "SELECT customer_id, event_id FROM touchpoints ORDER BY ALL"


def written(data: Path, name: str, text: str) -> Path:
    file = data.with_name(name)
    file.write_text(text, "utf-8")
    return file


def imported(data: Path, name: str, text: str) -> str:
    """The id of a file's import."""
    done("import", written(data, name, text), "--data", data)
    (last,) = rows(data, "SELECT id FROM imports ORDER BY at DESC LIMIT 1")
    return str(last["id"])


def told(data: Path) -> dict[str, list[dict[str, Any]]]:
    """What a directory holds, but for what names the log's own places and the instants of this machine."""
    found = content(data)
    del found["rejects"]
    for transition in found["transitions"]:
        transition.pop("known_at", None)
    return found


@pytest.mark.slow
def test_an_import_is_taken_back_as_if_it_had_never_come(data: Path, tmp_path: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    second = imported(data, "second.csv", SECOND)
    before = told(data)
    done("import", "--forget", first, "--data", data)
    # What the other import brought too counts as if it had come with that alone.
    assert rows(data, SPENT) == [{"customer_id": "bob", "spend_minor": 4000, "purchases": 2, "stage": "exploration"}]
    assert rows(data, STORED) == [{"customer_id": "bob", "event_id": event} for event in ("e2", "e3")]
    assert [row["id"] for row in rows(data, "SELECT id FROM imports")] == [second]
    fresh = tmp_path / "fresh"
    done("import", written(data, "second.csv", SECOND), "--data", fresh)
    assert rows(fresh, SPENT) == rows(data, SPENT)
    # Its content may come again, and then all is as it was.
    done("import", written(data, "first.csv", FIRST), "--data", data)
    after = told(data)
    assert after["profiles"] == before["profiles"]
    assert rows(data, STORED) == [
        {"customer_id": c, "event_id": e} for c, e in (("ann", "e1"), ("bob", "e2"), ("bob", "e3"))
    ]
    done("rebuild", "--layout", "--data", data)
    assert told(data)["profiles"] == after["profiles"]


@pytest.mark.slow
def test_the_rejects_of_an_import_that_is_taken_back_go_with_it(data: Path) -> None:
    bad = "ann,soon,order_completed,80,USD\n"
    head = HEAD.removeprefix("event_id,")
    kept = imported(data, "first.csv", f"{head}bob,2026-01-06,order_completed,10,USD\n{bad}")
    gone = imported(data, "second.csv", f"{head}cid,2026-01-06,order_completed,10,USD\n{bad}{bad}")
    listed = "SELECT position FROM rejects ORDER BY source, position"
    assert rows(data, listed) == [{"position": 3}, {"position": 3}, {"position": 4}]
    done("import", "--forget", gone, "--data", data)
    assert rows(data, listed) == [{"position": 3}]
    assert [row["id"] for row in rows(data, "SELECT id FROM imports")] == [kept]
    done("reports", "rebuild", "--data", data)
    assert rows(data, listed) == [{"position": 3}]
    imported(data, "second.csv", f"{head}cid,2026-01-06,order_completed,10,USD\n{bad}{bad}")
    assert rows(data, listed) == [{"position": 3}, {"position": 3}, {"position": 4}]


@pytest.mark.slow
def test_what_an_import_is_replaced_by_counts_alone(data: Path) -> None:
    orders = "client,date,total,order\nann,2026-01-01,100.00,O1\nbob,2026-01-02,50.00,O2\n"
    plain = ("--map", "customer_id=client", "--map", "occurred_at=date", "--map", "amount=total")
    fixed = ("--set", "kind=order_completed", "--set", "currency=USD")
    file = written(data, "o1.csv", orders)
    done("import", file, *plain, *fixed, "--data", data)
    (first,) = rows(data, "SELECT id FROM imports")
    mapped = (*plain, "--map", "order_id=order", *fixed)
    assert relasi("import", file, *mapped, "--data", data).code == 3
    done("import", "--replace", first["id"], file, *mapped, "--data", data)
    assert rows(data, "SELECT sum(spend_minor) AS n FROM profiles") == [{"n": 15_000}]
    assert rows(data, "SELECT count() AS n, countIf(order_id = 'O1') AS o FROM touchpoints") == [{"n": 2, "o": 1}]
    assert len(rows(data, "SELECT id FROM imports")) == 1
    # A file of which nothing can be used takes nothing's place.
    bad = written(data, "bad.csv", "customer_id,occurred_at,kind\nann,soon,x\n")
    (now,) = rows(data, "SELECT id FROM imports")
    assert relasi("import", "--replace", now["id"], bad, "--data", data).code == 3
    assert rows(data, "SELECT sum(spend_minor) AS n FROM profiles") == [{"n": 15_000}]


def with_line(table: str, line: str) -> str:
    """The shipped policy with one more line in a table."""
    text = preset().text
    at = text.index("\n", text.index(f"\n[{table}]") + 1) + 1
    return f"{text[:at]}{line}\n{text[at:]}"


@pytest.mark.slow
def test_what_a_kind_means_can_be_learned_later(data: Path, tmp_path: Path) -> None:
    imported(data, "pk.csv", HEAD + "e1,ann,2026-01-05,purchase_made,80,USD\n")
    assert rows(data, SPENT)[0]["purchases"] == 0
    policy = tmp_path / "policy.toml"
    meaning = (
        'purchase_made = { initiative = "customer", engagement = 3.0, purchase = true, category = "self_service" }'
    )
    policy.write_text(with_line("kinds", meaning))
    said = done("policy", "apply", policy, "--data", data)
    assert "1 earlier touchpoints keep" in said
    assert rows(data, SPENT)[0]["purchases"] == 0
    done("policy", "apply", policy, "--rejudge", "--data", data)
    assert rows(data, SPENT) == [{"customer_id": "ann", "spend_minor": 8000, "purchases": 1, "stage": "exploration"}]
    assert rows(data, "SELECT count() AS n FROM policies") == [{"n": 1}]
    # It goes on under it, and a rebuild of the reports reads the log in the same way.
    imported(data, "more.csv", HEAD + "e2,ann,2026-01-06,purchase_made,20,USD\n")
    before = told(data)
    assert before["profiles"][0]["spend_minor"] == 10_000
    done("reports", "rebuild", "--data", data)
    assert told(data)["profiles"] == before["profiles"]


@pytest.mark.slow
def test_what_was_refused_for_its_currency_comes_in_when_the_rate_is_known(data: Path, tmp_path: Path) -> None:
    imported(
        data, "eur.csv", HEAD + "e1,ann,2026-01-05,order_completed,80,XAU\ne2,bob,2026-01-05,order_completed,80,USD\n"
    )
    assert [row["customer_id"] for row in rows(data, SPENT)] == ["bob"]
    policy = tmp_path / "policy.toml"
    policy.write_text(with_line("rates", "XAU = 2.0"))
    done("policy", "apply", policy, "--rejudge", "--data", data)
    assert [(row["customer_id"], row["purchases"]) for row in rows(data, SPENT)] == [("ann", 1), ("bob", 1)]


@pytest.mark.slow
def test_what_cant_be_taken_back_is_told(data: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    for words in (("rebuild", "--forget", "nothing"), ("import", "--forget", "nothing")):
        ran = relasi(*words, "--data", data)
        assert (ran.code, "there is no import nothing" in ran.err) == (1, True)
    assert relasi("rebuild", "--data", data).code == 2
    assert relasi("import", "--forget", first, str(data.with_name("first.csv")), "--data", data).code == 2
    done("rebuild", "--forget", first, "--data", data)
    assert "left out already" in relasi("rebuild", "--forget", first, "--data", data).err
    assert rows(data, SPENT) == []


class Cut(Exception):
    """A process that ends here."""


@pytest.mark.slow
def test_a_crash_at_any_step_leaves_the_one_before_or_the_next(data: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    imported(data, "second.csv", SECOND)
    before = told(data)

    def cut(*_: object) -> None:
        raise Cut

    with pytest.raises(Cut):
        rebuilt(data, "test", left_out=[first], progress=cut)
    assert (data / NEXT).exists()
    assert told(data) == before
    # Whoever only asks leaves it; whoever opens the directory clears it away.
    with Session(data, "test"):
        assert not (data / NEXT).exists()
    edition = rebuilt(data, "test", left_out=[first])
    after = told(data)
    assert after != before
    # Put in force, and cut off before any file was moved, and after each.
    for moved in ((), ("rows.sqlite",)):
        with Session(data, "test") as session:
            (data / NEXT).mkdir()
            log = session.log
            with log.transaction():
                log.put_setting("switching", "1")
        for name in ("rows.sqlite", "reports"):
            if name not in moved:
                (data / name).rename(data / NEXT / name)
        with Session(data, "test"):
            pass
        assert told(data) == after
        assert not (data / NEXT).exists()
    with Log(data) as log:
        assert edition_in_force(log) == edition
        assert [each.number for each in editions(log)] == [1, 2]


@pytest.mark.slow
def test_two_in_a_row(data: Path, tmp_path: Path) -> None:
    first = imported(data, "first.csv", FIRST)
    second = imported(data, "second.csv", SECOND)
    done("rebuild", "--forget", first, "--data", data)
    done("rebuild", "--forget", second, "--data", data)
    assert rows(data, STORED) == []
    with Log(data) as log:
        assert edition_in_force(log).left_out == (first, second)
    third = imported(data, "third.csv", FIRST.replace("80", "90"))
    assert third not in (first, second)
    assert rows(data, SPENT)[0]["spend_minor"] == 9000


def test_the_list_is_kept_by_the_log(data: Path) -> None:
    with Session(data, "test") as session, pytest.raises(NoSuchImport):
        next_edition(session.log, None, ["x"])
    with Log(data) as log:
        put_in_force(data, log, Edition(2, "text", 5, ("a",), 9))
        assert edition_in_force(log) == Edition(2, "text", 5, ("a",), 9)

"""One customer behind many ids, in the reports: views answer under the one that goes on, and count nobody twice."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import done, relasi
from support.linked import alias, day, ev, identify
from support.messages import tick

from schemas.bodies import bodies_of
from streams.embedded.session import Session
from streams.reports.format import objects

LOG: Final = [
    ev("m1", "a:A", "buy", 1),
    ev("m2", "a:B", "buy", 8),
    ev("m3", "u:9", "buy", 9),
    tick(day(10)),
    identify("1", "A", 11),
    identify("1", "B", 12),
    ev("m4", "a:B", "buy", 15),
    tick(day(16)),
]
LATER: Final = [alias("9", "1", 17), alias("9", "9", 18), identify("2", "A", 19), tick(day(20))]


def append(session: Session, messages: list[bytes]) -> None:
    with session.log.transaction():
        session.runner.append(bodies_of([b""] * len(messages)), bodies_of(messages))
    session.runner.settle()


def asked(session: Session, sql: str) -> list[dict[str, Any]]:
    return objects(session.sink.query(sql))


def counts(session: Session) -> dict[str, Any]:
    """Everything that counts customers."""
    return {
        "profiles": asked(session, "SELECT customer_id, namespace, purchases FROM profiles ORDER BY 1"),
        "touchpoints": asked(
            session, "SELECT customer_id, namespace, count() AS n FROM touchpoints GROUP BY 1, 2 ORDER BY 1"
        ),
        "transitions": asked(session, "SELECT DISTINCT customer_id, namespace FROM transitions ORDER BY 1"),
        "judgements": asked(session, "SELECT DISTINCT customer_id, namespace FROM judgements ORDER BY 1"),
        "stage_daily": asked(session, "SELECT day, sum(customers) AS n FROM stage_daily GROUP BY day ORDER BY day"),
        "stays": asked(session, "SELECT DISTINCT customer_id FROM stays ORDER BY 1"),
        "identities": asked(
            session, "SELECT id, namespace, customer_id, customer_namespace, made_by FROM identities ORDER BY 1, 2"
        ),
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("linked") / "data"
    with Session(data, "test") as session:
        append(session, LOG)
    return data


def test_views_answer_under_the_customer_that_goes_on(data: Path) -> None:
    with Session(data, "test") as session:
        told = counts(session)
    assert [(each["customer_id"], each["namespace"], each["purchases"]) for each in told["profiles"]] == [
        ("1", "known", 3),
        ("9", "known", 1),
    ]
    assert [(each["customer_id"], each["n"]) for each in told["touchpoints"]] == [("1", 5), ("9", 1)]
    for view in ("transitions", "judgements", "stays"):
        assert [each["customer_id"] for each in told[view]] == ["1", "9"], view
    assert {each["n"] for each in told["stage_daily"][8:]} == {2}
    assert [(each["id"], each["customer_id"], each["made_by"]) for each in told["identities"]] == [
        ("A", "1", "touchpoint"),
        ("B", "1", "touchpoint"),
    ]


@pytest.mark.slow
def test_any_id_of_a_customer_is_answered(data: Path) -> None:
    for name in ("1", "A", "B"):
        told = json.loads(done("customer", name, "--json", "--data", data))
        assert told["customer_id"] == "1"
        assert told["profile"]["purchases"] == 3


@pytest.mark.slow
def test_chains_refusals_and_what_was_ignored(tmp_path: Path) -> None:
    with Session(tmp_path, "test") as session:
        append(session, LOG)
        append(session, LATER)
        told = counts(session)
        assert [(each["customer_id"], each["purchases"]) for each in told["profiles"]] == [("1", 4), ("2", 0)]
        assert [(each["id"], each["customer_id"]) for each in told["identities"]] == [
            ("9", "1"),
            ("A", "1"),
            ("B", "1"),
        ]
        links = asked(session, "SELECT fact, customer_id, into_id, holder_id, why FROM links ORDER BY `offset`")
        assert [tuple(each.values()) for each in links][2:] == [
            ("merged", "9", "1", "1", ""),
            ("link_ignored", "9", "9", "1", "one_already"),
            ("link_refused", "A", "2", "1", "shared_device"),
        ]
        assert session.runner.partition.customers == 2


@pytest.mark.slow
def test_a_chain_of_known_customers_is_followed_to_its_end(tmp_path: Path) -> None:
    log = [ev(f"m{n}", f"u:{n}", "buy", 1) for n in range(1, 5)]
    with Session(tmp_path, "test") as session:
        append(session, [*log, alias("4", "3", 2), alias("3", "2", 3), alias("2", "1", 4), identify("4", "A", 5)])
        told = counts(session)
        assert [(each["customer_id"], each["purchases"]) for each in told["profiles"]] == [("1", 4)]
        assert {each["customer_id"] for each in told["identities"]} == {"1"}
        assert [(each["customer_id"], each["n"]) for each in told["touchpoints"]] == [("1", 5)]
    for name in ("4", "3", "A"):
        assert json.loads(done("customer", name, "--json", "--data", tmp_path))["customer_id"] == "1"


@pytest.mark.slow
def test_reports_that_are_made_anew_say_the_same(tmp_path: Path) -> None:
    with Session(tmp_path, "test") as session:
        append(session, [*LOG, *LATER])
        told = counts(session)
    done("reports", "rebuild", "--data", tmp_path)
    with Session(tmp_path, "test") as session:
        assert counts(session) == told


@pytest.mark.slow
def test_a_wrong_link_is_taken_back_as_if_it_had_never_been(tmp_path: Path) -> None:
    with Session(tmp_path, "test") as session:
        append(session, LOG)
    done("unlink", "B", "1", "--anonymous", "--data", tmp_path)
    with Session(tmp_path, "test") as session:
        append(session, [identify("1", "B", 20), ev("m5", "a:B", "buy", 21), tick(day(22))])
        told = counts(session)
        assert [(each["customer_id"], each["purchases"]) for each in told["profiles"]] == [("1", 1), ("9", 1), ("B", 3)]
        assert [each["id"] for each in told["identities"]] == ["A"]
        assert asked(session, "SELECT customer_id, into_id, why FROM links WHERE fact = 'link_refused'") == [
            {"customer_id": "B", "into_id": "1", "why": "unlinked"}
        ]
    # It stays so in every edition to come.
    done("rebuild", "--layout", "--data", tmp_path)
    with Session(tmp_path, "test") as session:
        assert counts(session) == told


@pytest.mark.slow
def test_who_takes_back_what_never_was_is_told(tmp_path: Path) -> None:
    with Session(tmp_path, "test") as session:
        append(session, LOG)
    answer = relasi("unlink", "A", "9", "--anonymous", "--data", tmp_path)
    assert answer.code == 1
    assert "nothing in the log had linked these two" in answer.err

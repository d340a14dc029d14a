"""`relasi customer` over the whole model: each judgement with what it rests on, as text."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from support.command import Directory, done
from support.histories import jsonl_file
from support.people import LEE, NOW, day, iso
from support.sampled import some, spread

from processors.row.namespaces import NAMESPACE_KNOWN
from streams.commands.customer_document import document, row_number
from streams.commands.customer_text import as_text
from streams.embedded.session import Session

Documents = dict[str, dict[str, Any]]

SECTIONS: Final = (
    "Commitment",
    "Value",
    "Bond",
    "Contact",
    "Trust (-1 to 1), and the last touchpoint behind it",
    "Category of relationship",
    "Reasons to let go",
    "What to do",
    "How it ended",
    "Open questions and complaints",
    "History of stages",
    "History of judgements",
)


@pytest.fixture(scope="module")
def texts(documents: Documents) -> dict[str, str]:
    return {who: as_text(told) + "\n" for who, told in documents.items()}


@pytest.mark.slow
def test_the_command_prints_them(shop: Path, texts: dict[str, str]) -> None:
    for who in spread([*texts], 3):
        assert done("customer", who, "--data", shop) == texts[who]


def section(text: str, title: str) -> list[str]:
    """The lines of a section."""
    (found,) = [block for block in text.rstrip("\n").split("\n\n") if block.partition("\n")[0] == title]
    return found.splitlines()[1:]


def line(text: str, title: str, label: str) -> str:
    """What a section says under a label, on whatever number of lines."""
    entries = re.split(r"\n(?!    )", "\n".join(section(text, title)))
    (found,) = [each for each in entries if each.strip().startswith(label)]
    return " ".join(found.strip().removeprefix(label).split())


def at(number: float) -> str:
    return f"{day(number):%Y-%m-%d %H:%M} UTC"


def test_every_section_is_there_and_fits(texts: dict[str, str]) -> None:
    for text in texts.values():
        blocks = text.rstrip("\n").split("\n\n")
        assert tuple(block.partition("\n")[0] for block in blocks[1:]) == SECTIONS
        assert [each for each in text.splitlines() if len(each) > 100 or each != each.rstrip()] == []
        assert "None" not in text
        assert "nan" not in text.split()


def test_trust_fades_up_to_the_time_of_the_log(documents: Documents, texts: dict[str, str]) -> None:
    brand = documents["kim"]["trust"][0]
    days = (datetime.fromisoformat(f"{NOW}T00:00:00Z") - day(62)).total_seconds() / 86_400
    left = 2 ** (-days / 365)
    assert brand["index"] == pytest.approx(left / (left + 2), abs=1e-12)
    assert brand["sign"] == "positive"
    title = "Trust (-1 to 1), and the last touchpoint behind it"
    assert line(texts["kim"], title, "brand") == f"+{brand['index']:.2f} positive product_reviewed kim-11, {at(62)}"
    assert line(texts["kim"], title, "knowledge") == "+0.00 none"


def test_questions_that_wait_count_against_the_support(texts: dict[str, str]) -> None:
    title = "Trust (-1 to 1), and the last touchpoint behind it"
    assert line(texts["pat"], title, "support_and_service").endswith(
        f"negative left too long: support_ticket_opened pat-2, {at(101)}"
    )
    complained = line(texts["kim"], title, "support_and_service")
    assert complained.startswith("-0.28 negative complaint_filed kim-6"), "answered, but never put right"


def test_money_is_told_with_its_currency(texts: dict[str, str], documents: Documents) -> None:
    its = documents["kim"]["profile"]
    # 4 orders of 650.00, 50.00 given back; a margin of 30 %; a call at 5.00, a mail at 0.01.
    assert (its["spend_minor"], its["refunded_minor"], its["margin_minor"]) == (65_000, 5_000, 18_000)
    value = section(texts["kim"], "Value")
    assert value[0].split("  ")[-1].strip().endswith(f"USD, tier {its['value_tier']}")
    assert line(texts["kim"], "Value", "margin") == "180.00 USD"
    assert line(texts["kim"], "Value", "refunded") == "50.00 USD"
    assert line(texts["kim"], "Value", "discounted") == "1 of 4 purchases"
    assert line(texts["kim"], "Value", "returned") == "1 order"
    cost, profit = its["cost_minor"] / 100, (18_000 - its["cost_minor"]) / 100
    assert its["cost_minor"] > 0
    assert line(texts["kim"], "Value", "cost to serve") == f"{cost:.2f} USD, so that {profit:.2f} USD is left"


def test_contacts_are_counted_by_category_and_the_manager_is_told(documents: Documents, texts: dict[str, str]) -> None:
    category = documents["kim"]["category"]
    # The complaint, the answer and the call; and the assignment of the manager.
    assert category["contacts"]["personal_assistance"]["count"] == 3
    assert category["contacts"]["dedicated_personal_assistance"]["count"] == 1
    assert category["manager_since"] is not None
    assert line(texts["kim"], "Category of relationship", "manager").startswith("assigned 2024-")
    assert sum(each["share"] for each in category["contacts"].values()) == pytest.approx(1.0)
    recommended = line(texts["kim"], "Category of relationship", "recommended")
    assert recommended == f"{category['recommended']}: {category['reason']}"
    assert category["reason"]


def test_nobody_whose_value_is_positive_is_let_go(documents: Documents, texts: dict[str, str]) -> None:
    # All of his purchases were discounted, and what is expected of him is worth more than nothing all the same.
    assert documents["max"]["profile"]["expected_value_minor"] > 0
    assert documents["max"]["let_go"] == []
    for who in ("max", "kim"):
        assert section(texts[who], "Reasons to let go") == ["  none"]
    assert line(texts["max"], "Value", "discounted") == "7 of 7 purchases"


def test_an_end_by_whom_why_and_on_what(documents: Documents, texts: dict[str, str]) -> None:
    end = documents["lee"]["end"]
    assert (end["by"], end["reason"], end["at"]) == ("customer", "core_failure", iso(day(45)))
    assert (end["evidence"]["event_id"], end["evidence"]["kind"]) == ("lee-2", "complaint_filed")
    assert [each["event_id"] for each in end["touchpoints"]] == ["lee-3"]
    assert [each.split(maxsplit=1) for each in section(texts["lee"], "How it ended")] == [
        ["by", "customer"],
        ["why", "core_failure"],
        ["evidence", f"complaint_filed lee-2, {at(30)}"],
        ["the", f"end         {at(45)}, account_deleted lee-3"],
    ]
    assert "silence ends it ended already" in texts["lee"]


def test_one_who_came_back_has_a_former_end(documents: Documents, texts: dict[str, str]) -> None:
    assert documents["ida"]["end"] is None
    (former,) = documents["ida"]["former_ends"]
    assert (former["by"], former["reason"], former["returned_at"]) == ("customer", "better_alternative", iso(day(100)))
    assert former["evidence"]["event_id"] == "ida-2"
    said = " ".join(" ".join(section(texts["ida"], "How it ended")).split())
    assert said == (
        f"it lasts episode 1 {at(12)}, back {at(100)}: customer, better_alternative (coupon_denied ida-2, {at(10)})"
    )
    assert texts["ida"].startswith(f"Customer ida: exploration since {at(100)} (episode 2, won back)\n")


def test_before_any_purchase(documents: Documents, texts: dict[str, str]) -> None:
    for who, step in (("pat", "answer_question"), ("ada", "introduce")):
        told, text = documents[who], texts[who]
        assert (told["profile"]["p_alive"], told["profile"]["churn_risk"]) == (None, None)
        assert text.count("unknown before a first purchase") == 2
        assert line(text, "What to do", "motivation") == "acquisition"
        assert line(text, "What to do", "next best step") == step
        assert line(text, "Value", "discounted") == "0 of 0 purchases"


def test_what_is_open_and_for_how_long(documents: Documents, texts: dict[str, str]) -> None:
    (question,) = documents["pat"]["open_questions"]
    assert (question["unanswered"], question["unresolved_complaint"], question["overdue"]) == (True, False, True)
    days = (datetime.fromisoformat(f"{NOW}T00:00:00Z") - day(101)).days
    asked = f"support_ticket_opened pat-2, {at(101)}"
    title = "Open questions and complaints"
    assert section(texts["pat"], title) == [f"  {asked}: not answered for {days} days, too long"]
    complaint = line(texts["lee"], title, f"complaint_filed lee-2, {at(30)}: ")
    assert complaint.startswith("complaint not resolved and not answered for ")
    # The complaint was answered, and the refund resolved it.
    assert section(texts["kim"], title) == ["  none"]


def test_a_change_is_told_with_what_it_rests_on(texts: dict[str, str]) -> None:
    def change(who: str, words: str) -> str:
        history = "\n".join(section(texts[who], "History of judgements"))
        (found,) = [each for each in re.split(r"\n(?! {8})", history) if words in " ".join(each.split())]
        return " ".join(found.split())

    complaint = f"complaint_filed lee-2, {at(30)}; 1 complaint in all"
    assert change("lee", "none → core_failure") == f"end_reason none → core_failure {complaint}"
    assert change("lee", "none → customer") == f"ended_by none → customer {complaint}"
    assert "1 two-way, 1.09 a quarter" in change("kim", "automated_service → personal_assistance")


@pytest.mark.slow
def test_what_could_move_the_cursor_is_escaped(data: Path) -> None:
    people = [row | {"customer_id": "k\x1b[2J", "event_id": "\x07" + row["event_id"]} for row in LEE]
    done("import", jsonl_file(people, data.with_name("people.jsonl")), "--data", data)
    text = done("customer", "k\x1b[2J", "--data", data)
    assert text.startswith("Customer k\\x1b[2J: ")
    assert "complaint_filed \\x07lee-2" in text
    assert [each for each in text.split("\n") if not each.isprintable()] == []


@pytest.mark.slow
def test_whatever_happened_fits(imported: Directory) -> None:
    with Session(imported.path, "test") as session:
        for profile in some(spread(imported.content["profiles"], 3), 3):
            partition = session.runner.partition
            number = row_number(partition.table, profile["customer_id"], NAMESPACE_KNOWN)
            told = document(partition, session.sink, number)
            assert told is not None
            assert [each for each in as_text(told).splitlines() if len(each) > 100] == []

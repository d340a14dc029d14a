"""Stories: TOML in, a checked story out, or every problem at once with its key."""

from pathlib import Path
from typing import Final

import pytest
from support.messages import policy_text
from support.stories import ORDER, story_of, story_text, touched

from streams.stories.parse import CUSTOMER, parse
from streams.stories.policies import presets
from streams.stories.story import StoryError, Touchpoint

JANUARY_6: Final = 1_736_121_600_000  # 2025-01-06T00:00:00Z, ms
HOUR: Final = 3_600_000


def problems(text: str, folder: Path = Path()) -> dict[str, str]:
    """What is wrong with a text, by key."""
    with pytest.raises(StoryError) as caught:
        parse(text, folder)
    found = {problem.key: problem.message for problem in caught.value.problems}
    assert len(found) == len(caught.value.problems)
    return found


def only(*touchpoints: str, **parts: str) -> Touchpoint:
    (touchpoint,) = story_of(*touchpoints, **parts).touchpoints
    return touchpoint


def test_a_story_with_everything() -> None:
    given = touched(
        "2025-01-06T09:00:00+01:00",
        "order_completed",
        'amount = 250.00\ncost = 1.5\nmargin = 75\ncurrency = "EUR"\nchannel = "shop"\ncampaign = "spring"\n'
        'order_id = "o-1"\nagent_id = "anna"\nsatisfaction = 4\ncustomer = "4711"\nevent_id = "e-1"\n'
        "properties = { gift = true, pieces = 2, discount = 0.10, due = 2025-01-07, "
        "paid = 2025-01-06T10:00:00Z, to = 'x' }",
    )
    assert only(given).told == {
        "event_id": "e-1",
        "customer_id": "4711",
        "occurred_at": JANUARY_6 + 8 * HOUR,
        "kind": "order_completed",
        "currency": "EUR",
        "amount_minor": 25_000,
        "cost_minor": 150,
        "margin_minor": 7_500,
        "channel": "shop",
        "campaign": "spring",
        "order_id": "o-1",
        "agent_id": "anna",
        "satisfaction": 4.0,
        "properties": {
            "gift": "true",
            "pieces": "2",
            "discount": "0.10",
            "due": "2025-01-07",
            "paid": "2025-01-06T10:00:00Z",
            "to": "x",
        },
    }


def test_a_story_with_the_least() -> None:
    story = story_of(touched("2025-01-06", "page_viewed"), name="least")
    assert (story.name, story.why, story.policy.name) == ("least", "because", "commerce")
    assert story.at == JANUARY_6 + 26 * 24 * HOUR
    assert (story.customer, story.expected) == (CUSTOMER, {})
    (touchpoint,) = story.touchpoints
    assert (touchpoint.customer, touchpoint.at, touchpoint.kind) == (CUSTOMER, JANUARY_6, "page_viewed")
    assert (touchpoint.told["currency"], touchpoint.told["properties"]) == ("USD", {})
    assert set(touchpoint.told) == {"event_id", "customer_id", "occurred_at", "kind", "currency", "properties"}


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2025-01-06", JANUARY_6),
        ("2025-01-06T01:00:00", JANUARY_6 + HOUR),
        ("2025-01-06 01:00:00Z", JANUARY_6 + HOUR),
        ("2025-01-06T01:00:00+02:00", JANUARY_6 - HOUR),
        ("2025-01-06T00:00:00.0019Z", JANUARY_6 + 1),
        ("1970-01-01", 0),
    ],
)
def test_instants(written: str, at: int) -> None:
    assert only(touched(written, "page_viewed")).at == at


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10", "USD", 1_000),
        ("0.005", "USD", 0),
        ("0.015", "USD", 2),
        ("0.0049999", "USD", 0),
        ("1.005", "USD", 100),
        ("1.0050000001", "USD", 101),
        ("-0.015", "USD", -2),
        ("1e3", "USD", 100_000),
        ("99.5", "JPY", 100),
        ("1.2345", "KWD", 1_234),
        ("1e-400", "USD", 0),
    ],
)
def test_money_in_minor_units(amount: str, currency: str, minor: int) -> None:
    text = touched("2025-01-06", "order_completed", f'amount = {amount}\ncurrency = "{currency}"')
    assert only(text).told["amount_minor"] == minor


def test_money_is_in_the_currency_of_the_policy_where_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(policy_text().replace('"USD"', '"JPY"', 1).replace("JPY = 0.008", ""))
    story = parse(story_text(policy="own.toml"), tmp_path)
    assert [(each.told["currency"], each.told["amount_minor"]) for each in story.touchpoints] == [("JPY", 80)]


@pytest.mark.parametrize("kind", ["Order Completed", "orderCompleted", "ORDER-COMPLETED"])
def test_kinds_are_written_as_files_write_them(kind: str) -> None:
    assert only(touched("2025-01-06", kind)).kind == "order_completed"


def test_whole_numbers_are_ids_too() -> None:
    touchpoint = only(ORDER + "\norder_id = 17\ncustomer = 4711\nevent_id = 3")
    assert [touchpoint.told[name] for name in ("order_id", "customer_id", "event_id")] == ["17", "4711", "3"]


def test_every_touchpoint_is_an_event_of_its_own_unless_ids_say_otherwise() -> None:
    story = story_of(ORDER, ORDER, ORDER + '\nevent_id = "touchpoint 1"', ORDER + '\nevent_id = "touchpoint 1"')
    ids = [touchpoint.told["event_id"] for touchpoint in story.touchpoints]
    assert ids[2:] == ["touchpoint 1"] * 2
    assert len(set(ids)) == 3


def test_expectations_are_about_the_first_customer_or_the_one_given() -> None:
    two = [ORDER + '\ncustomer = "anna"', ORDER + '\ncustomer = "ben"']
    assert story_of(*two).customer == "anna"
    assert story_of(*two, expect='at = 2025-02-01\ncustomer = "ben"').customer == "ben"


def test_the_expectations_of_the_documentation() -> None:
    expect = """
at = 2025-09-01T00:00:00Z
stage = "dissolution"
path = ["exploration", "commitment", "dissolution"]
causes = ["touchpoint", "touchpoint", "silence"]
dissolution = { by = "customer", reason = "better_alternative" }
let_go = []
bond = { type = "intellectual", strength = "weak" }
relationship = "exchange"
involvement = "situational"
category = { observed = "self_service", recommended = "automated_service" }
motivation = "retention"
trust = { fulfilment = "positive" }
"""
    assert story_of(expect=expect).expected == {
        "stage": "dissolution",
        "path": ("exploration", "commitment", "dissolution"),
        "causes": ("touchpoint", "touchpoint", "silence"),
        "dissolution.by": "customer",
        "dissolution.reason": "better_alternative",
        "let_go": (),
        "bond.type": "intellectual",
        "bond.strength": "weak",
        "relationship": "exchange",
        "involvement": "situational",
        "category.observed": "self_service",
        "category.recommended": "automated_service",
        "motivation": "retention",
        "trust.fulfilment": "positive",
    }


def test_a_policy_is_a_preset_or_a_file_beside_the_story(tmp_path: Path) -> None:
    assert set(presets()) >= {"commerce"}
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.toml").write_text(policy_text(name="mine"))
    assert parse(story_text(policy="policies/own.toml"), tmp_path).policy.name == "mine"
    assert parse(story_text(policy="../policies/own.toml"), tmp_path / "policies").policy.name == "mine"
    # A preset's name never means a file, so that a story means the same wherever it lies.
    (tmp_path / "commerce").write_text(policy_text(name="mine"))
    assert parse(story_text(), tmp_path).policy.name == "commerce"


def test_a_policy_that_cannot_be_used(tmp_path: Path) -> None:
    assert "commerce" in problems(story_text(policy="comerce"), tmp_path)["policy"]
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    assert "UTF-8" in problems(story_text(policy="latin.toml"), tmp_path)["policy"]
    (tmp_path / "bad.toml").write_text(policy_text(threshold=5, hiatus=-1))
    with pytest.raises(StoryError) as caught:
        parse(story_text(policy="bad.toml"), tmp_path)
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert all(line.startswith(f"policy can't be used: {tmp_path / 'bad.toml'}:") for line in told), told


def test_every_problem_is_told_at_once() -> None:
    text = """
name = ""
policy = "comerce"
wy = "a slip"
[[touchpoints]]
at = "2025-01-06"
kind = "!"
amount = "80"
amout = 80
[[touchpoints]]
kind = "order_completed"
currency = "usd"
satisfaction = true
properties = { a = [1], b = 1 }
[expect]
stage = "loyal"
path = ["exploration", "engagement"]
dissolution = { by = "nobody", when = 2025-01-01 }
let_go = "deal_seeker"
trust = { brand = 1 }
bond = "weak"
mood = "good"
"""
    found = problems(text)
    assert set(found) == {
        "name",
        "policy",
        "wy",
        "why",
        "touchpoints[1].at",
        "touchpoints[1].kind",
        "touchpoints[1].amount",
        "touchpoints[1].amout",
        "touchpoints[2].at",
        "touchpoints[2].currency",
        "touchpoints[2].satisfaction",
        "touchpoints[2].properties.a",
        "expect.at",
        "expect.stage",
        "expect.path",
        "expect.dissolution.by",
        "expect.dissolution.when",
        "expect.let_go",
        "expect.trust.brand",
        "expect.bond",
        "expect.mood",
    }
    assert found["expect.stage"] == ('= "loyal" is not known; allowed: awareness, exploration, commitment, dissolution')
    assert found["expect.dissolution.when"] == "is not a key of expect.dissolution; allowed: by, reason"
    assert "allowed: event_id, customer, anonymous, at, kind, channel, amount" in found["touchpoints[1].amout"]
    assert "customer_exit" not in found["expect.path"]
    assert "without quotes" in found["touchpoints[1].at"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[expect", ""),
        (f"a = {'9' * 5000}", ""),
        ("a = 1e99999999999999999999", ""),
        ("a = " + "[" * 5000, ""),
        (story_text().replace("[expect]\nat = 2025-02-01", ""), "expect"),
        (story_text().replace("[expect]\nat = 2025-02-01", "").replace("[[touch", "expect = 1\n[[touch"), "expect"),
        (story_text().replace("[[touchpoints]]", "[touchpoints]"), "touchpoints"),
        (story_text().replace(f"[[touchpoints]]\n{ORDER}", "touchpoints = []"), "touchpoints"),
        (story_text(touched("1969-12-31T23:59:59Z", "page_viewed")), "touchpoints[1].at"),
        (story_text(touched("2300-01-01", "page_viewed")), "touchpoints[1].at"),
        (story_text(touched("09:00:00", "page_viewed")), "touchpoints[1].at"),
        (story_text(touched("2025-02-01T00:00:01Z", "page_viewed")), "touchpoints[1].at"),
        (story_text(touched("2025-01-06", "order_completed", "amount = nan")), "touchpoints[1].amount"),
        (story_text(touched("2025-01-06", "order_completed", "amount = 1e30")), "touchpoints[1].amount"),
        (story_text(touched("2025-01-06", "order_completed", "cost = true")), "touchpoints[1].cost"),
        (story_text(touched("2025-01-06", "survey_answered", "satisfaction = inf")), "touchpoints[1].satisfaction"),
        (story_text(touched("2025-01-06", "page_viewed", "properties = 1")), "touchpoints[1].properties"),
        (story_text(touched("2025-01-06", "page_viewed", "channel = ''")), "touchpoints[1].channel"),
        (story_text(touched("2025-01-06", "page_viewed", f"customer = '{'é' * 128}'")), "touchpoints[1].customer"),
        (story_text(expect='at = 2025-02-01\ncustomer = "ben"'), "expect.customer"),
    ],
)
def test_what_is_no_story(text: str, key: str) -> None:
    assert set(problems(text)) == {key}

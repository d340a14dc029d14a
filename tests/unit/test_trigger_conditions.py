"""Conditions of rules: what they compute, and what is said of those that can't be used."""

from typing import Any

import numpy as np
import pytest

from processors.policy.policy import find_problems, read_policy
from processors.triggers.conditions import ConditionError, parse
from processors.triggers.fields import FIELDS, PLACES, VALUES, properties
from processors.triggers.occasions import OccasionError, read
from processors.triggers.programs import CONSTANT, STACK, holds
from processors.triggers.traits import value_of_text
from streams.policies import preset

BASE = preset("commerce").text.partition("[triggers")[0]


def evaluated(text: str, **known: float) -> bool:
    condition = parse(text)
    return computed(condition.code, {PLACES[name]: value for name, value in known.items()})


def computed(code: Any, known: dict[int, float]) -> bool:
    values = np.full(VALUES, np.nan)
    for place, value in known.items():
        values[place] = value
    numbers = np.array([operand for _, operand in code])
    program = np.array(
        [op | (i if op == CONSTANT else int(operand)) << 8 for i, (op, operand) in enumerate(code)], np.int32
    )
    return bool(holds(program, 0, len(program), numbers, values, np.zeros(STACK)))


OWN = properties({"plan": "string", "seats": "number", "beta": "boolean", "loyalty tier": "string"})


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("properties.plan == 'gold'", {"plan": value_of_text("gold")}, True),
        ("properties.plan == 'gold'", {"plan": value_of_text("Gold")}, False),
        ("properties.plan == 'gold'", {}, False),
        ("properties.plan != 'gold'", {"plan": value_of_text("silver")}, True),
        ("properties.plan != 'gold'", {}, False),
        ("not properties.plan == 'gold'", {}, True),
        ("properties['plan'] in ('gold', 'silver')", {"plan": value_of_text("silver")}, True),
        ("properties['loyalty tier'] not in ('a', 'b')", {"loyalty tier": value_of_text("c")}, True),
        ("'gold' == properties.plan", {"plan": value_of_text("gold")}, True),
        ("2 <= properties.seats < 5", {"seats": 4.0}, True),
        ("properties.seats / 2 > 2", {"seats": 4.0}, False),
        ("properties.seats != 4", {}, False),
        ("properties.beta", {"beta": 1.0}, True),
        ("properties.beta", {"beta": 0.0}, False),
        ("properties.beta", {}, False),
        ("not properties.beta", {}, True),
        ("properties.beta == True", {"beta": 1.0}, True),
        ("properties.beta == False", {"beta": 0.0}, True),
        ("properties.beta == False", {}, False),
        ("properties.beta != True", {}, False),
        ("properties.beta and purchases == purchases or properties.beta", {"beta": 1.0}, True),
    ],
)
def test_a_condition_asks_for_properties_of_the_customer(text: str, known: dict[str, float], expected: bool) -> None:
    assert computed(parse(text, own=OWN).code, {OWN[name][0]: value for name, value in known.items()}) is expected


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (
            "purchases > 1 and properties.plann == 'gold'",
            30,
            "'plann' is no property of this policy (did you mean plan?)",
        ),
        ("properties['Plan'] == 'gold'", 12, "'Plan' is no property of this policy (did you mean plan?)"),
        ("properties.quux == 1", 12, "'quux' is no property of this policy (one of beta, loyalty tier, plan, seats)"),
        ("properties.plan > 'gold'", 19, "properties.plan is a text: expected ==, != or in"),
        ("properties.plan == 3", 1, "properties.plan is a text: it is compared by ==, != and in with one in quotes"),
        ("properties.plan == properties.plan", 1, "properties.plan is a text: it is compared by"),
        ("properties.seats == 'many'", 21, "properties.seats is a number, and no word"),
        ("properties.beta == 'yes'", 20, "properties.beta is true or false, and no word"),
        ("properties.beta > True", 19, "properties.beta is true or false: expected == or !="),
        ("properties.seats == True", 21, "properties.seats is a number, and not true or false"),
        ("properties.seats", 1, "properties.seats is a number: a condition compares it with something"),
        ("properties.plan", 1, "properties.plan is a text: a condition compares it with something"),
        ("properties == 'x'", 1, "'properties' is no field"),
        ("purchases.plan == 'x'", 1, "purchases.plan can't stand in a condition: expected such as properties.plan"),
        ("properties[seats] > 1", 1, "can't stand in a condition: expected such as properties.plan"),
        ("properties.a.b > 1", 1, "can't stand in a condition: expected such as properties.plan"),
        ("properties.plan == '\\ud800'", 20, "is no text of Unicode"),
        ("'ä' == 'b' or 'é' == properties.sets", 1, "two constants are compared"),
        ("not ('é' == properties.plan) or properties.sets > 1", 44, "'sets' is no property of this policy"),
    ],
)
def test_what_is_wrong_with_a_property_is_said_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError, match=r".") as caught:
        parse(text, own=OWN)
    assert message in str(caught.value)
    assert caught.value.column == column


def problems_of(tables: str) -> list[tuple[int, int, str]]:
    first = BASE.count("\n") + 1
    return [(p.line - first, p.column, p.message) for p in find_problems(BASE + tables)]


def test_a_property_that_no_policy_declares_is_a_problem_at_its_place() -> None:
    rule = '[triggers.x]\non = "1 day after end"\nwhen = "properties.plan == \'gold\'"\n'
    assert problems_of(rule) == [
        (2, 20, "triggers.x.when 'plan' is no property of this policy: none is declared in [properties]")
    ]
    assert problems_of('[properties]\nplan = "string"\n' + rule) == []
    # What is wrong with the declaration is told there alone.
    assert [line for line, _, _ in problems_of('[properties]\nplan = "strng"\n' + rule)] == [1]
    several = '[triggers.x]\non = "1 day after end"\nwhen = """purchases > 1\n  and stag == \'none\'"""\n'
    assert [(line, column) for line, column, _ in problems_of(several)] == [(3, 7)]


def test_problems_of_properties_and_categories_of_consent_are_told_on_their_lines() -> None:
    assert problems_of('[properties]\nplan = "text"\nseats = 3\n"" = "number"\n') == [
        (1, 0, 'properties.plan = \'text\': expected "string" or "number" or "boolean"'),
        (2, 0, 'properties.seats = 3: expected "string" or "number" or "boolean"'),
        (3, 0, "properties. is no name of 1 to 200 bytes"),
    ]
    many = "[properties]\n" + "".join(f'p{i} = "number"\n' for i in range(9))
    assert problems_of(many) == [(0, 0, "properties names 9; a row remembers 8 at most")]
    assert problems_of('[consent]\nmail = ["a"]\nsms = "b"\npush = ["C1"]\nall = ["c1", "\\""]\n') == [
        (1, 0, "consent.mail is no channel (one of all, email, sms, push)"),
        (2, 0, 'consent.sms = \'b\': expected a list of texts, such as ["one", "other"]'),
        (4, 0, "consent.all names 'c1', as push does"),
        (4, 0, "consent.all names '\"': a category has no quotes and backslashes"),
    ]
    text = BASE.replace("version = 2 ", "version = 1 ") + '[properties]\nplan = "string"\n'
    assert "properties needs version = 2 at the head of the policy" in [p.message for p in find_problems(text)]
    assert "properties must be a table" in [p.message for p in find_problems(f"properties = 3\n{BASE}")]


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("purchases >= 2", {"purchases": 2.0}, True),
        ("purchases > 2", {"purchases": 2.0}, False),
        ("1 < purchases <= 3", {"purchases": 3.0}, True),
        ("1 < purchases <= 3", {"purchases": 1.0}, False),
        ("stage == 'commitment'", {"stage": 3.0}, True),
        ("stage != 'commitment'", {"stage": 3.0}, False),
        ("stage in ('exploration', 'commitment')", {"stage": 2.0}, True),
        ("stage not in ('exploration', 'commitment')", {"stage": 4.0}, True),
        ("value_tier == 'none'", {"value_tier": 0.0}, True),
        ("not win_back or purchases > 1", {"win_back": 1.0, "purchases": 1.0}, False),
        ("win_back and purchases > 0", {"win_back": 1.0, "purchases": 1.0}, True),
        ("'deal_seeker' in let_go", {"let_go_deal_seeker": 1.0}, True),
        ("spend_minor / purchases > 50 - 10 * 2", {"spend_minor": 93.0, "purchases": 3.0}, True),
        ("spend_minor / purchases > -1", {"spend_minor": 93.0, "purchases": 0.0}, False),
        ("-spend_minor < -5", {"spend_minor": 6.0}, True),
        ("True", {}, True),
        ("purchases > 1\r\n  and win_back", {"purchases": 2.0, "win_back": 1.0}, True),
        ("purchases == purchases", {}, False),
    ],
)
def test_a_condition_is_computed_as_it_reads(text: str, known: dict[str, float], expected: bool) -> None:
    assert evaluated(text, **known) is expected


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_of_what_is_not_known_nothing_is_true(sign: str) -> None:
    assert not evaluated(f"days_since_last_purchase {sign} 30")
    assert evaluated(f"not days_since_last_purchase {sign} 30")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("stage == 'comitment'", 10, "'comitment' is no stage (one of none, awareness, exploration, commitment, diss"),
        ("purchases > 1 and purchase > 2", 19, "'purchase' is no field (did you mean purchases"),
        ("purchases", 1, "purchases is a number: a condition compares it with something"),
        ("stage > 'awareness'", 9, "stage is a word: expected ==, != or in"),
        ("purchases == 'two'", 14, "purchases is a number, and no word"),
        ("stage + 1 > 2", 1, "stage is a word: expected a number"),
        ("purchases is 1", 1, "is and is not compare nothing here"),
        ("purchases > 2 >", 16, "is no condition: "),
        ("__import__('os').system('ls') == 1", 1, "can't stand in a condition"),
        ("purchases ** 2 > 3", 1, "can't stand in a condition"),
        ("'Ä' == 'ö' or purchses > 1", 1, "two constants are compared"),
        ("stage == 'ä' or nobody", 10, "'ä' is no stage"),
        ("purchases > 1e300", 13, "is beyond 10^15"),
        ("let_go == 'x'", 1, "let_go is a list of reasons: expected such as 'deal_seeker' in let_go"),
        ("purchases > 1\n  and stag == 'none'", 21, "'stag' is no field (did you mean stage"),
        ("value_tier in ()", 15, "in needs a list of words"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError, match=r".") as caught:
        parse(text)
    assert message in str(caught.value)
    assert caught.value.column == column


def test_what_is_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(ConditionError):
        parse("(" * 1500 + "purchases" + ")" * 200)
    deep = "purchases > " + "1 + (" * 90 + "1" + ")" * 90
    with pytest.raises(ConditionError, match="nested too deeply"):
        parse(deep)


def test_each_field_has_a_name_of_its_own() -> None:
    assert len(PLACES) == len(FIELDS)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("stage: any -> comitment", 15, "'comitment' is no stage"),
        ("stages: any -> commitment", 1, "'stages' does not change (one of stage, risk_band"),
        ("touchpoint: order_complete", 13, "'order_complete' is no kind of this policy"),
        ("3 days after brunch", 14, "'brunch' is no instant here"),
        ("3 moons after last_purchase", 3, "'moons' is no unit"),
        ("3 days before last_purchase", 8, "is known once it is past"),
        ("yearly on due", 11, "'due' is no instant here"),
        ("whenever", 1, "is no occasion"),
        ("quiet 2 intervals after order_completed", 9, "silence is measured in"),
    ],
)
def test_what_is_wrong_with_an_occasion_is_said_with_its_column(text: str, column: int, message: str) -> None:
    kinds: dict[str, Any] = {"order_completed": {}}
    with pytest.raises(OccasionError, match=r".") as caught:
        read(text, kinds)
    assert message in str(caught.value)
    assert caught.value.column == column


def test_every_problem_of_rules_is_found_on_its_line_and_column() -> None:
    text = BASE + (
        "[triggers.win_back]\n"
        'on = "stage: any -> disolution"\n'
        "when = \"purchases > 1 and stage == 'comitment'\"\n"
        "[triggers.Bad]\n"
        "priority = 101\n"
        "nonsense = 1\n"
        "[triggers.ends]\n"
        'on = "14 days before due"\n'
        'unless = ["order_complete"]\n'
    )
    first = BASE.count("\n") + 1
    found = [(p.line - first, p.column, p.message.partition(" ")[0]) for p in find_problems(text)]
    assert found == [
        (1, 21, "triggers.win_back.on"),
        (2, 36, "triggers.win_back.when"),
        (3, 0, "triggers.Bad"),
        (3, 0, "triggers.Bad"),
        (4, 0, "triggers.Bad.priority"),
        (5, 0, "triggers.Bad.nonsense"),
        (8, 0, "triggers.ends.unless"),
    ]


def test_more_rules_than_a_row_remembers_are_refused() -> None:
    rules = "".join(f'[triggers.rule_{i}]\non = "1 day after end"\n' for i in range(25))
    assert [p.message for p in find_problems(BASE + rules)] == ["triggers has 25 rules; 24 are the most"]
    quiet = "".join(f'[triggers.rule_{i}]\non = "quiet {i} days after order_completed"\n' for i in range(1, 5))
    assert [p.message for p in find_problems(BASE + quiet)] == [
        "triggers.rule_4.on waits for silence; so do 3 rules at most"
    ]


def test_rules_need_a_policy_of_version_2() -> None:
    text = BASE.replace("version = 2 ", "version = 1 ") + '[triggers.x]\non = "1 day after end"\n'
    assert "triggers needs version = 2 at the head of the policy" in [p.message for p in find_problems(text)]


def test_a_policy_without_rules_means_what_it_meant() -> None:
    policy = read_policy(BASE)
    assert policy.triggers == ()
    assert policy.rules.trigger_count == 0
    assert not policy.rules.triggers.any()

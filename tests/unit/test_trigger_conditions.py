"""Conditions of rules: what they compute, and what is said of those that can't be used."""

from typing import Any

import numpy as np
import pytest

from processors.policy.policy import find_problems, read_policy
from processors.triggers.conditions import ConditionError, parse
from processors.triggers.fields import FIELDS, PLACES, VALUES
from processors.triggers.occasions import OccasionError, read
from processors.triggers.programs import CONSTANT, STACK, holds
from streams.policies import preset

BASE = preset("commerce").text.partition("[triggers")[0]


def evaluated(text: str, **known: float) -> bool:
    condition = parse(text)
    values = np.full(VALUES, np.nan)
    for name, value in known.items():
        values[PLACES[name]] = value
    numbers = np.array([operand for _, operand in condition.code])
    code = np.array(
        [op | (i if op == CONSTANT else int(operand)) << 8 for i, (op, operand) in enumerate(condition.code)], np.int32
    )
    return bool(holds(code, 0, len(code), numbers, values, np.zeros(STACK)))


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
        ("let_go == 'x'", 1, "'let_go' is no field"),
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

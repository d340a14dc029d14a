"""What a text of a touchpoint is as a number, a truth or a text, and what a consent manager said in JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.relationship import blank

from processors.policy.policy import read_policy
from processors.row.layout import NONE
from processors.triggers.traits import IS_BOOLEAN, IS_NUMBER, IS_STRING, trait_value, value_of_text
from streams.engine import hearing
from streams.policies import preset

BASE = preset("commerce").text


def value(kind: int, text: str) -> float:
    data = np.frombuffer(b"<" + text.encode() + b">", np.uint8)
    return float(trait_value(kind, data, 1, len(data) - 2))


@given(st.one_of(st.integers(-(10**15), 10**15), st.decimals(-(10**9), 10**9, places=5, allow_nan=False)))
def test_decimals_of_fifteen_digits_are_read_exactly(number: object) -> None:
    assert value(IS_NUMBER, f"{number:f}" if not isinstance(number, int) else str(number)) == float(str(number))


@given(st.floats(-1e300, 1e300))
def test_what_json_writes_of_a_double_is_read_to_its_fifteenth_digit(number: float) -> None:
    found = value(IS_NUMBER, json.dumps(number))
    assert found == pytest.approx(number, rel=1e-14, abs=1e-305)


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1e", "1e+", "e3", "1,5", "12 ", " 12", "0x1f", "nan", "inf", "1e400", "+"]
)
def test_what_is_no_number_says_nothing(text: str) -> None:
    assert math.isnan(value(IS_NUMBER, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("007", 7.0),
        ("1E+2", 100.0),
        ("-2e-2", -0.02),
        ("-0", 0.0),
        ("1e-400", 0.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0e999", 0),
    ],
)
def test_numbers_as_people_and_programs_write_them(text: str, expected: float) -> None:
    assert value(IS_NUMBER, text) == expected
    assert math.copysign(1, value(IS_NUMBER, text)) == math.copysign(1, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", 1), ("True", 1), ("YES", 1), ("1", 1), ("false", 0), ("No", 0), ("0", 0), ("", None), ("on", None),
     ("truest", None), ("tru", None), ("11", None)],
)  # fmt: skip
def test_truths_in_the_words_that_files_and_programs_have(text: str, expected: int | None) -> None:
    found = value(IS_BOOLEAN, text)
    assert math.isnan(found) if expected is None else found == expected


def test_a_text_is_known_by_its_hash() -> None:
    assert value(IS_STRING, "größer") == value_of_text("größer")
    assert value(IS_STRING, "gold") != value(IS_STRING, "Gold")
    assert value(IS_STRING, "") == value_of_text("")


RULES = read_policy(
    BASE + '[consent]\nemail = ["Newsletter", "C0004"]\nsms = ["text \\u00e4"]\nall = ["Marketing"]\n'
).rules


def preferences(text: str, how: int) -> tuple[dict[int, bool], int]:
    row, data = blank(), np.frombuffer(text.encode(), np.uint8)
    declined = hearing._hear_preferences(data, 0, len(data), row, RULES, 7, how)
    said = {i: bool(row.agreed_at[i] == 7) for i in range(4) if row.agreed_at[i] != NONE or row.declined_at[i] != NONE}
    return said, int(declined)


@pytest.mark.parametrize(
    ("text", "how", "said", "declined"),
    [
        ('{"newsletter":true}', hearing._BY_CATEGORY, {1: True}, 0),
        ('{"NEWSLETTER":false,"other":true}', hearing._BY_CATEGORY, {1: False}, 2),
        ('{"Newsletter":"true","push":true}', hearing._BY_CATEGORY, {1: False, 3: True}, 2),
        ('{ "sms" : true, "Marketing" : null }', hearing._BY_CATEGORY, {2: True, 0: False}, 1),
        ('{"text ä":true}', hearing._BY_CATEGORY, {2: True}, 0),
        ('{"a\\"newsletter":true,"b":{"c":1}}', hearing._BY_CATEGORY, {}, 0),
        ('["C0004","x"]', hearing._EACH_YES, {1: True}, 0),
        ('["c0004"]', hearing._EACH_NO, {1: False}, 2),
        ('{"oneTrust":["C0004"],"email":["push"]}', hearing._EACH_YES, {1: True, 3: True}, 0),
        ('{"marketing":', hearing._BY_CATEGORY, {0: False}, 1),
        ('["newsletter', hearing._EACH_YES, {}, 0),
        ('["newsletter\\', hearing._EACH_YES, {}, 0),
        ("", hearing._BY_CATEGORY, {}, 0),
    ],
)
def test_what_a_consent_manager_said(text: str, how: int, said: dict[int, bool], declined: int) -> None:
    assert preferences(text, how) == (said, declined)


@given(st.text(max_size=40), st.sampled_from([hearing._BY_CATEGORY, hearing._EACH_YES, hearing._EACH_NO]))
def test_no_text_leads_beyond_its_end(text: str, how: int) -> None:
    assert preferences(text, how)[1] in range(16)

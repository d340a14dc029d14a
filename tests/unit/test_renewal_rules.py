"""How far ahead of a renewal a rule speaks: short terms in their second half, longer ones as far as the rule says."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from support.presets import Customer, policy_of
from support.relationship import at_day
from support.sampled import examples

from processors.policy.policy import Policy, read_policy
from processors.row.layout import NEVER
from processors.triggers.timers import next_of

_PRESET: Final = policy_of("telecom", 2).text
SHORT: Final = 62  # days


def telling(days: int) -> Policy:
    return read_policy(_PRESET + f'\n[triggers.ahead]\non = "{days} days before renewal"\ntransactional = true\n')


POLICIES: Final = {days: telling(days) for days in (7, 30, 60, 200)}


def told_at(policy: Policy, row: Any, now: float) -> tuple[int, int]:
    number = next(place for place, rule in enumerate(policy.triggers) if rule.name == "ahead")
    past, upcoming = next_of(row, policy.rules, number, at_day(now))
    return int(past), int(upcoming)


def signed(policy: Policy, *terms: tuple[float, float]) -> Any:
    customer = Customer(policy)
    for start, end in terms:
        customer.does(start, "contract_signed", until=end)
    return customer.row


@settings(max_examples=examples(60))
@given(st.integers(2, 800), st.sampled_from(sorted(POLICIES)))
def test_a_rule_looks_as_far_ahead_as_it_says_but_not_in_the_first_half_of_two_months(term: int, days: int) -> None:
    policy = POLICIES[days]
    _, upcoming = told_at(policy, signed(policy, (0, term)), 0)
    earliest = term / 2 if term <= SHORT else 0
    assert upcoming == (at_day(term - days) if term - days > earliest else NEVER)


def test_of_contracts_side_by_side_each_is_told_as_far_ahead_as_the_rule_says() -> None:
    policy = POLICIES[200]
    row = signed(policy, (0, 365), (60, 425))
    assert told_at(policy, row, 61) == (NEVER, at_day(165))
    assert told_at(policy, row, 166)[1] == at_day(225)

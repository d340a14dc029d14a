"""Policies: everything that is wrong at once, with its line; and what a right one compiles to."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from support.relationship import DAY, POLICY, policy

import processors
from processors.policy.policy import EXPONENTS, PolicyError, exponent, find_problems, hash_of, read_policy
from processors.policy.rules import (
    ANSWER,
    BG,
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM,
    FIRM_EXIT,
    GIVING,
    INVESTMENT,
    MBG,
    ON_RECORD,
    PURCHASE,
    REFERRAL,
    REFUSED,
    TIE_CLOSED,
    TIE_OPENED,
    UNMAPPED,
    Vocabulary,
    converted,
    currency_code,
    find_kind,
    rate_of,
)
from streams.imports.pricing import decimals_of

COMMERCE = (Path(processors.__file__).parent / "policy" / "presets" / "commerce.toml").read_text()


def found(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.key) for problem in find_problems(text)]


def line(text: str, start: str) -> int:
    """The number of the first line that begins so."""
    return next(number for number, content in enumerate(text.splitlines(), 1) if content.startswith(start))


def replaced(**lines: str) -> str:
    """The tests' policy with some lines, known by their key, in other words."""
    text = POLICY
    for key, content in lines.items():
        old = next(candidate for candidate in POLICY.splitlines() if candidate.startswith(key + " = "))
        text = text.replace(old, content)
    return text


def code(text: str) -> int:
    return int(currency_code(np.frombuffer(text.encode(), np.uint8), 0, len(text)))


def flags_of(words: Vocabulary, kind: str) -> int:
    slot = int(find_kind(words, hash_of(kind)))
    assert slot >= 0, kind
    return int(words.meanings[slot]["flags"])


def test_the_packaged_policy_can_be_used() -> None:
    assert find_problems(COMMERCE) == []
    commerce = read_policy(COMMERCE)
    assert (commerce.name, commerce.currency, commerce.model) == ("commerce", "USD", "mbgnbd")
    assert commerce.rules.hiatus_ms == 180 * DAY
    assert (commerce.rules.commitment_weeks, commerce.rules.consistency_weeks) == (3, 6)


def test_kinds_mean_what_the_packaged_policy_says() -> None:
    words = read_policy(COMMERCE).vocabulary
    assert flags_of(words, "order_completed") == CUSTOMER | PURCHASE
    bound = PURCHASE | INVESTMENT | ON_RECORD | TIE_OPENED
    assert flags_of(words, "subscription_started") == CUSTOMER | bound
    assert flags_of(words, "referral_made") == CUSTOMER | CONTRIBUTION | GIVING | REFERRAL
    assert flags_of(words, "live_chat_ended") == CUSTOMER | FIRM | ANSWER
    assert flags_of(words, "email_opened") == 0
    assert flags_of(words, "account_deleted") == CUSTOMER_EXIT, "an exit is no initiative"
    assert flags_of(words, "subscription_cancelled") == CUSTOMER | TIE_CLOSED, "no exit while another tie holds"
    assert flags_of(words, "customer_blocked") == FIRM | FIRM_EXIT
    assert find_kind(words, hash_of("never_heard_of")) == -1
    assert words.meanings[find_kind(words, hash_of("order_completed"))].weight == 3.0


def test_every_kind_is_found_however_full_the_table() -> None:
    kinds = [f"kind_{number}" for number in range(1000)]
    text = POLICY + "".join(f"{kind} = {{ engagement = {n} }}\n" for n, kind in enumerate(kinds))
    words = read_policy(text).vocabulary
    slots = [int(find_kind(words, hash_of(kind))) for kind in kinds]
    assert [int(words.meanings[slot].weight) for slot in slots] == list(range(1000))


@pytest.mark.parametrize(("action", "flags"), [("keep", UNMAPPED), ("reject", UNMAPPED | REFUSED)])
def test_kinds_that_are_not_named_are_kept_or_refused(action: str, flags: int) -> None:
    assert policy(action=action).rules.unmapped == flags


def test_all_problems_are_told_at_once_with_their_lines() -> None:
    text = replaced(
        currency='currency = "euro"',
        model='model = "pareto"',
        alpha="alpha = -1",
        threshold="threshold = true",
        hiatus_days='hiatus_days = "long"',
        commitment_weeks="commitment_weeks = 2.5",
        minimum_amount="minimum_amount = nan",
        action='action = "guess"',
        order_completed='order_completed = { initiative = "both sides", purchase = 1, colour = "red" }',
    )
    keys = ["currency", "churn.model", "churn.alpha", "churn.threshold", "stages.hiatus_days"]
    keys += ["stages.commitment_weeks", "purchase.minimum_amount", "unmapped.action"]
    expected = [(line(text, key.rpartition(".")[2] + " ="), key) for key in keys]
    expected += [(line(text, "order_"), f"kinds.order_completed.{key}") for key in ("initiative", "purchase", "colour")]
    assert sorted(found(text)) == sorted(expected)
    assert found(text) == sorted(found(text), key=lambda problem: problem[0]), "in the order of the lines"


def test_a_key_of_the_same_name_in_another_table_is_not_taken_for_it() -> None:
    text = POLICY.replace("[churn]", 'unit = 3\n[churn]\n# unit = "moon"')
    assert found(text) == [(line(text, "unit = 3"), "unit")]


def test_missing_keys_are_found_at_their_table() -> None:
    text = replaced(r="", hiatus_days="")
    assert found(text) == [(line(text, "[churn]"), "churn.r"), (line(text, "[stages]"), "stages.hiatus_days")]


def test_missing_tables_and_an_empty_policy_are_told() -> None:
    keys = {key for _, key in found("")}
    assert {"name", "churn.model", "stages.hiatus_days", "unmapped.action", "kinds"} <= keys
    assert {key for _, key in found(POLICY.partition("[kinds]")[0])} == {"kinds"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (POLICY.replace("[kinds]\n", "[kinds]\nOrderCompleted = {}\n"), "kinds.OrderCompleted"),
        (POLICY.replace("[kinds]\n", "[kinds]\nwished = 3\n"), "kinds.wished"),
        (POLICY.replace("[kinds]\n", '[kinds]\nleft = { exit = "both" }\n'), "kinds.left.exit"),
        (POLICY.replace("[kinds]\n", '[kinds]\nleft = { exit = "firm", purchase = true }\n'), "kinds.left"),
        (POLICY.replace("[kinds]\n", "[kinds]\nwished = { engagement = -1 }\n"), "kinds.wished.engagement"),
        (POLICY.replace("[churn]", "[rates]\nUSD = 0\n[churn]"), "rates.USD"),
        (POLICY.replace("[churn]", "[rates]\ndollar = 1.1\n[churn]"), "rates.dollar"),
        (POLICY.replace("[churn]", "rates = 3\n[churn]"), "rates"),
        (POLICY.replace("[churn]", "[chum]\nx = 1\n[churn]"), "chum"),
    ],
)
def test_one_problem_is_told_once(text: str, key: str) -> None:
    assert [problem for _, problem in found(text)] == [key]


@pytest.mark.parametrize("model", ["mbgnbd", "bgnbd"])
def test_a_threshold_that_fires_at_the_moment_of_a_purchase_is_refused(model: str) -> None:
    highest = 1.614 / (0.891 + 1.614)
    text = replaced(model=f'model = "{model}"', threshold=f"threshold = {highest + 1e-6:.6f}")
    (problem,) = find_problems(text)
    assert (problem.line, problem.key) == (line(text, "threshold"), "churn.threshold")
    assert f"{highest:.4f}" in problem.message
    assert find_problems(replaced(model=f'model = "{model}"', threshold=f"threshold = {highest - 1e-6:.6f}")) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (POLICY.replace("r = 0.525", "r = = 0.525"), line(POLICY, "r = ")),
        ('name = "a"\nname = "b"\n', 2),
        ('name = "a"\n[kinds]\nx = {', 3),
    ],
)
def test_text_that_is_no_toml_is_one_problem_with_its_line(text: str, number: int) -> None:
    (problem,) = find_problems(text)
    assert "TOML" in problem.message
    assert problem.line == number


def test_a_bad_policy_is_not_read() -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(replaced(r="r = 0", alpha="alpha = inf"))
    assert [problem.key for problem in refused.value.problems] == ["churn.r", "churn.alpha"]
    assert f"line {line(POLICY, 'r = ')}: churn.r" in str(refused.value)


def test_a_policy_is_known_by_the_hash_of_its_text() -> None:
    read = read_policy(POLICY)
    assert read.hash == hashlib.sha256(POLICY.encode()).hexdigest()
    assert int(read.rules.hash) == int(read.hash[:16], 16)
    assert read.text == POLICY
    assert read_policy(POLICY + "# a remark\n").hash != read.hash


def test_numbers_reach_compiled_code_in_its_units() -> None:
    rules = policy(model="bgnbd", unit="day", horizon_days=0.5, hiatus_days=30).rules
    assert (rules.model, rules.unit_ms, rules.horizon_ms, rules.hiatus_ms) == (BG, DAY, DAY // 2, 30 * DAY)
    assert policy().rules.model == MBG


@pytest.mark.parametrize(
    ("currency", "amount", "least"),
    [
        *[("EUR", 0.01, 1), ("EUR", 0, 0), ("EUR", 0.001, 1), ("EUR", 0.29, 29), ("EUR", 1.1, 110), ("EUR", 5, 500)],
        *[("JPY", 0.5, 1), ("JPY", 100, 100), ("BHD", 0.0011, 2), ("BHD", 1.1, 1100), ("CLF", 1, 10_000)],
    ],
)
def test_the_least_purchase_is_no_less_than_the_policy_says(currency: str, amount: float, least: int) -> None:
    assert policy(currency=currency, minimum_amount=amount).rules.minimum_minor == least


def with_rates(currency: str, **rates: float) -> Vocabulary:
    lines = "".join(f"{name} = {rate!r}\n" for name, rate in rates.items())
    return read_policy(POLICY.replace('"EUR"\n', f'"{currency}"\n[rates]\n{lines}')).vocabulary


def in_own(words: Vocabulary, currency: str, amount: int) -> int:
    place = rate_of(words, code(currency))
    return int(converted(words.currency_rates[place], amount))


@pytest.mark.parametrize(
    ("own", "other", "rate", "amount", "expected"),
    [
        ("EUR", "USD", 0.92, 10_000, 9_200),
        ("EUR", "JPY", 0.0062, 10_000, 6_200),  # 10,000 yen have no minor unit: 62 euros
        ("EUR", "BHD", 2.5, 1_000, 250),  # 1 dinar is 1,000 fils
        ("JPY", "EUR", 160.0, 1_234, 1_974),
        ("JPY", "BHD", 400.0, 1_500, 600),
        ("BHD", "EUR", 0.4, 100, 400),
        ("EUR", "USD", 0.5, 1, 0),  # half to even
        ("EUR", "USD", 0.5, 3, 2),
        ("EUR", "USD", 0.92, -10_000, -9_200),
    ],
)
def test_amounts_are_converted_in_minor_units(own: str, other: str, rate: float, amount: int, expected: int) -> None:
    words = with_rates(own, **{other: rate})
    assert in_own(words, other, amount) == expected
    assert in_own(words, own, amount) == amount


def test_a_rate_for_the_policys_own_currency_changes_nothing() -> None:
    assert in_own(with_rates("EUR", EUR=2.0), "EUR", 700) == 700


@pytest.mark.parametrize("currency", ["USD", "XXX", "E1R", "EURO", "", "eu"])
def test_a_currency_without_a_rate_is_not_known(currency: str) -> None:
    assert rate_of(with_rates("EUR", GBP=1.2), code(currency)) == -1


def test_a_currency_is_known_in_any_case() -> None:
    assert code("eur") == code("EUR") == code("eUr")


def test_importers_and_policies_agree_on_minor_units() -> None:
    for currency in [*EXPONENTS, "EUR", "USD", "CHF"]:
        assert exponent(currency) == decimals_of(currency), currency

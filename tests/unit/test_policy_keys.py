"""Every key of a policy: its default, what it refuses, what contradicts it, and that its page tells of it."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.relationship import DAY, POLICY, policy

from processors.policy.meanings import MEANINGS, complete
from processors.policy.policy import find_problems, hash_of, read_policy
from processors.policy.rules import CATEGORIES, TRUST_FACTORS, Vocabulary
from processors.policy.settings import KEYS, OF_VERSION_2, OPTIONAL, REQUIRED, TARGETS
from processors.triggers.traits import CONSENT_KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()


def found(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.key) for problem in find_problems(text)]


def line(text: str, start: str) -> int:
    """The number of the first line that begins so."""
    return next(number for number, content in enumerate(text.splitlines(), 1) if content.startswith(start))


def with_settings(*lines: str) -> str:
    """The tests' policy with tables before its kinds; keys of [decay] go into the table that is there."""
    own, decay = [each for each in lines if "memory" not in each], [each for each in lines if "memory" in each]
    text = POLICY.replace("[kinds]\n", "".join(f"{each}\n" for each in own) + "[kinds]\n")
    return text.replace("[decay]\n", "[decay]\n" + "".join(f"{each}\n" for each in decay))


def with_setting(path: tuple[str, ...], value: str) -> str:
    table, key = path
    return with_settings(*([] if table == "decay" else [f"[{table}]"]), f"{key} = {value}")


def with_kind(meaning: str) -> str:
    return POLICY + f"mentioned = {{ {meaning} }}\n"


def second(text: str) -> str:
    """The same as a text of version 2."""
    silence = "[silence]\nhorizon_days = 91\nreturn_below = 0.1\nlife_days = 45\n"
    text = text.replace('name = "test"\n', 'name = "test"\nversion = 2\n').replace("threshold = 0.5\n", "")
    if "[silence]\n" in text:
        return text.replace("[silence]\n", silence)
    return text.replace("[stages]\n", silence + "[stages]\n")


LATER = {"marketing", "renewal", "term_days", "consent"}


def texts(values: Any) -> list[int]:
    assert values.dtype == np.uint64
    return [int(value) for value in values]


def test_a_policy_of_an_earlier_day_has_every_default() -> None:
    rules, words = policy().rules, policy().vocabulary
    assert (rules.memory_half_life, rules.margin_share, rules.annual_rate, rules.hysteresis) == (365.0, 0.3, 0.1, 0.1)
    assert (rules.gg_p, rules.gg_q, rules.gg_gamma) == (6.25, 3.74, 1544.0), "gamma in minor units"
    assert (rules.clv_horizon_ms, rules.referral_minor) == (1095 * DAY, 1000)
    assert (rules.tier_middle_minor, rules.tier_high_minor) == (20_000, 200_000)
    assert (rules.satisfaction_low, rules.satisfaction_high, rules.risk_band) == (2.0, 4.0, 0.7)
    ends = (rules.lookback_ms, rules.grace_ms, rules.patience_ms, rules.both_ms, rules.default_interval_ms)
    assert ends == (60 * DAY, 14 * DAY, 7 * DAY, 30 * DAY, 30 * DAY)
    assert rules.contact_gap == 2.0
    assert (rules.deal_purchases, rules.deal_share, rules.norm_orders, rules.norm_share) == (4, 0.8, 4, 0.5)
    assert (rules.maintenance_contacts, rules.enduring_months) == (3, 6)
    assert (rules.bond_weak, rules.bond_strong, rules.bond_side, rules.communal_share) == (2.0, 5.0, 2 / 3, 0.5)
    assert (rules.trust_prior, rules.trust_positive, rules.trust_negative) == (2.0, 0.2, -0.2)
    assert (rules.two_way_rate, rules.thin_margin, rules.record_ms) == (1.0, 0.05, DAY)
    assert (rules.contribution_scale, rules.investment_scale) == (2.0, 2.0)
    reasons = ("defective", "damaged", "late", "wrong_item", "ethical", "breach")
    assert texts(words.failure_reasons) == sorted(int(hash_of(reason)) for reason in reasons)
    assert texts(words.finite_categories) == texts(words.one_off_categories) == texts(words.target_values) == []
    assert (int(words.target_name), words.target_inverse, rules.has_target) == (0, 0, 0)


def test_numbers_are_of_one_type_whatever_the_policy_writes() -> None:
    """Compiled code is specialised by these types: an int where a float was would compile all of it anew."""
    whole = with_settings("memory_half_life_days = 300", "[value]", "p = 6", "q = 4", "gamma = 16", "middle = 100")
    kinds = [[type(value) for value in read_policy(text).vocabulary] for text in (POLICY, whole)]
    assert kinds[0] == kinds[1]
    assert set(kinds[0]) == {int, np.uint64, np.ndarray, np.recarray}


@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_money_reaches_compiled_code_in_minor_units(currency: str) -> None:
    unit = {"EUR": 100, "JPY": 1, "BHD": 1000}[currency]
    text = with_settings("[value]", "gamma = 15.5", "referral_value = 3", "middle = 150", "high = 2500.0")
    text += "called = { cost = 5 }\nmailed = { cost = 0.01 }\n"
    read = read_policy(text.replace('"EUR"', f'"{currency}"'))
    rules = read.rules
    assert (rules.gg_gamma, rules.referral_minor) == (15.5 * unit, 3 * unit)
    assert (rules.tier_middle_minor, rules.tier_high_minor) == (150 * unit, 2500 * unit)
    assert meaning_of(read.vocabulary, "called").cost_minor == 5 * unit
    assert meaning_of(read.vocabulary, "mailed").cost_minor == unit // 100


def meaning_of(words: Vocabulary, kind: str) -> Any:
    (slot,) = np.flatnonzero(words.kind_hashes == hash_of(kind))
    return words.meanings[slot]


def test_who_is_in_target_can_be_told_either_way() -> None:
    out = read_policy(
        with_settings("[let_go]", 'out_of_target = { property = "country", values = ["XX", "YY"] }')
    ).vocabulary
    assert (int(out.target_name), out.target_inverse) == (int(hash_of("country")), 0)
    assert texts(out.target_values) == sorted(int(hash_of(value)) for value in ("XX", "YY"))
    inside = read_policy(with_settings("[let_go.in_target]", 'property = "size"', 'values = ["large"]')).vocabulary
    assert (int(inside.target_name), inside.target_inverse) == (int(hash_of("size")), 1)
    assert texts(inside.target_values) == [int(hash_of("large"))]


def test_what_a_kind_means_reaches_compiled_code() -> None:
    words = read_policy(
        with_kind('engagement = 2, cost = 1.5, category = "community", bond = "emotional", bond_weight = 0.5, '
                  'trust = "brand", trust_sign = "satisfaction"')
        + 'failed = { trust = "technology", trust_sign = "negative" }\n'
        + 'liked = { trust = "knowledge", bond = "intellectual" }\n'
    ).vocabulary  # fmt: skip
    mentioned = meaning_of(words, "mentioned")
    assert (mentioned.weight, mentioned.cost_minor, mentioned.bond_weight) == (2.0, 150, 0.5)
    assert (CATEGORIES[mentioned.category], mentioned.bond) == ("community", 2)
    assert (TRUST_FACTORS[mentioned.trust], mentioned.trust_sign) == ("brand", 2)
    failed, liked, plain = (meaning_of(words, kind) for kind in ("failed", "liked", "order_completed"))
    assert (TRUST_FACTORS[failed.trust], failed.trust_sign) == ("technology", -1)
    assert (failed.bond, failed.bond_weight, failed.category) == (0, 0.0, 0)
    assert (TRUST_FACTORS[liked.trust], liked.trust_sign, liked.bond, liked.bond_weight) == ("knowledge", 1, 1, 1.0)
    assert (plain.trust, plain.trust_sign, plain.category, plain.cost_minor) == (-1, 0, 0, 0)


def test_every_switch_is_a_bit_of_its_own() -> None:
    switches = [key for key, (_, default) in MEANINGS.items() if default is False]
    flags = {}
    for key in switches:
        text = with_kind(f'initiative = "firm", {key} = true')
        text = second(text) if key in LATER else text
        flags[key] = int(meaning_of(read_policy(text).vocabulary, "mentioned")["flags"]) & ~2
    assert len(set(flags.values())) == len(switches) == 27
    assert all(value.bit_count() == 1 for value in flags.values())
    assert int(meaning_of(read_policy(with_kind("")).vocabulary, "mentioned")["flags"]) == 0


def test_reports_see_every_meaning_of_a_kind() -> None:
    read = read_policy(with_kind('initiative = "firm", two_way = true'))
    full = complete(read.kinds["mentioned"])
    assert full.keys() == MEANINGS.keys()
    assert (full["initiative"], full["two_way"], full["answer"], full["exit"]) == ("firm", True, False, None)
    assert (full["trust_sign"], full["bond_weight"], full["cost"]) == ("positive", 1.0, 0.0)


@pytest.mark.parametrize("path", [*OPTIONAL, *TARGETS], ids=".".join)
def test_a_wrong_value_is_told_with_its_line(path: tuple[str, ...]) -> None:
    for wrong in ("true", '"some"', "[1]", "nan", "inf", "-inf"):
        if (path[0] == "estimated" or path[-1].endswith("_property")) and wrong == '"some"':
            continue
        text = with_setting(path, wrong)
        text = second(text) if path in OF_VERSION_2 else text
        assert found(text) == [(line(text, f"{path[1]} = {wrong}"), ".".join(path))], wrong
        (told,) = find_problems(text)
        assert KEYS[path].expected in told.message


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("value", "q"), "1"), (("value", "p"), "0"), (("value", "margin_share"), "1.01"),
        (("value", "annual_rate"), "-0.01"), (("value", "hysteresis"), "1"), (("satisfaction", "low"), "0.9"),
        (("satisfaction", "high"), "5.1"), (("risk", "band"), "1"), (("dissolution", "patience_days"), "0"),
        (("dissolution", "grace_days"), "-1"), (("dissolution", "failure_reasons"), '["late", ""]'),
        (("let_go", "deal_purchases"), "0"), (("let_go", "norm_orders"), "2.0"), (("let_go", "deal_share"), "1.1"),
        (("bond", "side"), "0.5"), (("bond", "communal"), "1"), (("trust", "negative"), "0.1"),
        (("trust", "positive"), "0"), (("trust", "prior"), "0"), (("involvement", "enduring_months"), "0"),
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_is_told(path: tuple[str, ...], wrong: str) -> None:
    text = with_setting(path, wrong)
    assert found(text) == [(line(text, f"{path[1]} = {wrong}"), ".".join(path))]


@pytest.mark.parametrize(
    ("lines", "at", "other"),
    [
        (("[value]", "middle = 500", "high = 400"), "value.middle", "value.high = 400"),
        (("[value]", "middle = 400", "high = 400"), "value.middle", "value.high = 400"),
        (("[value]", "middle = 3000"), "value.middle", "value.high = 2000.0, its default"),
        (("[value]", "high = 150"), "value.high", "value.middle = 200.0, its default"),
        (("[satisfaction]", "low = 4"), "satisfaction.low", "satisfaction.high = 4.0, its default"),
        (("[bond]", "weak = 5.0"), "bond.weak", "bond.strong = 5.0, its default"),
        (("[bond]", "strong = 1"), "bond.strong", "bond.weak = 2.0, its default"),
    ],
)
def test_limits_in_the_wrong_order_are_told(lines: tuple[str, ...], at: str, other: str) -> None:
    text = with_settings(*lines)
    (told,) = find_problems(text)
    assert (told.line, told.key) == (line(text, at.partition(".")[2] + " = "), at)
    assert other in told.message


def test_a_target_rule_is_told_what_it_lacks() -> None:
    text = with_settings("[let_go]", 'out_of_target = { property = "", value = ["XX"] }')
    at = line(text, "out_of_target")
    keys = ["let_go.out_of_target.property", "let_go.out_of_target.values", "let_go.out_of_target.value"]
    assert sorted(found(text)) == sorted((at, key) for key in keys)
    text = with_settings("[let_go.in_target]", 'property = "size"', "values = []")
    assert found(text) == [(line(text, "values"), "let_go.in_target.values")]


def test_two_target_rules_exclude_each_other() -> None:
    rule = '{ property = "country", values = ["XX"] }'
    text = with_settings("[let_go]", f"out_of_target = {rule}", f"in_target = {rule}")
    (told,) = find_problems(text)
    assert (told.line, told.key) == (line(text, "in_target"), "let_go.in_target")
    assert "choose one" in told.message


@pytest.mark.parametrize(
    ("lines", "at", "key", "word"),
    [
        (("[value]", "midle = 3"), "midle", "value.midle", "[value] has p, q, gamma"),
        (("[valu]", "middle = 3"), "[valu]", "valu", "is not a key"),
        (("[value.tiers]", "middle = 3"), "[value.tiers]", "value.tiers", "[value] has p, q, gamma"),
        (("[[trust]]", "prior = 2"), "[[trust]]", "trust", "must be a table"),
    ],
)
def test_unknown_keys_and_tables_are_told(lines: tuple[str, ...], at: str, key: str, word: str) -> None:
    text = with_settings(*lines)
    (told,) = find_problems(text)
    assert (told.line, told.key) == (line(text, at), key)
    assert word in told.message


@pytest.mark.parametrize("key", MEANINGS)
def test_a_wrong_meaning_is_told_with_its_line(key: str) -> None:
    needed = {
        "trust_sign": 'trust = "brand", ',
        "bond_weight": 'bond = "emotional", ',
        "bond_if": 'bond = "emotional", ',
        "term_days": "renewal = true, ",
    }
    for wrong in ("[true]", '"some"', "nan", "-1", "{ a = 1 }"):
        text = with_kind(f"{needed.get(key, '')}{key} = {wrong}")
        text = second(text) if key in LATER else text
        (told,) = find_problems(text)
        assert (told.line, told.key) == (line(text, "mentioned"), f"kinds.mentioned.{key}"), wrong
        assert MEANINGS[key][0].expected in told.message


@pytest.mark.parametrize(
    ("meaning", "key", "word"),
    [
        ('purchase = true, exit = "customer"', "", "both purchase and exit"),
        ("purchase = true, refund = true", "", "both purchase and refund"),
        ("purchase = true, return = true", "", "both purchase and return"),
        ("purchase = true, cancellation = true", "", "both purchase and cancellation"),
        ("question = true, answer = true", "", "both question and answer"),
        ("complaint = true, resolution = true", "", "both complaint and resolution"),
        ("failure = true, failure_by_reason = true", "", "both failure and failure_by_reason"),
        ('tie = "closed", exit = "customer"', "", "only once no tie is left"),
        ('tie = "opened", exit = "firm"', "", "an exit opens no tie"),
        ('trust_sign = "negative"', ".trust_sign", "without trust"),
        ("bond_weight = 2.0", ".bond_weight", "without bond"),
        ('bond_if = "satisfied"', ".bond_if", "without bond"),
        ('initiative = "customer", individual = true', "", 'expected initiative = "firm" or "both"'),
        ("individual = true", "", 'expected initiative = "firm" or "both"'),
    ],
)
def test_what_a_kind_cannot_be_at_once_is_told(meaning: str, key: str, word: str) -> None:
    text = with_kind(meaning)
    (told,) = find_problems(text)
    assert (told.line, told.key) == (line(text, "mentioned"), f"kinds.mentioned{key}")
    assert word in told.message


def test_what_is_switched_off_contradicts_nothing() -> None:
    assert find_problems(with_kind("purchase = true, refund = false, question = false, answer = true")) == []


def test_problems_of_every_part_are_told_at_once() -> None:
    text = with_settings("[value]", "middle = 500", "high = 400", "[risk]", "band = 2", "[trust]", "prio = 1")
    text = text.replace("threshold = 0.5", "threshold = 0.9") + 'left = { tie = "closed", exit = "firm", cost = -1 }\n'
    keys = ["churn.threshold", "value.middle", "risk.band", "trust.prio"]
    lines = [line(text, start) for start in ("threshold", "middle", "band", "prio")]
    left = line(text, "left")
    assert found(text) == [*zip(lines, keys, strict=True), (left, "kinds.left.cost"), (left, "kinds.left")]


@pytest.mark.parametrize("lines", [("[silence]", "rhythm = 1.0"), ("[value]", "prior_days = 1")])
def test_what_came_with_version_2_needs_it(lines: tuple[str, ...]) -> None:
    (told,) = find_problems(with_settings(*lines))
    assert "needs version = 2" in told.message
    assert find_problems(second(with_settings(*lines))) == []
    (told,) = find_problems(with_kind("marketing = true"))
    assert "needs version = 2" in told.message


def test_version_2_has_no_threshold() -> None:
    (told,) = find_problems(second(POLICY).replace('unit = "week"\n', 'unit = "week"\nthreshold = 0.5\n'))
    assert (told.key, "silence.return_below" in told.message) == ("churn.threshold", True)
    assert [each.key for each in find_problems(POLICY.replace('name = "test"\n', 'name = "test"\nversion = 3\n'))] == [
        "version"
    ]


def test_the_page_tells_of_every_key() -> None:
    rows = {row.split("|")[1].strip(): row for row in PAGE.splitlines() if row.startswith("| `")}
    names = {f"`{'.'.join(path)}`" for path in KEYS} | {f"`{key}`" for key in MEANINGS}
    names |= {"`properties.NAME`", *(f"`consent.{channel}`" for channel in CONSENT_KEYS)}
    assert rows.keys() == names, "each key has its row, and each row its key"
    for path in REQUIRED:
        assert "required" in rows[f"`{'.'.join(path)}`"], path
    for path, (_, default) in OPTIONAL.items():
        (told,) = tomllib.loads(f"x = {rows['`' + '.'.join(path) + '`'].split('|')[2].strip().strip('`')}").values()
        assert told == default, path
    for key, (_, default) in MEANINGS.items():
        told = rows[f"`{key}`"].split("|")[2].strip().strip("`")
        assert told == ("none" if default is None else default if isinstance(default, str) else repr(default).lower())


def test_the_page_names_every_choice() -> None:
    for word in (*CATEGORIES[1:], *TRUST_FACTORS):
        assert f"`{word}`" in PAGE, word

"""The policies that come with Relasi: their vocabulary, and whether what each kind means makes sense together."""

import re
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import pytest
from support.command import relasi

from processors.policy.meanings import complete
from processors.policy.policy import find_problems
from processors.policy.settings import KEYS, OPTIONAL, TARGETS
from streams.policies import PRESETS, preset

Meaning = dict[str, Any]

_SHARED: Final = """
page_viewed products_searched product_list_viewed product_viewed product_added product_removed cart_viewed
checkout_started payment_info_entered order_completed order_updated order_refunded order_cancelled order_shipped
order_delivered order_delayed return_requested coupon_entered coupon_applied coupon_denied promotion_viewed
promotion_clicked wishlist_product_added product_shared product_reviewed account_created account_deleted signed_in
email_delivered email_opened email_link_clicked unsubscribed ad_impression ad_clicked live_chat_started live_chat_ended
support_ticket_opened support_ticket_answered support_ticket_solved call_received call_made store_visited
complaint_filed referral_made friend_joined community_joined community_posted community_answered idea_submitted
design_configured survey_answered loyalty_enrolled loyalty_points_redeemed subscription_started subscription_renewed
subscription_cancelled trial_started trial_ended gift_ordered recommendation_shown recommendation_clicked
account_manager_assigned security_alert data_breach_notified page_failed certification_viewed help_article_viewed
customer_blocked competitor_mentioned category_outgrown
screen_viewed identified group_joined product_list_filtered product_clicked wishlist_product_removed
checkout_step_viewed checkout_step_completed coupon_removed email_bounced email_marked_as_spam
push_notification_received push_notification_tapped push_notification_bounced signed_out
invite_sent account_added_user account_removed_user application_installed application_opened
application_backgrounded application_updated application_uninstalled application_crashed live_chat_message_sent
live_chat_message_received
"""
_OWN: Final = {
    "commerce": "",
    "hotel": """
        reservation_made reservation_cancelled checked_in checked_out frequent_stay_enrolled room_service_ordered
        business_service_used exercise_facility_used laundry_ordered restaurant_visited bar_visited concierge_asked
    """,
    "telecom": """
        top_up_purchased data_package_purchased self_service_used contract_signed contract_renewed contract_terminated
        number_ported_in port_out_requested coverage_failed tariff_viewed
    """,
    "banking": """
        relationship_manager_assigned relationship_manager_met branch_visited app_used product_opened product_closed
        account_closed
    """,
    "b2b": """
        quote_requested quote_sent negotiation_held contract_signed contract_renewed contract_terminated invoice_paid
    """,
}
SHARED: Final = _SHARED.split()
PURCHASES: Final = {"order_completed", "gift_ordered", "subscription_started", "subscription_renewed"}
OWN_PURCHASES: Final = {
    "commerce": set(),
    "hotel": {
        "checked_out", "room_service_ordered", "restaurant_visited", "bar_visited", "laundry_ordered",
        "business_service_used",
    },
    "telecom": {"top_up_purchased", "data_package_purchased", "bill_paid"},
    "banking": {"fee_charged"},
    "b2b": {"contract_renewed", "invoice_paid"},
}  # fmt: skip
# Of the shared kinds, who has each of these meanings: the rules of the defaults.
HOLDERS: Final = {
    "purchase": PURCHASES,
    "investment": {
        "account_created", "payment_info_entered", "loyalty_enrolled", "loyalty_points_redeemed",
        "subscription_started", "subscription_renewed",
    },
    "contribution": {
        "product_reviewed", "referral_made", "friend_joined", "product_shared", "community_posted",
        "community_answered", "idea_submitted", "design_configured", "survey_answered",
    },
    "question": {"support_ticket_opened", "live_chat_started", "complaint_filed"},
    "answer": {"support_ticket_answered", "support_ticket_solved", "live_chat_ended", "call_made",
        "live_chat_message_received"},
    "resolution": {"support_ticket_solved", "order_refunded"},
    "complaint": {"complaint_filed"},
    "failure": {"order_delayed", "data_breach_notified"},
    "failure_by_reason": {"complaint_filed", "return_requested", "order_refunded", "order_cancelled"},
    "rival": {"competitor_mentioned", "coupon_denied"},
    "outgrown": {"category_outgrown"},
    "return": {"return_requested", "order_refunded"},
    "refund": {"order_refunded"},
    "cancellation": {"order_cancelled"},
    "discount": {"coupon_applied"},
    "gift": {"gift_ordered"},
    "loyalty": {"loyalty_enrolled"},
    "on_record": {"subscription_started", "subscription_renewed"},
    "manager": {"account_manager_assigned"},
    "acquisition": {"ad_impression", "ad_clicked"},
}  # fmt: skip
COSTS: Final = {
    "call_received": 5, "call_made": 5, "live_chat_started": 5, "support_ticket_opened": 4, "store_visited": 3,
    "email_delivered": 0.01,
}  # fmt: skip


@pytest.fixture(params=PRESETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def kinds_of(name: str) -> dict[str, Meaning]:
    return {kind: complete(meaning) for kind, meaning in preset(name).kinds.items()}


def test_the_shared_vocabulary_is_whole() -> None:
    assert len(SHARED) == len(set(SHARED)) == 96


def test_a_preset_can_be_used_and_is_called_as_its_file(name: str) -> None:
    policy = preset(name)
    assert find_problems(policy.text) == []
    assert policy.name == name


def test_a_preset_names_its_vocabulary_and_the_shared_one(name: str) -> None:
    assert {*SHARED, *_OWN[name].split()} <= preset(name).kinds.keys()


def test_a_preset_states_every_key(name: str) -> None:
    stated = tomllib.loads(preset(name).text)
    own = {("version",), ("churn", "threshold"), ("value", "middle"), ("value", "high"), ("value", "gamma")}
    own |= {path for path in KEYS if path[0] in ("silence", "churn", "estimated")}
    own |= {("value", name) for name in ("prior_days", "service_per_year", "referrals_per_year")}
    own |= {("dissolution", "default_interval_days")}
    for path in KEYS.keys() - TARGETS.keys() - own:
        value: Any = stated
        for part in path:
            value = value[part]
        # How customers buy, their silence and their worth are a business's own; all else is as it was described.
        if path in OPTIONAL:
            assert value == OPTIONAL[path][1], path
    assert not any(path[1] in stated["let_go"] for path in TARGETS), "no preset has an out-of-target rule"


def test_a_preset_has_a_rule_of_silence_of_its_own(name: str) -> None:
    stated, commerce = tomllib.loads(preset(name).text), tomllib.loads(preset().text)
    assert stated["version"] == 2
    assert 0.05 <= stated["silence"]["return_below"] <= 0.2
    assert "not yours" in preset(name).text, "parameters that nobody estimated"
    for table in ("purchase", "decay", "rates", "unmapped"):
        assert stated[table] == commerce[table], table
    if name != "commerce":
        parameters = ("r", "alpha", "a", "b")
        assert [stated["churn"][key] for key in parameters] != [commerce["churn"][key] for key in parameters]


def test_shared_kinds_mean_the_same_everywhere(name: str) -> None:
    own, commerce = kinds_of(name), kinds_of("commerce")
    # How long something binds without a stated term is a business's own; beside contracts a bonus card binds nobody.
    if "contract_signed" in own:
        commerce["loyalty_enrolled"] = commerce["loyalty_enrolled"] | {"tie": None}
    assert {kind: own[kind] | {"term_days": None} for kind in commerce} == {
        kind: meaning | {"term_days": None} for kind, meaning in commerce.items()
    }


@pytest.mark.parametrize("key", HOLDERS)
def test_the_defaults_of_the_shared_kinds(key: str) -> None:
    kinds = kinds_of("commerce")
    assert {kind for kind in SHARED if kinds[kind][key]} == HOLDERS[key]


def test_the_exits_and_ties_of_the_shared_kinds() -> None:
    kinds = kinds_of("commerce")
    assert {kind: kinds[kind]["exit"] for kind in SHARED if kinds[kind]["exit"]} == {
        "account_deleted": "customer",
        "customer_blocked": "firm",
    }
    assert {kind: kinds[kind]["tie"] for kind in SHARED if kinds[kind]["tie"]} == {
        "subscription_started": "opened",
        "loyalty_enrolled": "opened",
        "subscription_cancelled": "closed",
    }


def test_what_serving_costs_by_default() -> None:
    kinds = kinds_of("commerce")
    assert {kind: kinds[kind]["cost"] for kind in SHARED if kinds[kind]["cost"]} == COSTS


def test_purchases_of_each_business(name: str) -> None:
    assert {kind for kind, meaning in kinds_of(name).items() if meaning["purchase"]} == PURCHASES | OWN_PURCHASES[name]


def test_exits_of_each_business() -> None:
    own = {
        (name, kind): meaning["exit"]
        for name in PRESETS
        for kind, meaning in kinds_of(name).items()
        if meaning["exit"] and kind not in SHARED
    }
    assert own == {
        ("telecom", "port_out_requested"): "customer",
        ("banking", "account_closed"): "customer",
    }


@pytest.mark.parametrize("business", ["telecom", "banking", "b2b"])
def test_contracts_stand_side_by_side_and_a_bonus_card_is_none(business: str) -> None:
    kinds = kinds_of(business)
    assert [kinds[kind]["tie"] for kind in ("contract_signed", "contract_terminated")] == ["opened", "closed"]
    assert kinds["contract_terminated"]["exit"] is None
    assert kinds["loyalty_enrolled"]["tie"] is None


def test_a_stay_counts_when_the_guest_leaves() -> None:
    kinds = kinds_of("hotel")
    reservation = kinds["reservation_made"]
    assert (reservation["initiative"], reservation["purchase"], reservation["investment"]) == ("customer", False, False)
    assert kinds["reservation_cancelled"]["cancellation"]
    assert kinds["frequent_stay_enrolled"] == kinds["loyalty_enrolled"]


SENSE: Final[dict[str, Callable[[Meaning], bool]]] = {
    "purchases are the customer's": lambda kind: not kind["purchase"] or kind["initiative"] == "customer",
    "investments are the customer's": lambda kind: not kind["investment"] or kind["initiative"] == "customer",
    "contributions are the customer's": lambda kind: not kind["contribution"] or kind["initiative"] == "customer",
    "who gives without return, contributes": lambda kind: not kind["giving"] or kind["contribution"],
    "questions are the customer's": lambda kind: not kind["question"] or kind["initiative"] == "customer",
    "a question is an exchange or a complaint": lambda kind: (
        not kind["question"] or kind["two_way"] or kind["complaint"]
    ),
    "complaints want an answer": lambda kind: not kind["complaint"] or kind["question"],
    "the firm answers": lambda kind: not kind["answer"] or kind["initiative"] in ("firm", "both"),
    "the firm resolves": lambda kind: not kind["resolution"] or kind["initiative"] == "firm",
    "the firm pays back": lambda kind: not kind["refund"] or kind["initiative"] == "firm",
    "an exchange takes a person": lambda kind: not kind["two_way"] or (kind["category"] or "").endswith("assistance"),
    "what was made for one customer takes a person": lambda kind: (
        not kind["individual"] or (kind["category"] or "").endswith("assistance")
    ),
    "a manager is dedicated": lambda kind: not kind["manager"] or kind["category"] == "dedicated_personal_assistance",
    "a failure costs trust": lambda kind: not kind["failure"] or (kind["trust"] and kind["trust_sign"] == "negative"),
    "exits are in no category": lambda kind: not kind["exit"] or kind["category"] is None,
    "an exit is by whose initiative it was": lambda kind: not kind["exit"] or kind["exit"] == kind["initiative"],
    "ties are the customer's": lambda kind: not kind["tie"] or kind["initiative"] == "customer",
    "what opens a tie is an investment": lambda kind: kind["tie"] != "opened" or kind["investment"],
    "going on record is an investment": lambda kind: not kind["on_record"] or kind["investment"],
    "a gift is a purchase": lambda kind: not kind["gift"] or kind["purchase"],
    "referrals make an emotional bond": lambda kind: not kind["referral"] or kind["bond"] == "emotional",
    "engagement is the customer's": lambda kind: not kind["engagement"] or kind["initiative"] != "firm",
}


@pytest.mark.parametrize("rule", SENSE)
def test_what_kinds_mean_makes_sense(name: str, rule: str) -> None:
    assert [kind for kind, meaning in kinds_of(name).items() if not SENSE[rule](meaning)] == []


def test_every_kind_is_explained_by_its_group(name: str) -> None:
    """Every line of a setting explains itself, unless the one above does; kinds stand under a heading."""
    settings, _, kinds = preset(name).text.partition("\n[kinds]\n")
    bare = {"name", "EUR", "GBP", "r", "alpha", "a", "b", "interaction_half_life_days", "engagement_half_life_days"}
    for line in settings.splitlines():
        key = re.match(r"(\w+) = ", line)
        assert key is None or "#" in line or key[1] in bare, line
    assert kinds.startswith("# ")
    assert all(len(line) <= 250 for line in kinds.splitlines())


def test_another_name_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="commerce, hotel, telecom, banking, b2b"):
        preset("airline")


def test_every_file_among_the_policies_is_a_preset() -> None:
    assert {file.name for file in (files("processors") / "policy" / "presets").iterdir()} == {
        f"{name}.toml" for name in PRESETS
    }


def test_a_preset_is_printed_without_a_data_directory(name: str) -> None:
    ran = relasi("policy", "show", "--preset", name, "--data", "/nowhere/at/all")
    assert (ran.code, ran.out, ran.err) == (0, preset(name).text, "")


def test_a_preset_that_does_not_exist_is_a_wrong_command() -> None:
    ran = relasi("policy", "show", "--preset", "airline")
    assert (ran.code, ran.out) == (2, "")
    assert "hotel" in ran.err

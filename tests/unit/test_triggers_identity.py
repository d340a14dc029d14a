"""Rules when two ids turn out to be one customer: one memory, one mail, and nothing for what the merge makes true."""

from functools import partial

from support.rules import Fired, Life, fired, policy_with

CART = '[triggers.cart]\non = "quiet 1 hour after product_added unless order_completed"\nhold_out = 0.0\n'
COMMITTED = '[triggers.committed]\non = "stage: any -> commitment"\nhold_out = 0.0\n'
ONCE = '[triggers.once]\non = "touchpoint: product_viewed"\nhold_out = 0.0\ncooldown_days = 30\n'


def visit(log: Life, kind: str, hours: float, **fields: object) -> Life:
    return log.tell(kind, hours, None, anonymous_id="visitor", **fields)  # type: ignore[arg-type]


def test_a_cart_filled_before_the_log_in_is_followed_by_one_mail() -> None:
    log = visit(Life().tell("newsletter_subscribed", 0), "product_added", 10)
    log.tell("signed_in", 10.5, anonymous_id="visitor").tick(12).tick(40)
    assert fired(log, policy_with(CART)) == [Fired("cart", "sent", 11)]


def test_who_bought_after_the_log_in_is_not_written_to() -> None:
    log = visit(Life().tell("newsletter_subscribed", 0), "product_added", 10)
    log.tell("signed_in", 10.5, anonymous_id="visitor").tell("order_completed", 10.8).tick(12)
    assert fired(log, policy_with(CART)) == []


def test_both_had_filled_a_cart_and_get_one_mail() -> None:
    log = visit(Life().tell("newsletter_subscribed", 0).tell("product_added", 10), "product_added", 10.3)
    log.tell("signed_in", 10.5, anonymous_id="visitor").tick(14)
    assert fired(log, policy_with(CART)) == [Fired("cart", "sent", 11.3)]


def test_what_becomes_true_by_the_merge_sends_nothing() -> None:
    log, of = Life().tell("newsletter_subscribed", 0), policy_with(COMMITTED)
    for week in range(5):
        (log.tell if week % 2 else partial(visit, log))("order_completed", 24.0 * 7 * week + 5)
    log.tell("product_reviewed", 24 * 33)
    assert fired(log, of) == []
    log.tell("signed_in", 24 * 34, anonymous_id="visitor")
    assert [(each.customer, each.outcome) for each in fired(log, of)] == [("ann", "stale")]


def test_a_rule_that_fired_for_one_is_cooling_for_both() -> None:
    log = Life().tell("newsletter_subscribed", 0).tell("product_viewed", 1)
    visit(log, "newsletter_subscribed", 1.5)
    visit(log, "product_viewed", 2)
    log.tell("signed_in", 3, anonymous_id="visitor").tell("product_viewed", 4)
    assert [(each.customer, each.outcome) for each in fired(log, policy_with(ONCE))] == [
        ("ann", "sent"),
        ("visitor", "sent"),
        ("ann", "withdrawn"),  # of the two the second, which one customer would not have got
        ("ann", "cooling"),
    ]


def test_consent_and_properties_of_the_visitor_are_the_customers_from_then_on() -> None:
    of = policy_with(
        '[properties]\nplan = "string"\n[triggers.gold]\non = "touchpoint: account_created"\n'
        "when = \"properties.plan == 'gold'\"\nhold_out = 0.0\n"
    )
    log = visit(Life(), "newsletter_subscribed", 1, properties={"plan": "gold"})
    log.tell("account_created", 2).tell("signed_in", 3, anonymous_id="visitor").tell("account_created", 4)
    assert fired(log, of) == [Fired("gold", "sent", 4)]

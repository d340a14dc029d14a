"""A customer's document as text for a marketer: a section for each part of the model, then the histories."""

from collections.abc import Iterator
from typing import Any, Final

from streams.commands.customer_history import judgements, stages
from streams.commands.customer_lines import day, end_evidence, entry, money, number, percent, touchpoint, wrapped
from streams.reports.format import one_line

Document = dict[str, Any]


def as_text(told: Document) -> str:
    """The whole document, section after section."""
    sections = [
        _standing(told),
        ["Commitment", *_commitment(told["commitment"])],
        ["Value", *_value(told)],
        ["Bond", *_bond(told["profile"])],
        ["Contact", *_contact(told["profile"])],
        ["Trust (-1 to 1), and the last touchpoint behind it", *_trust(told["trust"])],
        ["Category of relationship", *_category(told)],
        ["Reasons to let go", *let_go(told)],
        ["What to do", *_step(told["profile"])],
        ["How it ended", *_end(told)],
        ["Open questions and complaints", *_questions(told["open_questions"])],
        ["History of stages", *stages(told)],
        ["History of judgements", *judgements(told)],
    ]
    return "\n\n".join("\n".join(section) for section in sections)


_WHO: Final = {"known": "Customer", "anonymous": "Visitor", "account": "Account"}


def _standing(told: Document) -> list[str]:
    its = told["profile"]
    episode = f"episode {its['episode']}" + (", won back" if its["win_back"] else "")
    risk, horizon = percent(its["churn_risk"]), f"{told['horizon_days']:g} days"
    if its["churn_risk"] is not None:
        risk = f"{risk} within {horizon}, which is {its['risk_band']}"
    spend = money(its["spend_minor"], told["currency"])
    until = "ended already" if its["stage"] == "dissolution" else day(its["next_due_at"])
    who = f"{_WHO[told['namespace']]} {one_line(told['customer_id'])}"
    return [
        f"{who}: {its['stage']} since {day(its['stage_since'])} ({episode})",
        *entry("time is", day(told["as_of"])),
        *entry("alive", percent(its["p_alive"])),
        *entry("churn risk", risk),
        *entry("forecasts", _whose(told["forecasts"])),
        *entry("purchases", f"{its['purchases']} on {its['purchase_days']} days, {spend}"),
        *entry("last purchase", day(its["last_purchase_at"])),
        *entry("touchpoints", f"{its['touchpoints']}, from {day(its['first_at'])} to {day(its['last_at'])}"),
        *entry("silence ends it", until),
    ]


def _whose(forecasts: Document) -> str:
    if not forecasts["purchases"]:
        return "preset, not yours: run `relasi fit`"
    return f"estimated from your data, {forecasts['purchases']}"


def _commitment(its: Document) -> Iterator[str]:
    ties = f"; {number(its['open_ties'], 'open tie')}" if its["open_ties"] else ""
    for label, last in (("contribution", its["last_contribution_at"]), ("investment", its["last_investment_at"])):
        more = ties if label == "investment" else ""
        yield from entry(label, f"{its[label]:.2f}  last {day(last)}{more}")
    days = number(its["purchase_days"], "day with a purchase", "days with purchases")
    yield from entry("consistency", f"{its['consistency']:.2f}  {days}")


def _value(told: Document) -> Iterator[str]:
    its, currency = told["profile"], told["currency"]
    profit = its["margin_minor"] - its["cost_minor"]
    yield from entry("lifetime value", f"{money(its['clv_minor'], currency)}, tier {its['value_tier']}")
    if its["expected_value_minor"] is not None:
        expected = money(its["expected_value_minor"], currency)
        condition = ", if alive" if told["forecasts"]["if_alive"] else ""
        yield from entry("expected spend", f"{expected} within {told['horizon_days']:g} days{condition}")
    yield from entry("margin", money(its["margin_minor"], currency))
    yield from entry(
        "cost to serve", f"{money(its['cost_minor'], currency)}, so that {money(profit, currency)} is left"
    )
    yield from entry("refunded", money(its["refunded_minor"], currency))
    yield from entry("discounted", f"{its['discounted']} of {number(its['purchases'], 'purchase')}")
    yield from entry("returned", number(its["returned_orders"], "order"))
    yield from entry("referrals", f"{its['referrals']:,}")


def _bond(its: Document) -> Iterator[str]:
    strength = "" if its["bond_type"] == "none" else f", {its['bond_strength']}"
    sides = f"intellectual {its['bond_intellectual']:.2f}, emotional {its['bond_emotional']:.2f}"
    yield from entry("bond", f"{its['bond_type']}{strength} ({sides})")
    giving = f"giving {its['giving']:.2f}, exchanges {its['exchanges']:.2f}"
    yield from entry("relationship", f"{its['relationship_type']} ({giving})")
    interest = f"interest {its['interest_long']:.2f} in the long run, {its['interest_short']:.2f} of late"
    months = number(its["active_months"], "month")
    yield from entry("involvement", f"{its['involvement']} (active in {months}; {interest})")


def _contact(its: Document) -> Iterator[str]:
    yield from entry("interactivity", f"{its['two_way_per_quarter']:.2f} a quarter, {its['two_way']:,} two-way in all")
    made = f"{its['individual']:,} of {its['outbound']:,} contacts by the firm"
    share = "" if its["individualisation"] is None else f", {its['individualisation']:.1%} as older ones fade"
    yield from entry("individual", made + share)
    if its["unmapped"]:
        yield from entry("unmapped", f"{number(its['unmapped'], 'touchpoint')} of kinds that the policy does not name")


def _trust(factors: list[Document]) -> Iterator[str]:
    for its in factors:
        late = its["left_unanswered"]
        newest = touchpoint(its["evidence"]) if its["evidence"] not in late else ""
        text = "; ".join(filter(None, (newest, *(f"left too long: {touchpoint(question)}" for question in late))))
        # An index that rounds to zero has no sign.
        index = f"{its['index']:+.2f}".replace("-0.00", "+0.00")
        yield from wrapped(f"  {its['factor']:<22}{index}  {its['sign']:<10}", text)


def _category(told: Document) -> Iterator[str]:
    its = told["category"]
    yield from entry("observed", its["observed"])
    if its["manager_since"]:
        yield from entry("manager", f"assigned {day(its['manager_since'])}")
    for name, contacts in its["contacts"].items():
        cost = money(contacts["cost_minor"], told["currency"])
        many = number(contacts["count"], "contact")
        yield f"    {name:<30}{contacts['share']:>6.1%}  {many:>15}  {cost:>18}"
    yield from entry("segment expects", its["expected_by_segment"])
    yield from entry("recommended", f"{its['recommended']}: {its['reason']}")


def let_go(told: Document) -> Iterator[str]:
    """The reasons to let go, with what each costs and the counts that it rests on."""
    if not told["let_go"]:
        yield "  none"
    for its in told["let_go"]:
        why = _why_let_go(its["reason"], its["evidence"], told["currency"])
        cost = money(its["cost_minor"], told["currency"])
        yield from wrapped(f"  {its['reason']:<18}", f"costs {cost}: {why}")


def _why_let_go(reason: str, its: Document, currency: str) -> str:
    if reason == "deal_seeker":
        return f"{its['discounted']} of {number(its['purchases'], 'purchase')} discounted"
    if reason == "norm_violator":
        returned = f"{its['returned_orders']} of {number(its['orders'], 'order')} returned or cancelled"
        return returned + (f"; blocked by the firm {day(its['blocked_at'])}" if its["blocked_at"] else "")
    if reason == "high_maintenance":
        margin = money(its["margin_minor"], currency)
        contacts = number(its["two_way"], "two-way contact")
        return f"{contacts}, cost to serve {money(its['cost_minor'], currency)} against a margin of {margin}"
    outside, inside = its["touchpoints_outside"], its["touchpoints_inside"]
    return f"{number(outside, 'touchpoint')} out of target, {inside} in it"


def _step(its: Document) -> Iterator[str]:
    yield from entry("motivation", its["motivation"])
    yield from entry("next best step", its["next_step"])
    yield from entry("segment", f"{its['segment']} (value tier {its['value_tier']}, need {its['need']})")


def _end(told: Document) -> Iterator[str]:
    its = told["end"]
    if its is None:
        yield "  it lasts"
    else:
        yield from entry("by", its["by"])
        yield from entry("why", its["reason"])
        yield from entry("evidence", end_evidence(its["reason"], its["evidence"]))
        last = "; ".join(f"{one_line(each['kind'])} {one_line(each['event_id'])}" for each in its["touchpoints"])
        yield from entry("the end", day(its["at"]) + (f", {last}" if last else ""))
    for former in told["former_ends"]:
        span = f"{day(former['dissolved_at'])}, back {day(former['returned_at'])}"
        why = f"{former['by']}, {former['reason']}" if former["reason"] else "not judged"
        rests = end_evidence(former["reason"], former["evidence"])
        yield from entry(f"episode {former['episode']}", f"{span}: {why} ({rests})")


def _questions(questions: list[Document]) -> Iterator[str]:
    if not questions:
        yield "  none"
    for its in questions:
        open_ = [
            *(["complaint not resolved"] if its["unresolved_complaint"] else []),
            *(["not answered"] if its["unanswered"] else []),
        ]
        late = ", too long" if its["overdue"] else ""
        days = number(int(its["days"]), "day")
        yield from wrapped("  ", f"{touchpoint(its['evidence'])}: {' and '.join(open_)} for {days}{late}")

"""What changed of a customer, change after change, each with what it was decided on."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

from streams.commands.customer_lines import WIDTH, day, end_evidence, money, number, touchpoint, wrapped
from streams.reports.format import one_line

Document = dict[str, Any]

_EVIDENCE_COLUMN: Final = 62
# Of these an empty value says that there is none; of the others, that nobody has looked yet.
_NOTHING: Final = frozenset({"end_reason", "ended_by", "let_go", "observed_category", "risk_band"})


def stages(told: Document) -> Iterator[str]:
    """The published transitions, those that others took the place of included."""
    for fact in told["stages"]:
        yield f"  {day(fact['at'])}  {fact['from_stage']} → {fact['to_stage']}  ({fact['cause']})"
        yield from wrapped("      ", _stage_evidence(fact["evidence"]))
        if fact["supersedes"]:
            corrected = ", ".join(identity[16:] for identity in fact["supersedes"])
            yield from wrapped("      ", f"{fact['id'][16:]} corrects {corrected}")
        if fact["superseded_by"]:
            yield f"      no longer true: {fact['id'][16:]} was corrected by {fact['superseded_by'][16:]}"


def _stage_evidence(its: Document) -> str:
    told = []
    if its["event_id"]:
        told.append(one_line(f"{its['kind'] or 'touchpoint'} {its['event_id']}"))
    if its["purchases"]:
        weeks = number(its["weeks"], "week")
        last = day(its["last_purchase_at"])
        span = f"on {last}" if its["purchases"] == 1 else f"from {day(its['first_purchase_at'])} to {last}"
        told.append(f"{number(its['purchases'], 'purchase')} {span}, in {weeks} of the episode")
    if its["last_sign_at"]:
        told.append(f"last sign of life {day(its['last_sign_at'])}")
    return "; ".join(told) or "no initiative of the customer yet"


def judgements(told: Document) -> Iterator[str]:
    """The published changes of judgements, those of one instant together."""
    if not told["judgements"]:
        yield "  none yet: it is first judged at the start of the day after a touchpoint"
    for at, changes in groupby(told["judgements"], lambda fact: fact["at"]):
        yield f"  {day(at)}"
        for fact in changes:
            head = f"    {fact['judgement']:<27}{_words(fact)}"
            text = _judgement_evidence(fact, told["currency"])
            if len(head) + 2 <= _EVIDENCE_COLUMN and _EVIDENCE_COLUMN + len(text) <= WIDTH:
                yield f"{head:<{_EVIDENCE_COLUMN}}{text}".rstrip()
            else:
                yield head
                yield from wrapped(" " * 31, text)


def _words(fact: Document) -> str:
    nothing = "none" if fact["judgement"] in _NOTHING else "not judged"
    return f"{fact['before'] or nothing} → {fact['after'] or nothing}"


def _of_value(its: Document, currency: str) -> str:
    return f"{number(its['count'], 'purchase')}, worth {money(its['value'], currency)}"


def _of_let_go(its: Document, currency: str) -> str:
    return f"{number(its['count'], 'purchase')}, cost {money(its['value'], currency)}"


def _of_risk(its: Document, _: str) -> str:
    return f"{number(its['count'], 'purchase day')}, risk {its['value']:.1%}"


def _of_purchases(its: Document, _: str) -> str:
    return f"{number(its['count'], 'purchase')}"


def _of_need(its: Document, _: str) -> str:
    return f"{its['count']} discounted, {its['value']:.2f} two-way a quarter"


def _of_observed(its: Document, _: str) -> str:
    return f"{number(its['count'], 'touchpoint')}, {its['value']:.2f} of it"


def _of_recommended(its: Document, _: str) -> str:
    return f"{its['count']} two-way, {its['value']:.2f} a quarter"


def _of_bond(its: Document, _: str) -> str:
    return f"{number(its['count'], 'touchpoint')}, signals {its['value']:.2f}"


def _of_giving(its: Document, _: str) -> str:
    return f"{number(its['count'], 'touchpoint')}, giving {its['value']:.1%}"


def _of_months(its: Document, _: str) -> str:
    return f"active in {number(its['count'], 'month')}"


def _of_end(its: Document, _: str) -> str:
    return "; ".join(filter(None, (touchpoint(its), _complaints(its))))


def _complaints(its: Document) -> str:
    return f"{number(its['count'], 'complaint')} in all" if its["count"] else ""


def _of_trust(its: Document, _: str) -> str:
    return "; ".join(filter(None, (f"index {its['value']:+.2f}", touchpoint(its))))


# What count and value of the evidence are, as processors/lifecycle/publishing.py writes them.
_READ: Final[dict[str, Callable[[Document, str], str]]] = {
    "risk_band": _of_risk,
    "value_tier": _of_value,
    "need": _of_need,
    "motivation": _of_purchases,
    "next_step": _of_purchases,
    "observed_category": _of_observed,
    "recommended_category": _of_recommended,
    "bond_type": _of_bond,
    "bond_strength": _of_bond,
    "relationship_type": _of_giving,
    "involvement": _of_months,
    "let_go": _of_let_go,
    "ended_by": _of_end,
    "end_reason": _of_end,
}


def _judgement_evidence(fact: Document, currency: str) -> str:
    if fact["judgement"] == "end_reason" and fact["after"]:
        return "; ".join(filter(None, (end_evidence(fact["after"], fact["evidence"]), _complaints(fact["evidence"]))))
    return _READ.get(fact["judgement"], _of_trust)(fact["evidence"], fact["currency"] or currency)

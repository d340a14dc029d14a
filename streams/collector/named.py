"""Properties that have a field of a touchpoint, by the names that SDKs and vocabularies give them.

Sources: Segment, "Spec: V2 Ecommerce Events" and "Email", their first versions in camel case, and Google's "Recommended
events" of GA4.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.collector.problems import EventRefused
from streams.collector.texts import identifier, identity, says_something, text_of_value, text_or_none
from streams.imports.nobodies import NAMELESS

ORDER_IDS: Final = ("order_id", "orderId", "transaction_id", "transactionId")
"""The first of them that says something."""


def nameless(value: object) -> bool:
    """Whether what stands in the place of an id or a name is what programs write where they have none."""
    return isinstance(value, str) and value.strip().lower() in NAMELESS


def person_of(event: Mapping[str, Any]) -> str | None:
    """The known id that an event names, also where a program writes it in snake case. Raises EventRefused."""
    name = "userId" if says_something(event.get("userId")) else "user_id"
    return identity(event.get(name), name)


def visitor_of(event: Mapping[str, Any]) -> str | None:
    """The anonymous id that an event names, in either spelling. Raises EventRefused."""
    name = "anonymousId" if says_something(event.get("anonymousId")) else "anonymous_id"
    return identity(event.get(name), name)


def order_in(told: Mapping[str, Any], mapped: str | None, *, strict: bool) -> tuple[str | None, str]:
    """(the id of the order, the property that says it). ``strict``: it has to be one. Raises EventRefused."""
    for name in ORDER_IDS if mapped is None else (mapped,):
        if nameless(told.get(name)):
            continue
        try:
            found = identifier(told.get(name), name)
        except EventRefused:
            if strict:
                raise
            continue
        if found is not None:
            return found, name
    return None, ""


def campaign_in(told: Mapping[str, Any], context: Mapping[str, Any], mapped: str | None) -> tuple[str | None, str]:
    """(the campaign, the property that alone says it): of the event, else of its context."""
    for name in ("campaign", "campaign_name") if mapped is None else (mapped,):
        if text := _said(_scalar(told.get(name))):
            return text, name
        if named := _name_of(told.get(name)):
            return named, ""
    said = context.get("campaign")
    return _name_of(said) or _said(text_or_none(said)), ""


def text_in(told: Mapping[str, Any], name: str) -> str | None:
    """A property that is one value, as text; None of what is nested, or says nothing."""
    return _scalar(told.get(name))


def rating_in(value: object) -> float | None:
    """A number, or a text that is one; None of anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if value.isascii() else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        return None
    return float(value)


def _scalar(value: object) -> str | None:
    text = None if isinstance(value, dict | list) else text_of_value(value)
    return (text.strip() or None) if text is not None else None


def _name_of(value: object) -> str | None:
    return _said(text_or_none(value.get("name"))) if isinstance(value, dict) else None


def _said(text: str | None) -> str | None:
    return None if nameless(text) else text


def first_of(told: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The first value among these names that says something; None."""
    return next((told[name] for name in names if told.get(name) not in (None, "")), None)


def scalar_id(value: object, name: str) -> str:
    """An article's id as text. Raises EventRefused."""
    if isinstance(value, bool | dict | list):
        raise EventRefused("bad_lines", f"{name}: the sku or product_id of a product is a text or a number")
    return text_of_value(value) or ""

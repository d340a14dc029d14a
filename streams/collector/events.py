"""One event of an SDK as what the log takes of it: a touchpoint, a link, or nothing.

Source: Segment, "HTTP Tracking API" and "Spec: Common Fields"; RudderStack and Jitsu send the same with small
differences, which are noted where they matter.
"""

import hashlib
from typing import Any, Final, NamedTuple

from streams.collector.channels import channel_of
from streams.collector.money import AMOUNTS, amount_in, currency_in, discount_in, is_money
from streams.collector.named import campaign_in, nameless, order_in, person_of, rating_in, text_in, visitor_of
from streams.collector.problems import NO_CONSENT, EventRefused
from streams.collector.products import REFUNDED, lines_in, products_of, total_of
from streams.collector.properties import account_of, group_of, properties_of
from streams.collector.sources import ANONYMOUS, DROP, FLAG, GROUP, IGNORE, Source
from streams.collector.texts import entries_bytes, identifier, identity, table_of, text_or_none
from streams.collector.times import Skew, checked, corrected, instant_of
from streams.collector.visitors import has_consented, is_bot
from streams.collector.vocabulary import KIND_OF_TYPE, kind_of_event
from streams.imports.kinds import kind_of

TYPES: Final = frozenset({"identify", "track", "page", "screen", "group", "alias"})
_ID_BYTES: Final = 16

Touchpoint = dict[str, Any]


class Arrival(NamedTuple):
    """A request, as far as its events need to know. ``received_at`` in ms; ``user_agent`` of its header."""

    source: Source
    received_at: int
    address: str = ""
    user_agent: str = ""


class Link(NamedTuple):
    """Two ids of one customer, ``at`` in ms.

    ``from_anonymous``: whether the id of before is a visitor's; None: nobody said. ``trusted``: whether the source may
    make two known customers one.
    """

    from_id: str
    into: str
    at: int
    from_anonymous: bool | None = None
    trusted: bool = True


class Ignored(NamedTuple):
    """An event that says nothing; ``outcome``: what it is counted as."""

    outcome: str


Read = Touchpoint | Link | Ignored


def kind_of_call(event: dict[str, Any], call: str, source: Source) -> str:
    """The kind of a touchpoint. Raises EventRefused where the event has no name."""
    if call != "track":
        return source.kinds.get(call, KIND_OF_TYPE[call])
    name = event.get("event")
    if not isinstance(name, str) or not kind_of(name):
        raise EventRefused("no_kind", 'track needs the name of the event, as in "event": "Order Completed"')
    told = source.kinds.get(name) or source.kinds.get(kind_of(name))
    return told or kind_of_event(name)


def call_of(event: dict[str, Any], told: str) -> str:
    """The type of an event; ``told``: by the path of its request, empty in a batch. Raises EventRefused."""
    call = told or event.get("type")
    if not isinstance(call, str) or call.lower() not in TYPES:
        shown = f"type {call!r:.80} is none" if call else "it has no type"
        raise EventRefused("no_type", f"{shown}; expected one of {', '.join(sorted(TYPES))}")
    return call.lower()


def read_event(event: object, told: str, arrival: Arrival, skew: Skew, unnamed_id: str) -> Read:
    """What an event means. ``unnamed_id``: its id where it has none. Raises EventRefused."""
    if not isinstance(event, dict):
        raise EventRefused("ill_typed", "an event is an object")
    call = call_of(event, told)
    context = table_of(event.get("context"), "context")
    at, received = _times(event, arrival, skew)
    anonymous = _consent(context, arrival.source)
    if call == "alias":
        return Ignored(NO_CONSENT) if anonymous else _alias(event, arrival, at)
    row = _touchpoint(event, call, context, arrival, anonymous=anonymous, unnamed_id=unnamed_id)
    row["occurred_at"], row["received_at"] = at, received
    return row


def _times(event: dict[str, Any], arrival: Arrival, skew: Skew) -> tuple[int, int]:
    """(when it occurred, when the firm learned of it), ms. Only its own servers know the latter better than we do."""
    told = instant_of(event.get("receivedAt"), "receivedAt") if arrival.source.trusted else None
    received = arrival.received_at if told is None else checked(told, arrival.received_at)
    at = instant_of(event.get("timestamp"), "timestamp")
    if at is None:
        at = instant_of(event.get("originalTimestamp"), "originalTimestamp")
    if at is None:
        return received, received
    # Whoever tells when it was received has corrected it already.
    return checked(at if told is not None else corrected(at, skew), received), received


def _consent(context: dict[str, Any], source: Source) -> bool:
    """Whether the event may be kept without identity only. Raises EventRefused where it may not be kept."""
    if source.consent == IGNORE or has_consented(context, source):
        return False
    if source.consent == DROP:
        raise EventRefused(NO_CONSENT, "context.consent does not allow to keep it")
    assert source.consent == ANONYMOUS
    return True


def _alias(event: dict[str, Any], arrival: Arrival, at: int) -> Read:
    into = person_of(event)
    anonymous = visitor_of(event)
    previous = identity(event.get("previousId"), "previousId") or anonymous
    if into is None or previous is None:
        raise EventRefused("no_customer", "alias needs previousId (or anonymousId) and userId")
    if arrival.source.customer == GROUP:
        # Neither is a customer there: a link would make a visitor a person's, whom an account comes with.
        return Ignored("link_ignored")
    if previous == into:
        # analytics-next sends exactly this for alias("2") after identify("1").
        return Ignored("link_ignored")
    if not arrival.source.trusted and previous != anonymous:
        raise EventRefused(
            "alias_not_allowed",
            "with a browser's key an alias links the visitor's own anonymousId; send others with a server's key",
        )
    # Whoever names a visitor by previousId need not say so.
    from_anonymous = True if previous == anonymous else None
    return Link(previous, into, at, from_anonymous, arrival.source.trusted)


def _touchpoint(
    event: dict[str, Any],
    call: str,
    context: dict[str, Any],
    arrival: Arrival,
    *,
    anonymous: bool,
    unnamed_id: str,
) -> Touchpoint:
    source = arrival.source
    told = table_of(event.get("properties"), "properties")
    kind = kind_of_call(event, call, source)
    event_id = id_of(event) or unnamed_id
    row: Touchpoint = {
        "event_id": event_id,
        **_ids(event, call, context, source),
        "kind": kind,
    }
    used = _money(row, told, source)
    used |= _named(row, told, event, context, source)
    rest = {name: value for name, value in told.items() if name not in used}
    texts = properties_of(event, call, context, rest, source, arrival, anonymous=anonymous)
    if anonymous:
        row |= {"customer_id": None, "anonymous_id": event_id, "is_account": None}
    if row["customer_id"] is None and row["anonymous_id"] is None:
        raise EventRefused("no_customer", "it has neither userId nor anonymousId" + _whose(source))
    if source.customer == GROUP and not anonymous and (person := person_of(event)):
        if "person" in texts:
            texts["properties.person"] = texts["person"]
        texts["person"] = person
    if source.bots == FLAG and is_bot(_agent(context, arrival)):
        texts["bot"] = "true"
    row["properties"] = entries_bytes(texts)
    return row


def id_of(event: dict[str, Any]) -> str | None:
    """The id that the event gives itself; None too of what programs write where they have none. Raises EventRefused."""
    told = event.get("messageId")
    return None if nameless(told) else identifier(told, "messageId")


def _whose(source: Source) -> str:
    return (
        ", and of this source the customer is the group: send groupId or context.groupId"
        if source.customer == GROUP
        else ""
    )


def _agent(context: dict[str, Any], arrival: Arrival) -> str:
    told = text_or_none(context.get("userAgent"))
    # What a server sends with is no visitor's browser.
    return told or ("" if arrival.source.trusted else arrival.user_agent)


def _ids(event: dict[str, Any], call: str, context: dict[str, Any], source: Source) -> dict[str, str | bool | None]:
    person = person_of(event)
    anonymous = visitor_of(event)
    if call == "group" and group_of(event, context) is None:
        raise EventRefused("no_group", "group needs groupId")
    if source.customer == GROUP:
        account = account_of(event, context)
        return {"customer_id": account, "anonymous_id": anonymous, "is_account": account is not None or None}
    return {"customer_id": person, "anonymous_id": anonymous}


def _money(row: Touchpoint, told: dict[str, Any], source: Source) -> set[str]:
    """Put currency, amounts and lines into the row; returns the names of the properties that they came from."""
    kind = row["kind"]
    used: set[str] = set()
    mapped = source.fields
    currency_name = mapped.get("currency", "currency")
    currency = currency_in(told.get(currency_name)) or source.currency or None
    used.add(currency_name)
    products, listed = products_of(told)
    names = (mapped["amount"],) if "amount" in mapped else AMOUNTS
    for name in names:
        value = told.get(name)
        if value is None or value == "":
            continue
        try:
            amount = amount_in(value, name, currency)
        except EventRefused:
            if name == AMOUNTS[0] or name == mapped.get("amount") or is_money(kind):
                raise
            continue
        if amount.minor == 0 and kind == REFUNDED and any(told.get(other) for other in names):
            # A refund of nothing gives back the whole order; another of its names says how much.
            continue
        row["amount_minor"], currency = amount.minor, currency or amount.currency
        used.add(name)
        break
    for field in ("cost", "margin"):
        value = told.get(mapped[field]) if field in mapped else None
        if value is not None and value != "":
            row[f"{field}_minor"] = amount_in(value, mapped[field], currency).minor
            used.add(mapped[field])
    row["lines"], lines = lines_in(products, currency)
    if "amount_minor" not in row and (total := total_of(kind, lines, currency)) is not None:
        row["amount_minor"] = total
    if listed:
        used.add(listed)
    if "discount" in told:
        told["discount"] = discount_in(told["discount"])
    row["currency"] = currency
    return used


def _named(
    row: Touchpoint, told: dict[str, Any], event: dict[str, Any], context: dict[str, Any], source: Source
) -> set[str]:
    """Put what has a field of its own into the row; returns the names of the properties that it came from."""
    used: set[str] = set()
    row["order_id"], name = order_in(told, source.fields.get("order_id"), strict=is_money(row["kind"]))
    used.add(name)
    row["campaign"], name = campaign_in(told, context, source.fields.get("campaign"))
    used.add(name)
    for field in ("agent_id", "channel"):
        name = source.fields.get(field, field)
        if text := text_in(told, name):
            row[field] = text
            used.add(name)
    if "channel" not in row:
        row["channel"] = channel_of(event, context, source)
    rated = source.fields.get("satisfaction", "rating" if row["kind"] == "product_reviewed" else "satisfaction")
    if (rating := rating_in(told.get(rated))) is not None:
        row["satisfaction"] = rating
        used.add(rated)
    used.discard("")  # where nothing says it
    return used


def unnamed(payload: bytes, told: bool, received_at: int, index: int) -> str:
    """An id for an event that has none. ``told``: it says when it occurred, so the same bytes are the same event."""
    salt = b"" if told else b"%d %d " % (received_at, index)
    return hashlib.blake2b(salt + payload, digest_size=_ID_BYTES).hexdigest()

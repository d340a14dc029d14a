"""What an event says beside the fields of a touchpoint, as properties: names to texts."""

from typing import Any, Final

from streams.collector.sources import GROUP, Source
from streams.collector.texts import identity, table_of, text_of_value
from streams.collector.visitors import address_of

CONTEXT: Final = "context."
TRAITS: Final = "traits."
_CALL: Final = {"type", "event", "name", "category", "userId", "anonymousId", "previousId", "groupId", "messageId"}
_TIMES: Final = {"timestamp", "originalTimestamp", "sentAt", "receivedAt"}
_TOLD: Final = {"context", "properties", "traits", "integrations", "writeKey", "channel", "_metadata"}
_READ: Final = frozenset(_CALL | _TIMES | _TOLD)
"""Members of an event that are read by name, or say nothing of what happened."""
_PLAIN: Final = ("timezone", "locale")
_OF_PERSON: Final = frozenset(
    {"traits", "ip", "userAgent", "userAgentData", "device", "network", "location", "groupId"}
)
"""Parts of the context that tell who somebody is."""


def properties_of(
    event: dict[str, Any],
    call: str,
    context: dict[str, Any],
    rest: dict[str, Any],
    source: Source,
    arrival: Any,
    *,
    anonymous: bool,
) -> dict[str, str]:
    """The properties of a touchpoint. ``rest``: of the event's own, those that have no field. Raises EventRefused.

    ``anonymous``: nothing that tells who it was.
    """
    texts: dict[str, str] = {}
    _put_all(texts, "", rest)
    for name in ("name", "category"):
        if call in ("page", "screen"):
            _put(texts, name, event.get(name))
    traits = table_of(context.get("traits"), "context.traits")
    own = table_of(event.get("traits"), "traits")
    if not anonymous:
        _put_traits(texts, call, traits, own, source)
        if source.customer != GROUP and (group := group_of(event, context)) is not None:
            texts.setdefault("group_id", group)
    _put_context(texts, context, source, arrival, anonymous=anonymous)
    for name, value in event.items():
        if name not in _READ:
            _put(texts, name, value)
    return texts


def _put(texts: dict[str, str], name: str, value: object) -> None:
    text = text_of_value(value)
    if text is not None:
        texts.setdefault(name, text)


def _put_all(texts: dict[str, str], prefix: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        _put(texts, prefix + name, value)


def _put_traits(texts: dict[str, str], call: str, traits: dict[str, Any], own: dict[str, Any], source: Source) -> None:
    """Those of whom the call is about by their own names; those of a person beside it, or of an account's, say so."""
    if call == "group":
        # The traits in its context are the person's.
        _put_all(texts, TRAITS, traits)
        _put_all(texts, "", own)
    elif call == "identify" and source.customer != GROUP:
        # RudderStack has the traits of identify in the context.
        _put_all(texts, "", traits)
        _put_all(texts, "", own)
    else:
        _put_all(texts, TRAITS, {**traits, **own})


def group_of(event: dict[str, Any], context: dict[str, Any]) -> str | None:
    """The group that an event names itself, or in its context. Raises EventRefused."""
    found = identity(event.get("groupId"), "groupId")
    return found if found is not None else identity(context.get("groupId"), "context.groupId")


def account_of(event: dict[str, Any], context: dict[str, Any]) -> str | None:
    """The group that is the customer: the one that the event names, else that of its traits. Raises EventRefused."""
    found = group_of(event, context)
    for traits, name in ((event.get("traits"), "traits"), (context.get("traits"), "context.traits")):
        if found is None and isinstance(traits, dict) and not isinstance(traits.get("groupId"), dict | list):
            found = identity(traits.get("groupId"), f"{name}.groupId")
    return found


def _put_context(
    texts: dict[str, str], context: dict[str, Any], source: Source, arrival: Any, *, anonymous: bool
) -> None:
    for name, value in context.items():
        if name in ("traits", "ip", "groupId") or (anonymous and name in _OF_PERSON):
            continue
        if name in _PLAIN:
            _put(texts, name, value)
        elif isinstance(value, dict):
            _put_all(texts, f"{CONTEXT}{name}.", value)
        else:
            _put(texts, CONTEXT + name, value)
    if anonymous:
        return
    # Of a visitor the connection knows the address; of what a server passes on only the server does.
    told = context.get("ip") if source.trusted else arrival.address
    if (address := address_of(told, source)) is not None:
        texts[CONTEXT + "ip"] = address

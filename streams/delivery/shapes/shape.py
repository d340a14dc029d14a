"""What a shape is: how a trigger is told to one kind of receiver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from streams.delivery.trigger import Trigger

JSON_TYPE: Final = "application/json"
AGENT: Final = "Relasi/1 (+webhooks)"


class CantTell(ValueError):
    """A trigger that this receiver can't be told: what it asks for is not known of the customer."""


class Person(NamedTuple):
    """Whom a receiver is told of: by ``key``, the customer's id or the property that the endpoint names, and
    ``email``.
    """

    key: str
    email: str = ""


@dataclass(frozen=True)
class Shape:
    """``content``: the body of a trigger, of (trigger, person, options); the same whenever it is asked. ``path``: what
    is appended to the endpoint's URL. ``headers``: what proves who sends it, of (secrets by name); with each attempt
    anew.

    ``options``: what an endpoint has to say beside its URL, with what each is. ``secrets``: which secrets it has to
    name. ``signed``: with Standard Webhooks' headers; their secret is ``signing``. ``known_by``: how the receiver
    recognises what comes a second time. ``digest``: so many triggers at most go in one request.
    """

    name: str
    purpose: str
    content: Callable[[Trigger, Person, Mapping[str, str]], Any]
    known_by: str
    path: Callable[[Trigger, Person], str] = lambda _trigger, _person: ""
    headers: Callable[[Mapping[str, str]], dict[str, str]] = lambda _secrets: {}
    media_type: str = JSON_TYPE
    options: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = ()
    signed: bool = False
    email: bool = False
    digest: int = 1


def iso(at: int) -> str:
    """An instant in ms as ISO 8601 in UTC with its milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_or_none(at: int | None) -> str | None:
    return None if at is None else iso(at)


def segment_of(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


def money(trigger: Trigger) -> dict[str, Any] | None:
    """The expected margin, with its currency."""
    if trigger.expected_margin_minor is None:
        return None
    return {"amount_minor": trigger.expected_margin_minor, "currency": trigger.currency}


# ISO 4217: all other currencies have two decimals.
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final = {
    **dict.fromkeys(_NO_DECIMALS.split(" "), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(" "), 3),
}


def major(trigger: Trigger) -> float | None:
    """The expected margin in whole units of its currency, for receivers that know no minor ones."""
    if trigger.expected_margin_minor is None:
        return None
    decimals = _DECIMALS.get(trigger.currency, 2)
    return round(float(trigger.expected_margin_minor) / float(10**decimals), decimals)


def data_of(trigger: Trigger) -> dict[str, Any]:
    """Everything that is told of a trigger, nested; what is not known is left out."""
    evidence = {
        "last_purchase_at": _iso_or_none(trigger.evidence_last_purchase_at),
        "purchases": trigger.evidence_purchases,
        "event_id": trigger.evidence_event_id,
    }
    return known(
        {
            "id": trigger.id,
            "rule": trigger.rule,
            "customer_id": trigger.customer_id,
            "namespace": trigger.namespace,
            "sequence": trigger.sequence,
            "at": iso(trigger.at),
            "valid_until": _iso_or_none(trigger.valid_until),
            "channel": trigger.channel or None,
            "stage": trigger.stage or None,
            "from_stage": trigger.from_stage or None,
            "cause": trigger.cause or None,
            "value_tier": trigger.value_tier or None,
            "risk": trigger.risk,
            "expected_margin": money(trigger),
            "category": trigger.category or None,
            "next_step": trigger.next_step or None,
            "supersedes": trigger.takes_back,
            "evidence": known(evidence),
            "properties": dict(sorted(trigger.payload.items())) or None,
            "policy_hash": trigger.policy_hash or None,
        }
    )


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None."""
    return {name: value for name, value in values.items() if value is not None}


def flat_of(trigger: Trigger) -> dict[str, Any]:
    """The same as one level of texts, numbers and truth values, as most tools for automation take properties."""
    data = data_of(trigger)
    evidence = data.pop("evidence")
    data.pop("expected_margin", None)
    properties = data.pop("properties", {})
    flat = {**data, **{f"evidence_{name}": value for name, value in evidence.items()}}
    if (worth := major(trigger)) is not None:
        flat |= {"expected_margin": worth, "currency": trigger.currency}
    return flat | {name: value for name, value in properties.items() if name not in flat}


def title_of(rule: str) -> str:
    """``win_back`` as ``Relasi Win Back``."""
    return "Relasi " + " ".join(word.capitalize() for word in rule.split("_"))


def snake_of(rule: str) -> str:
    """``win_back`` as ``relasi_win_back``."""
    return f"relasi_{rule}"

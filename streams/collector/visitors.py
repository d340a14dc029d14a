"""What a collector may say of a visitor: whether it is a robot, from where it came, and what it has agreed to."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from crawleruseragents import is_crawler

from streams.collector.sources import DROP, KEEP, Source

_V4_BITS: Final = 24
_V6_BITS: Final = 48
_LONGEST_AGENT: Final = 1024
_LISTS: Final = frozenset({"allowedConsentIds", "deniedConsentIds"})
_WITHOUT_LISTS: Final = frozenset({"provider", "resolutionStrategy"})


@lru_cache(maxsize=8192)
def is_bot(user_agent: str) -> bool:
    """Whether a User-Agent is that of a crawler, by the list of monperrus/crawler-user-agents."""
    return bool(is_crawler(user_agent[:_LONGEST_AGENT]))


def address_of(text: object, source: Source) -> str | None:
    """An IP address as the source wants it: without its last byte (IPv6: its last ten) unless it is to be kept."""
    return _address(text, source.ip) if source.ip != DROP and isinstance(text, str) else None


@lru_cache(maxsize=8192)
def _address(text: str, how: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if how == KEEP:
        return str(address)
    bits = _V4_BITS if address.version == 4 else _V6_BITS
    return str(ipaddress.ip_network((address, bits), strict=False).network_address)


def has_consented(context: Mapping[str, Any], source: Source) -> bool:
    """Whether what the event says of consent allows to keep it.

    Segment's ``context.consent.categoryPreferences`` (category to true or false), RudderStack's
    ``context.consentManagement`` (allowed and denied ids). Without either nothing was asked. Where the source names
    categories, one of them must be allowed; otherwise one at all. What can't be read says no: only a yes is a yes.
    """
    allowed, denied, readable = _preferences(context)
    if not readable:
        return False
    if not allowed and not denied:
        return True
    wanted = set(source.consent_categories)
    return bool(allowed & wanted if wanted else allowed)


def _preferences(context: Mapping[str, Any]) -> tuple[set[str], set[str], bool]:
    """(what is allowed, what is denied, whether all of it could be read)."""
    allowed: set[str] = set()
    denied: set[str] = set()
    consent, managed = context.get("consent"), context.get("consentManagement")
    categories = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    readable = all(told is None or isinstance(told, dict) for told in (consent, managed, categories))
    # What says something in words that are not known may well be a no.
    readable = readable and (not consent or "categoryPreferences" in consent)
    readable = readable and (not managed or bool(managed.keys() & _LISTS) or not managed.keys() - _WITHOUT_LISTS)
    if isinstance(categories, dict):
        for name, given in categories.items():
            (allowed if given is True else denied).add(name.casefold())
    if isinstance(managed, dict):
        for key, names in (("allowedConsentIds", allowed), ("deniedConsentIds", denied)):
            listed = _listed(managed.get(key))
            readable = readable and listed is not None
            names.update(each.casefold() for each in listed or ())
    return allowed - denied, denied, readable


def _listed(ids: object) -> list[str] | None:
    """Ids in a list, or as the values of an object, which may be lists of them; None of anything else."""
    if ids is None:
        return []
    parts = list(ids.values()) if isinstance(ids, dict) else ids
    if not isinstance(parts, list):
        return None
    flat = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    return flat if all(isinstance(each, str) for each in flat) else None

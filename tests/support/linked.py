"""Messages of people with several ids, in a short form: ``u:1`` is known, ``a:A`` anonymous, ``u:1+a:A`` both.

``g:acme`` is an account.
"""

from typing import Any

from support.messages import DAY, START, framed, touchpoint

LETTERS = ("u", "a", "g")
"""By namespace."""


def day(number: float) -> int:
    return START + round(number * DAY)


def _ids(text: str) -> dict[str, str]:
    return dict(part.split(":", 1) for part in text.split("+"))


def who(text: str) -> tuple[str | None, str | None]:
    """The known and the anonymous id of ``u:1``, ``a:A``, or ``u:1+a:A``."""
    parts = _ids(text)
    return parts.get("u"), parts.get("a")


def ev(event: str, ids: str, kind: str, at: float, **fields: Any) -> bytes:
    named = _ids(ids)
    kinds = {"buy": "order_completed", "view": "product_viewed", "passes": "page_viewed", "leaves": "account_deleted"}
    money = {"amount_minor": 1000, "currency": "USD"} if kind == "buy" else {}
    told = {"anonymous_id": named.get("a"), **({"is_account": True} if "g" in named else {}), **money, **fields}
    return touchpoint(event, named.get("g", named.get("u")), day(at), kinds.get(kind, kind), **told)


def identify(user: str, device: str, at: float) -> bytes:
    return ev(f"identify {user} {device} {at}", f"u:{user}+a:{device}", "page_viewed", at)


def alias(before: str, user: str, at: float, **told: Any) -> bytes:
    return framed("Link", {"from": before, "into": user, "at": day(at), **told})

"""Who may send: the tables ``[sources.NAME]`` of relasi.toml."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final

from processors.policy.policy import exponent
from schemas.fields import FIELDS, amounts_of
from schemas.limits import LONGEST, detail_of
from streams.imports.kinds import kind_of
from streams.imports.pricing import UNKNOWN_DECIMALS
from streams.settings import SettingsError

BROWSER: Final = "browser"
SERVER: Final = "server"
PREFIXES: Final = {BROWSER: "pk_", SERVER: "sk_"}
ANYWHERE: Final = "*"
DROP, ANONYMOUS, IGNORE = "drop", "anonymous", "ignore"
USER, GROUP = "user", "group"
TRUNCATE, KEEP = "truncate", "keep"
FLAG: Final = "flag"

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@\"'\\]+/?")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
_MAPPED: Final = (*amounts_of(FIELDS), "currency", "order_id", "campaign", "channel", "agent_id", "satisfaction")
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _one_of(*choices: str) -> dict[str, Any]:
    return {"choices": choices}


@dataclass(frozen=True)
class Source:
    """One place that events come from, and what it may do.

    ``rate``, ``address_rate``: events a second that are taken for its key, and of one address; 0: any number.
    ``kinds``: names of events to kinds. ``fields``: fields of a touchpoint to the properties that hold them.
    """

    name: str
    key: str
    kind: str = field(default=SERVER, metadata=_one_of(BROWSER, SERVER))
    origins: tuple[str, ...] = (ANYWHERE,)
    rate: float = 0.0
    address_rate: float = 0.0
    customer: str = field(default=USER, metadata=_one_of(USER, GROUP))
    bots: str = field(default=FLAG, metadata=_one_of(FLAG, KEEP))
    ip: str = field(default=TRUNCATE, metadata=_one_of(TRUNCATE, KEEP, DROP))
    consent: str = field(default=DROP, metadata=_one_of(DROP, ANONYMOUS, IGNORE))
    consent_categories: tuple[str, ...] = ()
    currency: str = ""
    channel: str = ""
    kinds: Mapping[str, str] = field(default_factory=lambda: _NONE)
    fields: Mapping[str, str] = field(default_factory=lambda: _NONE)

    @property
    def trusted(self) -> bool:
        """Whether nobody but the firm's own servers has the key."""
        return self.kind == SERVER

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may send with its key."""
        return ANYWHERE in self.origins or origin.lower().rstrip("/") in self.origins


class Sources:
    """The sources by key."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.all: Final = sources
        self._by_key: Final = {source.key: source for source in sources}

    def of_key(self, key: str) -> Source | None:
        """The source that has this key."""
        return self._by_key.get(key)

    def in_currency(self, own: str) -> "Sources":
        """The same where amounts without a currency are in ``own``, the policy's: the log says it of such amounts where
        minor units of an unnamed currency, which have two decimals, would be others than the policy's."""
        if exponent(own) == UNKNOWN_DECIMALS:
            return self
        return Sources(tuple(source if source.currency else replace(source, currency=own) for source in self.all))

    def allow(self, origin: str) -> bool:
        """Whether any source takes pages of this origin: a browser asks before it shows its key."""
        return any(source.allows(origin) for source in self.all if not source.trusted)


def sources_of(tables: object, where: str) -> Sources:
    """The sources of the table ``sources`` of a file. Raises SettingsError, with every problem."""
    if not isinstance(tables, Mapping):
        raise SettingsError(f"{where}: sources is no table; write [sources.NAME] for each source")
    problems: list[str] = []
    found = [_source(name, table, problems) for name, table in tables.items()]
    sources = tuple(source for source in found if source is not None)
    keys: dict[str, str] = {}
    for source in sources:
        if source.key in keys:
            problems.append(f"[sources.{source.name}]: its key is that of [sources.{keys[source.key]}]")
        keys[source.key] = source.name
    if problems:
        raise SettingsError("\n".join(f"{where}: {problem}" for problem in problems))
    return Sources(sources)


def _source(name: str, table: object, problems: list[str]) -> Source | None:
    before = len(problems)
    at = f"[sources.{name}]"
    if not _NAME.fullmatch(name):
        problems.append(f"{at}: a name has small letters, digits, - and _, and begins with a letter")
    if not isinstance(table, Mapping):
        problems.append(f"{at}: expected a table with a key")
        return None
    known = {each.name: each for each in fields(Source) if each.name != "name"}
    problems += [f"{at}: no such setting: {key}; there are {', '.join(known)}" for key in table if key not in known]
    values = {key: _value(known[key], value, f"{at} {key}", problems) for key, value in table.items() if key in known}
    if "key" not in values:
        problems.append(f"{at}: it has no key; `relasi sources add {name}` makes one")
    if len(problems) > before:
        return None
    values.setdefault("name", name)
    return Source(**values)


def _value(declared: Any, value: object, at: str, problems: list[str]) -> Any:
    if declared.name in ("kinds", "fields"):
        return _names(declared.name, value, at, problems)
    if declared.name in ("origins", "consent_categories"):
        return _list(declared.name, value, at, problems)
    if declared.name in ("rate", "address_rate"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            problems.append(f"{at} is {value!r}; write events a second, 0 for any number")
        return float(value) if isinstance(value, int | float) else 0.0
    if not isinstance(value, str):
        problems.append(f"{at} is {value!r}; write a text")
        return ""
    choices = declared.metadata.get("choices")
    if choices and value not in choices:
        problems.append(f"{at} is {value!r}; write {' or '.join(choices)}")
    if declared.name == "key" and not _KEY.fullmatch(value):
        problems.append(f"{at}: a key has 8 to 128 letters, digits, - and _")
    if declared.name == "channel" and len(value.encode()) > LONGEST["channel"]:
        problems.append(f"{at} is longer than {LONGEST['channel']} bytes")
    if declared.name == "currency" and not (len(value) == 3 and value.isascii() and value.isupper()):
        problems.append(f"{at} is {value!r}; write a code of three letters, such as EUR")
    return value


def _list(name: str, value: object, at: str, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        problems.append(f"{at} is {value!r}; write a list of texts")
        return ()
    if name == "consent_categories":
        return tuple(each.casefold() for each in value)
    problems += [
        f"{at}: {each!r} is no origin; write one such as https://shop.example, or *"
        for each in value
        if each != ANYWHERE and not _ORIGIN.fullmatch(each)
    ]
    return tuple(each.lower().rstrip("/") for each in value)


def _names(name: str, value: object, at: str, problems: list[str]) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) and each for each in value.values()):
        problems.append(f"{at}: expected a table of texts")
        return _NONE
    if name == "fields":
        problems += [
            f"{at}: no such field: {key}; there are {', '.join(_MAPPED)}" for key in value if key not in _MAPPED
        ]
        return MappingProxyType(dict(value))
    problems += [
        f"{at}: {kind!r} is no kind; write one such as {kind_of(kind) or 'order_completed'}"
        for kind in value.values()
        if kind_of(kind) != kind
    ]
    problems += [
        f"{at}: {detail_of('kind')}: {kind}" for kind in value.values() if len(kind.encode()) > LONGEST["kind"]
    ]
    # A name is looked up as it came, and as the kind that it would become: "Signup Done", "signup_done".
    return MappingProxyType({**{kind_of(event): kind for event, kind in value.items()}, **value})


def new_key(kind: str) -> str:
    """A key of 144 bits of chance that says whose it is: pk_ may be seen by anybody, sk_ by nobody."""
    return PREFIXES[kind] + secrets.token_urlsafe(18)

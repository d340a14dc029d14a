"""Where triggers go: ``[endpoints.NAME]`` in ``relasi.toml``, checked as a whole before anything is sent."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from streams.delivery.addresses import Gate, Unreachable
from streams.delivery.shapes.catalogue import SHAPES
from streams.delivery.shapes.shape import Person, Shape
from streams.delivery.signing import BadSecret, key_of
from streams.delivery.trigger import Trigger

SECTION: Final = "endpoints"
SIGNING: Final = "signing"
_KEYS: Final = ("url", "shape", "rules", "secrets", "allow", "customer", "email", "options", "at_once", "every_seconds")
_MOST_AT_ONCE: Final = 64
_FILE: Final = "file:"
_VARIABLE: Final = "env:"


_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class BadEndpoint(ValueError):
    """An endpoint that can't be used; says which, what of it, and what to write."""


@dataclass(frozen=True)
class Endpoint:
    """One receiver.

    ``rules``: of the policy, whose triggers it gets; None: all. ``signing_keys``: all that are live. ``secrets``: by
    name; neither is ever shown. ``customer``: the property that is the receiver's key for a person; empty: the
    customer's id. ``email``: the property with the address. ``at_once``: requests on their way at one time.
    ``every_seconds``: least time between two requests.
    """

    name: str
    url: str
    shape: Shape
    gate: Gate = field(repr=False)
    rules: frozenset[str] | None = None
    signing_keys: tuple[bytes, ...] = field(default=(), repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    customer: str = ""
    email: str = "email"
    options: Mapping[str, str] = field(default_factory=dict)
    at_once: int = 8
    every_seconds: float = 0.0

    def wants(self, trigger: Trigger) -> bool:
        """Whether triggers of this rule go there."""
        return self.rules is None or trigger.rule in self.rules

    def person(self, trigger: Trigger) -> Person:
        """Whom the receiver is told of; an empty key where the property that it knows people by is not there.

        Where customers are known by their address, that is the id.
        """
        key = trigger.payload.get(self.customer, "") if self.customer else trigger.customer_id
        known = trigger.customer_id if _ADDRESS.fullmatch(trigger.customer_id) else ""
        return Person(key, trigger.payload.get(self.email, "") or known)

    @property
    def host(self) -> str:
        """For messages and metrics: the path of a webhook may be a secret."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def endpoints_of(
    document: Mapping[str, Any], where: str, environment: Mapping[str, str] | None = None
) -> dict[str, Endpoint]:
    """All endpoints of a document, by name. Raises BadEndpoint for the first that is wrong."""
    environment = os.environ if environment is None else environment
    section = document.get(SECTION, {})
    if not isinstance(section, Mapping):
        raise BadEndpoint(f"{where}: write [{SECTION}.NAME] for each endpoint")
    return {
        name: _endpoint(name, values, f"{where}: [{SECTION}.{name}]", environment) for name, values in section.items()
    }


def _endpoint(name: str, values: Any, where: str, environment: Mapping[str, str]) -> Endpoint:
    if not isinstance(values, Mapping):
        raise BadEndpoint(f"{where} is no table")
    if unknown := [key for key in values if key not in _KEYS]:
        near = get_close_matches(unknown[0], _KEYS, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(_KEYS)}"
        raise BadEndpoint(f"{where}: no such key: {unknown[0]}{hint}")
    shape = _shape(_text(values, "shape", "standard", where), where)
    try:
        gate = Gate(_texts(values, "allow", where))
        url = _text(values, "url", "", where)
        gate.check_url(url)
    except Unreachable as error:
        raise BadEndpoint(f"{where}: {error}") from error
    secrets, keys = _secrets(shape, values.get("secrets", {}), where, environment)
    rules = _texts(values, "rules", where) if "rules" in values else None
    return Endpoint(
        name=name,
        url=url,
        shape=shape,
        gate=gate,
        rules=None if rules is None else frozenset(rules),
        signing_keys=keys,
        secrets=secrets,
        customer=_text(values, "customer", "", where),
        email=_text(values, "email", "email", where),
        options=_options(shape, values.get("options", {}), where),
        at_once=int(_number(values, "at_once", 1 if shape.digest > 1 else 8, 1, _MOST_AT_ONCE, where)),
        every_seconds=_number(values, "every_seconds", 60.0 if shape.digest > 1 else 0.0, 0, 86_400, where),
    )


def _shape(name: str, where: str) -> Shape:
    if name not in SHAPES:
        raise BadEndpoint(f"{where}: shape {name!r} is none of {', '.join(SHAPES)}")
    return SHAPES[name]


def _text(values: Mapping[str, Any], key: str, default: str, where: str) -> str:
    value = values.get(key, default)
    if not isinstance(value, str):
        raise BadEndpoint(f"{where}: {key} is {value!r}; write a text")
    return value


def _texts(values: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadEndpoint(f"{where}: {key} is a list of texts")
    return value


def _number(values: Mapping[str, Any], key: str, default: float, least: float, most: float, where: str) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadEndpoint(f"{where}: {key} is {value!r}; write a number from {least:g} to {most:g}")
    return value


def _options(shape: Shape, values: Any, where: str) -> dict[str, str]:
    known = shape.options or {}
    if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
        raise BadEndpoint(f"{where}: options is a table of texts")
    for name in values:
        if name not in known:
            raise BadEndpoint(
                f"{where}: shape {shape.name} has no option {name}; there are {', '.join(known) or 'none'}"
            )
    for name, meaning in known.items():
        if name not in values and "default" not in meaning:
            raise BadEndpoint(f"{where}: shape {shape.name} needs options.{name}: {meaning}")
    return dict(values)


def _secrets(
    shape: Shape, values: Any, where: str, environment: Mapping[str, str]
) -> tuple[dict[str, str], tuple[bytes, ...]]:
    """Secrets by name, and the signing keys. Each is a place, never the secret itself; a list while one takes over."""
    if not isinstance(values, Mapping):
        raise BadEndpoint(f"{where}: secrets is a table: " + ", ".join(f'{name} = "env:…"' for name in shape.secrets))
    for name in shape.secrets:
        if name not in values:
            raise BadEndpoint(f'{where}: shape {shape.name} needs secrets.{name} = "env:VARIABLE" or "file:PATH"')
    for name in values:
        if name not in shape.secrets:
            raise BadEndpoint(
                f"{where}: shape {shape.name} has no secret {name}; it has {', '.join(shape.secrets) or 'none'}"
            )
    read = {name: _read_all(value, f"{where}: secrets.{name}", environment) for name, value in values.items()}
    try:
        keys = tuple(key_of(secret) for secret in read.pop(SIGNING, []))
    except BadSecret as error:
        raise BadEndpoint(f"{where}: secrets.{SIGNING}: {error}") from error
    for name, found in read.items():
        if len(found) != 1:
            raise BadEndpoint(f"{where}: secrets.{name} is one place; several at a time are for {SIGNING}")
    return {name: found[0] for name, found in read.items()}, keys


def _read_all(value: Any, where: str, environment: Mapping[str, str]) -> list[str]:
    places = value if isinstance(value, list) else [value]
    if not places:
        raise BadEndpoint(f"{where}: no place is named")
    return [_read(place, where, environment) for place in places]


def _read(place: Any, where: str, environment: Mapping[str, str]) -> str:
    readers: dict[str, Callable[[str], str | None]] = {_VARIABLE: environment.get, _FILE: _from_file}
    for prefix, reader in readers.items():
        if isinstance(place, str) and place.startswith(prefix):
            try:
                secret = reader(place.removeprefix(prefix))
            except (OSError, UnicodeDecodeError) as error:
                raise BadEndpoint(f"{where}: {place} can't be read ({type(error).__name__})") from error
            if not secret:
                raise BadEndpoint(f"{where}: {place} is empty or not there")
            return secret
    # What stands there may be the secret itself: it is not repeated.
    raise BadEndpoint(f'{where}: name where the secret is: "env:VARIABLE" or "file:PATH"')


def _from_file(path: str) -> str:
    return Path(path).read_text("utf-8").strip()

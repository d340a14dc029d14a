"""Which addresses a webhook may reach: only public ones, and those that the file allows.

Whoever may write an endpoint's URL must not reach what is inside: the metadata service of a cloud, a database, an
administrator's page. So a name is resolved once, every address that it has is checked, and the connection goes to just
those addresses; a name that resolves otherwise a moment later changes nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Beside what Python says is not global, which changed between its versions: on 3.11 ``is_global`` is true of several
# of these (*measured*: 192.88.99.1, 64:ff9b:1::1, 2002::, 5f00::1, and of every multicast address of global scope).
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # unspecified, loopback, and addresses of version 4 as they were once written
        "::ffff:0:0/96",  # mapped
        "::ffff:0:0:0/96",  # translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_LOCAL_SUFFIXES: Final = ("internal", "local", "localhost", "localdomain", "lan", "home", "corp", "intranet", "private")
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_URL: Final = re.compile(r"[!-\[\]-~]+")
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


class Unreachable(ValueError):
    """An address that webhooks must not reach; says which, why, and what allows it."""


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet may be there. Sources: IANA's special-purpose address registries."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address.version == network.version and address in network for network in _NOT_PUBLIC)


class Gate:
    """``allow``: networks (``10.1.0.0/16``), addresses and host names of one's own that may be reached all the same."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for text in allow:
            try:
                self._networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                if not _is_name(text) or _NUMBER.fullmatch(text.rstrip(".").rpartition(".")[2]):
                    raise Unreachable(f"allow: {text!r} is neither a network, an address nor a host name") from None
                self._names.add(text.lower().rstrip("."))

    def allows(self, address: Address) -> bool:
        """Whether the file allows an address that is not public."""
        return any(address.version == network.version and address in network for network in self._networks)

    def check_url(self, url: str) -> None:
        """Raises Unreachable for a URL that no webhook may go to, as far as that can be told without a resolver."""
        # Whoever reads a URL otherwise than we do would connect to another host than the one that is checked here.
        if not _URL.fullmatch(url):
            raise Unreachable("a URL of a webhook is written in printable ASCII, without spaces and backslashes")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise Unreachable(f"the URL of the webhook can't be read: {error}") from error
        if parts.scheme not in ("https", "http") or not host:
            raise Unreachable(f"{_shown(url)} is no URL of a webhook; write something like https://example.com/hook")
        if parts.username is not None or parts.password is not None:
            raise Unreachable("a URL of a webhook holds no user and no password; use secrets")
        if (address := self._literal(host)) is not None:
            self.check(host, [address])
            own = self.allows(address)
        else:
            own = self._check_name(host)
        if parts.scheme == "http" and not own:
            raise Unreachable(f"{_shown(url)}: http is for receivers that `allow` names; write https")

    def _literal(self, host: str) -> Address | None:
        try:
            return ipaddress.ip_address(host)
        except ValueError:
            # Whoever asks the C library is given addresses for 127.1, 0x7f.1 and 2130706433 as well.
            if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
                raise Unreachable(
                    f"{host} is a number and no name, and not the way in which an address is written"
                ) from None
            return None

    def _check_name(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        if name in self._names:
            return True
        if not _is_name(name):
            raise Unreachable(f"{host!r} is no host name")
        if "." not in name or name.rpartition(".")[2] in _LOCAL_SUFFIXES:
            raise Unreachable(f"{host} is a name of one's own network; to reach it add it to `allow` in the file")
        return False

    def check(self, host: str, addresses: Sequence[Address]) -> None:
        """Raises Unreachable unless every address of a host may be reached: one that is not spoils all."""
        if not addresses:
            raise Unreachable(f"{host} has no address")
        if host.lower().rstrip(".") in self._names:
            return
        for address in addresses:
            if not is_public(address) and not self.allows(address):
                raise Unreachable(
                    f"{host} is at {address}, which is not public; a receiver in one's own network stands in `allow`"
                )


def _is_name(name: str) -> bool:
    return 0 < len(name) < 254 and all(_NAME.fullmatch(label) for label in name.rstrip(".").split("."))


def _shown(url: str) -> str:
    """A URL as it may stand in a message: what follows the path may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


class CheckedResolver(AbstractResolver):
    """Resolves a name once per connection, and gives only addresses that were checked. aiohttp connects to just these.

    aiohttp asks no resolver for a host that is an address: ``Gate.check_url`` has looked at those.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate: Final = gate

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises Unreachable, and OSError where it has none."""
        infos: list[Any] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        found = [(each_family, proto, where[0]) for each_family, _, proto, _, where in infos]
        self._gate.check(host, [ipaddress.ip_address(text) for _, _, text in found])
        return [
            ResolveResult(
                hostname=host, host=text, port=port, family=each_family, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for each_family, proto, text in found
        ]

    async def close(self) -> None:
        """Nothing is held."""

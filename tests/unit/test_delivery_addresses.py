"""What a webhook may reach."""

import asyncio
import ipaddress
import socket

import pytest

from streams.delivery.addresses import CheckedResolver, Gate, Unreachable, is_public

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
    "172.31.255.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
    "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Unreachable):
        Gate().check_url(f"https://{host}/hook")


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    Gate().check_url(f"https://{f'[{address}]' if ':' in address else address}:8443/hook")


@pytest.mark.parametrize(
    "host",
    [
        "127.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "0177.0.0.1", "1.2.3.04",
        "localhost", "localhost.", "LOCALHOST", "metadata.google.internal", "printer.local", "app.localhost",
        "intranet", "db", "a_b..com", "-a.com", "exa mple.com", "[::1", "router.lan",
    ],
)  # fmt: skip
def test_odd_numbers_and_names_of_ones_own_network_are_refused(host: str) -> None:
    with pytest.raises(Unreachable):
        Gate().check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https://me:secret@example.com/", "example.com",
        "https://example.com:99999/", "https://example.com\\@127.0.0.1/", "https://exa\tmple.com/", "https://ex\u00e4mple.com/",
    ],
)  # fmt: skip
def test_urls_of_no_webhook_are_refused(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Gate().check_url(url)
    assert "secret" not in str(caught.value).replace("use secrets", "")


def test_the_file_allows_ones_own() -> None:
    gate = Gate(["10.1.0.0/16", "127.0.0.1", "crm.internal", "fd00::/8"])
    for url in (
        "http://10.1.2.3/x",
        "https://10.1.2.3/x",
        "http://127.0.0.1:99/",
        "http://crm.internal/",
        "http://[fd00::1]/",
    ):
        gate.check_url(url)
    for url in ("http://10.2.0.1/", "https://127.0.0.2/", "https://db.internal/"):
        with pytest.raises(Unreachable):
            gate.check_url(url)
    gate.check("crm.internal", [ipaddress.ip_address("192.168.3.4")])
    with pytest.raises(Unreachable):
        gate.check("example.com", [ipaddress.ip_address("192.168.3.4")])
    with pytest.raises(Unreachable, match="neither a network"):
        Gate(["10.0.0.0/99"])


def test_one_address_that_is_inside_spoils_all() -> None:
    with pytest.raises(Unreachable, match=r"10\.0\.0\.1"):
        Gate().check("example.com", [ipaddress.ip_address("8.8.8.8"), ipaddress.ip_address("10.0.0.1")])
    with pytest.raises(Unreachable, match="no address"):
        Gate().check("example.com", [])


def test_the_resolver_gives_checked_addresses_only() -> None:
    async def resolved(gate: Gate) -> list[str]:
        return [each["host"] for each in await CheckedResolver(gate).resolve("localhost", 80, socket.AF_INET)]

    assert asyncio.run(resolved(Gate(["127.0.0.0/8"]))) == ["127.0.0.1"]
    with pytest.raises(Unreachable):
        asyncio.run(resolved(Gate()))

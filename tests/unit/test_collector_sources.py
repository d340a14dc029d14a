"""Sources as people write them, and what is wrong with some."""

import tomllib

import pytest
from support.collecting import one

from streams.collector.sources import BROWSER, SERVER, new_key, sources_of
from streams.settings import SettingsError

GOOD = """
[web]
key = "pk_12345678"
kind = "browser"
origins = ["https://shop.example", "https://www.shop.example/"]
address_rate = 50
consent_categories = ["Analytics"]
kinds = { "Signup Done" = "account_created" }
[crm]
key = "sk_12345678"
customer = "group"
fields = { amount = "paid" }
"""


def test_sources_are_tables() -> None:
    sources = sources_of(tomllib.loads(GOOD), "relasi.toml")
    web, crm = sources.all
    assert (web.name, web.trusted, crm.trusted) == ("web", False, True)
    assert sources.of_key("pk_12345678") is web
    assert sources.of_key("pk_1234567") is None
    assert web.allows("https://WWW.shop.example")
    assert not web.allows("https://shop.example.evil.example")
    assert web.kinds["signup_done"] == web.kinds["Signup Done"] == "account_created"
    assert (crm.customer, dict(crm.fields)) == ("group", {"amount": "paid"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[web]\n", "[sources.web]: it has no key; `relasi sources add web` makes one"),
        ("[Web]\nkey = 'k12345678'", "[sources.Web]: a name has small letters"),
        ("[web]\nkey = 'short'", "[sources.web] key: a key has 8 to 128 letters"),
        ("[web]\nkey = 5", "[sources.web] key is 5; write a text"),
        ("[web]\nkey = 'k12345678'\nkind = 'phone'", "[sources.web] kind is 'phone'; write browser or server"),
        ("[web]\nkey = 'k12345678'\nrate = -1", "[sources.web] rate is -1; write events a second"),
        ("[web]\nkey = 'k12345678'\nrate = true", "[sources.web] rate is True; write events a second"),
        ("[web]\nkey = 'k12345678'\norigins = 'x'", "[sources.web] origins is 'x'; write a list of texts"),
        ("[web]\nkey = 'k12345678'\norigins = ['shop.example']", "'shop.example' is no origin; write one such as"),
        ("[web]\nkey = 'k12345678'\norigins = ['https://a\"b']", "is no origin; write one such as"),
        ("[web]\nkey = 'k12345678'\norigins = ['https://u@shop.example']", "is no origin; write one such as"),
        ("[web]\nkey = 'k12345678'\norigins = ['https://shop.example/path']", "is no origin; write one such as"),
        ("[web]\nkey = 'k12345678'\ncurrency = 'euro'", "[sources.web] currency is 'euro'; write a code"),
        (
            "[web]\nkey = 'k12345678'\nkinds = { a = 'Order Done' }",
            "'Order Done' is no kind; write one such as order_done",
        ),
        (f"[web]\nkey = 'k12345678'\nkinds = {{ a = '{'k' * 129}' }}", "kind is longer than 128 bytes"),
        (f"[web]\nkey = 'k12345678'\nchannel = '{'ü' * 65}'", "[sources.web] channel is longer than 128 bytes"),
        ("[web]\nkey = 'k12345678'\nfields = { price = 'x' }", "no such field: price; there are amount"),
        ("[web]\nkey = 'k12345678'\ncolour = 'x'", "[sources.web]: no such setting: colour; there are key"),
        ("web = 1", "[sources.web]: expected a table with a key"),
        ("[a]\nkey = 'k12345678'\n[b]\nkey = 'k12345678'", "[sources.b]: its key is that of [sources.a]"),
    ],
)
def test_what_is_wrong_is_told(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sources_of(tomllib.loads(text), "relasi.toml")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("relasi.toml: ")


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        sources_of(tomllib.loads("[a]\nkey='k'\nkind='x'\n[b]"), "f")
    assert len(str(caught.value).splitlines()) == 3


def test_keys_say_whose_they_are_and_are_valid() -> None:
    keys = {new_key(kind) for kind in (BROWSER, SERVER) for _ in range(50)}
    assert len(keys) == 100
    tables = {f"s{n}": {"key": key} for n, key in enumerate(sorted(keys))}
    assert len(sources_of(tables, "f").all) == 100


def test_amounts_without_a_currency_are_in_the_policys_where_its_minor_units_are_others() -> None:
    told = sources_of(tomllib.loads(GOOD + 'currency = "EUR"\n'), "here")
    assert told.in_currency("USD") is told
    yen = told.in_currency("JPY")
    assert [source.currency for source in yen.all] == ["JPY", "EUR"]
    web = yen.of_key("pk_12345678")
    assert web is not None
    event = {"type": "track", "event": "Order Completed", "anonymousId": "a", "properties": {"revenue": 500}}
    assert (one(event, web)["amount_minor"], one(event, web)["currency"]) == (500, "JPY")

"""The file's endpoints: what is wrong is said before anything is sent."""

from pathlib import Path
from typing import Any

import pytest
from support.triggers import trigger
from test_delivery_shapes import ENVIRONMENT, SECRET

from streams.delivery.endpoints import BadEndpoint, Endpoint, endpoints_of

GOOD: dict[str, Any] = {"url": "https://example.com/hook", "secrets": {"signing": "env:SIGNING"}}


def read(values: Any) -> Endpoint:
    return endpoints_of({"endpoints": {"crm": values}}, "relasi.toml", ENVIRONMENT)["crm"]


def test_a_short_one_is_enough(tmp_path: Path) -> None:
    endpoint = read(GOOD)
    assert endpoint.shape.name == "standard"
    assert endpoint.signing_keys == (b"k" * 32,)
    assert endpoint.wants(trigger())
    assert not read({**GOOD, "rules": ["welcome"]}).wants(trigger())
    (tmp_path / "new").write_text(SECRET + "\n")
    both = read({**GOOD, "secrets": {"signing": ["env:SIGNING", f"file:{tmp_path / 'new'}"]}})
    assert len(both.signing_keys) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("https://example.com", "no table"),
        ({**GOOD, "ulr": 1}, "did you mean url"),
        ({**GOOD, "shape": "teams"}, "none of standard, cloudevents"),
        ({**GOOD, "url": "https://127.0.0.1/"}, "not public"),
        ({**GOOD, "url": "http://example.com/"}, "write https"),
        ({**GOOD, "url": 7}, "write a text"),
        ({**GOOD, "allow": "10.0.0.0/8"}, "list of texts"),
        ({**GOOD, "allow": ["10.0.0.0/8x"]}, "neither a network"),
        ({**GOOD, "secrets": {}}, "needs secrets.signing"),
        ({**GOOD, "secrets": {"signing": SECRET}}, "name where the secret is"),
        ({**GOOD, "secrets": {"signing": "env:NOWHERE"}}, "empty or not there"),
        ({**GOOD, "secrets": {"signing": "file:/nowhere"}}, "can't be read"),
        ({**GOOD, "secrets": {"signing": "env:KEY"}}, "begins with whsec_"),
        ({**GOOD, "secrets": {"signing": []}}, "no place"),
        ({**GOOD, "secrets": {"signing": "env:SIGNING", "token": "env:KEY"}}, "has no secret token"),
        ({**GOOD, "secrets": {"write_key": ["env:KEY", "env:ID"]}, "shape": "segment"}, "is one place"),
        ({**GOOD, "options": {"x": "y"}}, "has no option x"),
        ({**GOOD, "shape": "hubspot", "secrets": {"token": "env:KEY"}}, "needs options.event_prefix"),
        ({**GOOD, "at_once": 0}, "a number from 1 to 64"),
        ({**GOOD, "at_once": True}, "a number from 1 to 64"),
        ({**GOOD, "every_seconds": -1}, "a number from 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_without_secrets(values: Any, said: str) -> None:
    with pytest.raises(BadEndpoint, match=said) as caught:
        read(values)
    assert "relasi.toml: [endpoints.crm]" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_no_endpoints_are_none() -> None:
    assert endpoints_of({}, "relasi.toml") == {}
    with pytest.raises(BadEndpoint, match="NAME"):
        endpoints_of({"endpoints": 3}, "relasi.toml")

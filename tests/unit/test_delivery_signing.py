"""Signatures, held against the reference implementations of Standard Webhooks and of Svix."""

import base64
import json
import time

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.signing import BadSecret, key_of, signed_headers


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


@given(key=st.binary(min_size=24, max_size=64), text=st.text())
def test_both_reference_implementations_accept_it(key: bytes, text: str) -> None:
    body = json.dumps({"said": text}, ensure_ascii=True).encode()
    headers = signed_headers("trg_1", int(time.time()), body, [key_of(secret_of(key))])
    assert standardwebhooks.Webhook(secret_of(key)).verify(body, headers) == {"said": text}
    svix.Webhook(secret_of(key)).verify(body, {name.replace("webhook-", "svix-"): v for name, v in headers.items()})


def test_while_a_secret_is_replaced_either_is_accepted_and_no_other() -> None:
    keys = [bytes([n]) * 32 for n in (1, 2, 3)]
    headers = signed_headers("trg_1", int(time.time()), b"{}", keys[:2])
    assert headers["webhook-signature"].count("v1,") == 2
    for key in keys[:2]:
        standardwebhooks.Webhook(secret_of(key)).verify(b"{}", headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret_of(keys[2])).verify(b"{}", headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret_of(keys[0])).verify(b"{ }", headers)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("c2VjcmV0", "begins with whsec_"),
        ("whsec_%%%", "no base64"),
        (secret_of(b"short"), "5 bytes"),
        (secret_of(b"x" * 65), "65 bytes"),
    ],
)
def test_a_bad_secret_is_refused_and_not_shown(secret: str, said: str) -> None:
    with pytest.raises(BadSecret, match=said) as caught:
        key_of(secret)
    assert secret.removeprefix("whsec_") not in str(caught.value)

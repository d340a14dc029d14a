"""Each shape against what its receiver's documentation asks for, checked by a small stand-in of that receiver."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from support.triggers import AT, trigger

from streams.delivery.endpoints import Endpoint, endpoints_of
from streams.delivery.intake import LARGEST_BODY, body_of, delivery_of
from streams.delivery.outbox import UNSENDABLE, WAITING, Delivery, New
from streams.delivery.sender import payload_of
from streams.delivery.shapes.catalogue import SHAPES
from streams.delivery.shapes.shape import CantTell
from streams.delivery.trigger import Trigger

SECRET: Final = "whsec_" + base64.b64encode(b"k" * 32).decode()
ENVIRONMENT: Final = {"SIGNING": SECRET, "KEY": "hush", "ID": "site"}
SECRETS: Final = {"signing": "env:SIGNING", "site_id": "env:ID", "user": "env:ID"}


def endpoint_of(shape: str, **values: Any) -> Endpoint:
    secrets = {name: SECRETS.get(name, "env:KEY") for name in SHAPES[shape].secrets}
    options = {name: "pe12345" for name, text in (SHAPES[shape].options or {}).items() if "default" not in text}
    table = {"url": "https://receiver.example.com/in", "shape": shape, "secrets": secrets, "options": options, **values}
    return endpoints_of({"endpoints": {"crm": table}}, "relasi.toml", ENVIRONMENT)["crm"]


def told(shape: str, found: Trigger, **values: Any) -> tuple[Endpoint, Any]:
    endpoint = endpoint_of(shape, **values)
    return endpoint, json.loads(body_of(found, endpoint))


def flat(properties: Mapping[str, Any]) -> None:
    assert properties
    assert all(isinstance(value, str | int | float | bool) for value in properties.values()), properties
    assert properties["rule"] == "win_back"
    assert properties["expected_margin"] == 117.32
    assert properties["currency"] == "USD"
    assert properties["plan"] == "gold"
    assert properties["evidence_purchases"] == 50


def standard(body: Any) -> None:
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "relasi.trigger.win_back"
    assert body["timestamp"] == "2026-11-30T04:33:51.000Z"
    data = body["data"]
    assert data["expected_margin"] == {"amount_minor": 11732, "currency": "USD"}
    assert data["evidence"] == {"last_purchase_at": "2026-11-29T04:33:51.000Z", "purchases": 50, "event_id": ""}
    assert (data["customer_id"], data["stage"], data["from_stage"]) == ("13167", "dissolution", "commitment")
    assert data["properties"] == {"email": "ann@example.com", "plan": "gold"}
    assert data["sequence"] == 0


def cloud_event(body: Any) -> None:
    # CloudEvents 1.0, "Required attributes" and "JSON event format".
    assert body["specversion"] == "1.0"
    assert all(isinstance(body[name], str) and body[name] for name in ("id", "source", "type", "subject", "time"))
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in body)
    assert body["data"]["rule"] == "win_back"


def segment(body: Any) -> None:
    assert (body["type"], body["userId"], body["event"]) == ("track", "13167", "Relasi Win Back")
    assert body["messageId"] == f"trg_{trigger().id}"
    flat(body["properties"])


def customerio(body: Any) -> None:
    assert body["name"] == "relasi_win_back"
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", body["id"])
    assert body["timestamp"] == AT // 1000
    assert not {"from_address", "recipient", "reply_to"} & set(body["data"])
    flat(body["data"])


def braze(body: Any) -> None:
    (event,) = body["events"]
    assert (event["external_id"], event["name"], event["_update_existing_only"]) == ("13167", "relasi_win_back", True)
    assert event["properties"]["relasi_id"] == f"trg_{trigger().id}"
    flat(event["properties"])


def klaviyo(body: Any) -> None:
    attributes = body["data"]["attributes"]
    assert body["data"]["type"] == "event"
    assert attributes["unique_id"] == f"trg_{trigger().id}"
    assert attributes["value"] == 117.32
    assert attributes["metric"]["data"] == {"type": "metric", "attributes": {"name": "Relasi Win Back"}}
    assert attributes["profile"]["data"]["attributes"] == {"external_id": "13167", "email": "ann@example.com"}
    flat(attributes["properties"])


def hubspot(body: Any) -> None:
    assert body["eventName"] == "pe12345_relasi_win_back"
    assert (body["email"], body["uuid"]) == ("ann@example.com", trigger().id)
    flat(body["properties"])


def mautic(body: Any) -> None:
    assert body == {
        "email": "ann@example.com",
        "customer_id": "13167",
        "tags": ["relasi-win-back"],
        "relasi_stage": "dissolution",
        "overwriteWithBlank": False,
    }


def flat_webhook(body: Any) -> None:
    assert (body["event"], body["person"]) == ("relasi.trigger.win_back", "13167")
    flat(body)


RECEIVERS: Final[dict[str, Callable[[Any], None]]] = {
    "standard": standard,
    "cloudevents": cloud_event,
    "segment": segment,
    "customerio": customerio,
    "braze": braze,
    "klaviyo": klaviyo,
    "hubspot": hubspot,
    "mautic": mautic,
    "n8n": flat_webhook,
    "zapier": flat_webhook,
}
PAYLOAD: Final = {"plan": "gold", "email": "ann@example.com"}


def test_every_shape_has_a_receiver_here() -> None:
    assert set(RECEIVERS) | {"slack"} == set(SHAPES)


@pytest.mark.parametrize("shape", RECEIVERS)
def test_what_a_receiver_asks_for_is_there(shape: str) -> None:
    endpoint, body = told(shape, trigger(payload=PAYLOAD))
    RECEIVERS[shape](body)
    assert body_of(trigger(payload=PAYLOAD), endpoint) == body_of(trigger(payload=PAYLOAD), endpoint)
    assert "hush" not in repr(endpoint)
    assert SECRET not in repr(endpoint)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_what_is_not_known_is_not_told(shape: str) -> None:
    bare = trigger(risk=None, expected_margin_minor=None, currency="", evidence_purchases=None,
                   evidence_last_purchase_at=None, payload={"email": "ann@example.com"})  # fmt: skip
    text = body_of(bare, endpoint_of(shape)).decode()
    assert "null" not in text
    assert "risk" not in text


def test_credentials() -> None:
    basic = "Basic " + base64.b64encode(b"hush:").decode()
    assert endpoint_of("segment").shape.headers({"write_key": "hush"}) == {"authorization": basic}
    customerio = endpoint_of("customerio")
    assert customerio.shape.headers(customerio.secrets)["authorization"] == (
        "Basic " + base64.b64encode(b"site:hush").decode()
    )
    path = delivery_of(trigger(customer_id="a/b ü"), customerio).path
    assert path == "/customers/a%2Fb%20%C3%BC/events"


def test_an_anonymous_visitor_is_no_user() -> None:
    _, body = told("segment", trigger(namespace="anonymous", customer_id="a1"))
    assert body["anonymousId"] == "a1"
    assert "userId" not in body


def test_an_account_is_no_user() -> None:
    _, body = told("segment", trigger(namespace="account", customer_id="acme"))
    assert (body["anonymousId"], body["context"]["groupId"]) == ("acme", "acme")
    assert "userId" not in body


def test_people_are_known_by_the_property_that_the_file_names() -> None:
    _, body = told("braze", trigger(payload={"crm": "C7"}), customer="crm")
    assert body["events"][0]["external_id"] == "C7"
    new = delivery_of(trigger(), endpoint_of("braze", customer="crm"))
    assert (new.state, new.body) == (UNSENDABLE, b"")
    assert "'crm'" in new.why
    with pytest.raises(CantTell, match="email"):
        body_of(trigger(), endpoint_of("hubspot"))


def test_what_is_too_large_goes_without_its_properties() -> None:
    endpoint = endpoint_of("standard")
    body = body_of(trigger(payload={"note": "x" * 30_000}), endpoint)
    assert len(body) < LARGEST_BODY
    assert json.loads(body)["data"]["properties"] == {"truncated": "true"}
    assert delivery_of(trigger(customer_id="x" * 30_000), endpoint).state == UNSENDABLE


@pytest.mark.parametrize(
    ("amount", "currency", "value"), [(1234, "JPY", 1234), (1234, "KWD", 1.234), (-5, "EUR", -0.05)]
)
def test_money_in_whole_units(amount: int, currency: str, value: float) -> None:
    _, body = told("klaviyo", trigger(expected_margin_minor=amount, currency=currency))
    assert body["data"]["attributes"]["value"] == value


def waiting(new: New) -> Delivery:
    assert new.state == WAITING
    return Delivery(*new[:11], attempts=0)


def test_a_digest_is_one_text_in_which_nobody_is_rung() -> None:
    endpoint = endpoint_of("slack")
    some = [
        waiting(delivery_of(trigger(n, customer_id=name), endpoint))
        for n, name in enumerate(["<!channel>", 'a"b\n&', "ü"])
    ]
    body = json.loads(payload_of(endpoint, some))
    lines = body["text"].split("\n")
    assert len(lines) == 4  # the id of one holds a line break
    assert "&lt;!channel&gt;" in lines[0]
    assert '"' in lines[1]
    assert "win back: ü · dissolution · middle · win back with attention" in lines[3]


@pytest.mark.parametrize("shape", ["hubspot", "mautic"])
def test_an_id_that_is_an_address_is_what_receivers_know_by_email(shape: str) -> None:
    _, body = told(shape, trigger(customer_id="ann@example.com"))
    assert body["email"] == "ann@example.com"
    for odd in ("ann@", "@example.com", "ann smith@example.com", "ann@localhost"):
        with pytest.raises(CantTell, match="email"):
            told(shape, trigger(customer_id=odd))

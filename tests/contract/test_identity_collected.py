"""What SDKs send as ids, consent and times, through the collector into a partition: whose customer it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from support.collecting import BROWSER, NOW, SERVER, Place, place
from support.linked import ev
from support.messages import DAY, schemas, tick
from support.partitioned import rows_of
from support.rules import policy_with
from support.shell import apply_all, new_partition

from schemas.nobody import NOBODY
from streams.collector.sources import Source
from streams.engine.partition import Partition

YEAR: Final = 365 * DAY
FAST: Final = {"context": {"library": {"name": "analytics.js"}}}


def buy(who: Mapping[str, Any], number: int, **more: Any) -> dict[str, Any]:
    money = {"revenue": 10, "currency": "USD"}
    return {"type": "track", "event": "Order Completed", "messageId": f"m{number}", "properties": money, **who, **more}


def collected(*requests: Sequence[Mapping[str, Any]], source: Source = SERVER, **more: Any) -> tuple[Place, Any]:
    """A collector that was asked, and the rows by id of a partition that has what it wrote."""
    here = place(source)
    for events in requests:
        assert here.ask("/v1/batch", {"batch": list(events), **more}, key=source.key)[0] == 200
    partition = new_partition()
    if here.memory.messages:
        apply_all(partition, *(message for _, message in here.memory.messages))
    return here, rows_of(partition)


def counted(here: Place, outcome: str) -> float:
    page = here.collector.counts.page().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in page if f'outcome="{outcome}"' in line and "_total" in line)


def purchases(rows: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(row.purchases) for name, row in rows.items()}


def test_23_the_email_changes_and_the_id_stays() -> None:
    told = [
        {"type": "identify", "userId": "1", "messageId": "a", "traits": {"email": "x@a"}},
        {"type": "identify", "userId": "1", "messageId": "b", "traits": {"email": "y@a"}},
        # Nobody is linked by an address: families share one, and addresses are given on.
        {"type": "identify", "userId": "2", "messageId": "c", "traits": {"email": "y@a"}},
        buy({"userId": "1"}, 1),
        buy({"userId": "2"}, 2),
    ]
    here, rows = collected(told)
    assert purchases(rows) == {"u:1": 1, "u:2": 1}
    assert [each["properties"].get("email") for each in here.memory.touchpoints[:3]] == ["x@a", "y@a", "y@a"]


@pytest.mark.parametrize("swapped", [False, True])
def test_23_of_a_trait_the_newest_counts_in_whichever_order_it_comes(swapped: bool) -> None:
    zones = [("a", 1, "Asia/Tokyo"), ("b", 2, "Europe/Berlin")]
    told = [ev(name, "u:1", "signed_in", at, properties={"timezone": zone}) for name, at, zone in zones]
    welcome = '[triggers.welcome]\non = "touchpoint: account_created"\n'
    found = []
    for log in (told, told[::-1] if swapped else told):
        partition = Partition(0, policy_with(welcome), schemas())
        apply_all(partition, *log)
        found.append(int(rows_of(partition)["u:1"].zone))
    assert found[0] == found[1] > 0


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("text", ["", " ", None, "Undefined", " null ", "NaN", 0, *sorted(NOBODY)])
def test_31_an_id_that_is_none_is_nobodys(text: Any, fast: bool) -> None:
    more = FAST if fast else {"extra": [1]}
    events = [
        buy({"userId": text, "anonymousId": "A"}, 1, **more),
        buy({"userId": text, "anonymousId": "B"}, 2, **more),
    ]
    events += [
        buy({"userId": "u", "anonymousId": text}, 3, **more),
        buy({"userId": "v", "anonymousId": text}, 4, **more),
    ]
    here, rows = collected(events)
    assert purchases(rows) == {"a:A": 1, "a:B": 1, "u:u": 1, "u:v": 1}
    says_something = text == 0 or bool(str(text or "").strip())
    assert counted(here, "bad_user_id") == (2 if says_something else 0)
    # Alone it is nobody's at all, and an alias of it links nobody.
    here, rows = collected([buy({"userId": text}, 1, **more), buy({"anonymousId": text}, 2, **more)])
    assert (rows, [each["reason"] for each in here.memory.rejects]) == ({}, ["no_customer"] * 2)
    alias = {"type": "alias", "previousId": text, "userId": "u", "messageId": "x"}
    assert collected([alias])[0].memory.messages == []


def test_31_two_thousand_visitors_with_an_id_that_is_none_are_two_thousand_customers() -> None:
    events = [buy({"userId": "undefined", "anonymousId": f"a{n}"}, n, **FAST) for n in range(2000)]
    here, rows = collected(events)
    assert len(rows) == 2000
    assert counted(here, "bad_user_id") == 2000


def test_32_what_is_the_same_id() -> None:
    same = [42, "42", " 42 ", 42.0]
    _, rows = collected([buy({"userId": each}, n) for n, each in enumerate(same)])
    assert purchases(rows) == {"u:42": 4}
    # Ids are compared as they are written.
    _, rows = collected([buy({"userId": "\u00dc"}, 1), buy({"userId": "U\u0308"}, 2)])
    assert purchases(rows) == {"u:\u00dc": 1, "u:U\u0308": 1}
    _, rows = collected([buy({"userId": "u" * 255}, 1)])
    assert purchases(rows) == {"u:" + "u" * 255: 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "bad_id"),
        (False, "bad_id"),
        ({}, "bad_id"),
        ([1], "bad_id"),
        (1.5, "bad_id"),
        ("u" * 256, "long_customer_id"),
    ],
)
def test_32_what_is_no_id(value: Any, reason: str) -> None:
    here, rows = collected([buy({"userId": value, "anonymousId": "A"}, 1), buy({"anonymousId": "A"}, 2)])
    assert purchases(rows) == {"a:A": 1}
    assert [each["reason"] for each in here.memory.rejects] == [reason]


@pytest.mark.parametrize("first", ["device", "customer"])
def test_45_a_clock_that_is_a_year_ahead_moves_nobody_into_the_future(first: str) -> None:
    ahead = buy({"anonymousId": "A"}, 1, timestamp=NOW + YEAR - DAY)
    device = (
        [ahead, {"type": "identify", "userId": "1", "anonymousId": "A", "messageId": "i", "timestamp": NOW + YEAR}],
    )
    here = place(SERVER)
    requests = [({"batch": list(device[0]), "sentAt": NOW + YEAR}), ({"batch": [buy({"userId": "1"}, 2)]})]
    for body in requests if first == "device" else requests[::-1]:
        assert here.ask("/v1/batch", body)[0] == 200
    partition = new_partition()
    apply_all(partition, *(message for _, message in here.memory.messages), tick(NOW + 1000))
    (row,) = rows_of(partition).values()
    assert (row.purchases, row.touchpoints, row.first_at, row.last_at) == (2, 3, NOW - DAY, NOW)


def test_48_who_does_not_consent_has_no_history_and_no_link() -> None:
    refusing = {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}
    agreeing = {"context": {"consent": {"categoryPreferences": {"Analytics": True}}}}
    both = {"userId": "1", "anonymousId": "A"}
    refused = [
        buy({"anonymousId": "A"}, 1, **refusing),
        {"type": "identify", **both, "messageId": "i", **refusing},
        {"type": "alias", "previousId": "A", **both, "messageId": "l", **refusing},
    ]
    here, rows = collected(refused, source=BROWSER)
    assert (here.memory.messages, rows, counted(here, "no_consent")) == ([], {}, 3)
    assert all(not each["payload"] for each in here.memory.rejects), "nothing of them is kept"
    _, rows = collected(refused, [buy({"anonymousId": "A"}, 2, **agreeing)], source=BROWSER)
    assert purchases(rows) == {"a:A": 1}
    # Without identity an event may be kept where the source says so; it is of nobody who comes again.
    here, rows = collected(refused, source=replace(BROWSER, consent="anonymous"))
    assert [name for name, _ in here.memory.records] == ["Touchpoint", "Touchpoint"]
    assert "a:A" not in rows
    assert "u:1" not in rows

"""Which delivery is sent when: an outbox on disk, a clock that only tests move, a sender that answers as told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.hand_clock import HandClock
from support.triggers import REGISTRY, trigger, trigger_message
from test_delivery_shapes import endpoint_of

from streams.delivery.answers import Answer, judged
from streams.delivery.deliverer import Deliverer, Partition
from streams.delivery.endpoints import Endpoint
from streams.delivery.lane import FIRST_AT_ONCE, Receiver
from streams.delivery.outbox import DELIVERED, EXPIRED, FAILED, GONE, TAKEN_BACK, UNSENDABLE, WAITING, Delivery, Outbox
from streams.delivery.schedule import DELAYS

SOURCE = "relasi.triggers.v1/0"


class FakeSender:
    """Answers as ``answers`` says of what is sent, once ``gate`` lets it."""

    def __init__(self, answers: Callable[[Delivery, int], Answer]) -> None:
        self.answers = answers
        self.sent: list[list[Delivery]] = []
        self.flying = 0
        self.most_flying = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def attempt(self, deliveries: Sequence[Delivery], timestamp: int) -> Answer:
        self.sent.append(list(deliveries))
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        await self.gate.wait()
        self.flying -= 1
        return self.answers(deliveries[0], timestamp)

    async def close(self) -> None:
        pass


class House:
    """A deliverer between fakes."""

    def __init__(self, folder: Path, endpoint: Endpoint, answers: Callable[[Delivery, int], Answer]) -> None:
        self.clock = HandClock()
        self.sender = FakeSender(answers)
        self.unreadable: list[tuple[int, int, str]] = []
        self.deliverer = Deliverer(
            folder,
            {endpoint.name: endpoint},
            REGISTRY,
            self.clock,
            sender=lambda _: self.sender,
            unreadable=lambda *what: self.unreadable.append(what),
        )
        self.partition: Partition = self.deliverer.open(0)
        self.partition.begin()
        self.offset = 0

    async def say(self, *messages: bytes | None) -> None:
        numbered = [(self.offset + n, each) for n, each in enumerate(messages)]
        self.offset += len(messages)
        await self.partition.take_in(numbered, SOURCE, self.offset)

    async def settle(self) -> None:
        """Until every lane sleeps and no request is on its way but those that the gate holds."""
        quiet = 0
        while quiet < 8:
            before = (len(self.sender.sent), len(self.clock.asleep))
            await self.partition.store.ask(lambda _: None)
            for _ in range(5):
                await asyncio.sleep(0)
            assert self.deliverer.failed is None, self.deliverer.failed
            quiet = quiet + 1 if before == (len(self.sender.sent), len(self.clock.asleep)) else 0

    async def pass_time(self, seconds: float) -> None:
        """In steps, as the lanes look around once a second."""
        self.clock.move(seconds)
        await self.settle()

    async def states(self) -> dict[str, int]:
        counts = await self.deliverer.waiting()
        return {state: count for state, count in counts["crm"].items() if count}


@asynccontextmanager
async def house(
    folder: Path, answers: Callable[[Delivery, int], Answer] = lambda *_: Answer(200), **values: Any
) -> AsyncIterator[House]:
    it = House(folder, endpoint_of(values.pop("shape", "standard"), **values), answers)
    try:
        yield it
    finally:
        await it.deliverer.close()


def now(it: House) -> int:
    return it.clock.now_ms()


def at(it: House, number: int, **fields: Any) -> bytes:
    return trigger_message(number, at=now(it), **fields)


def told(test: Callable[[Path], Any]) -> Callable[[Path], None]:
    """A test that runs in an event loop of its own."""

    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    return run


@told
async def test_what_comes_in_goes_out_once(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        await it.say(at(it, 1), at(it, 2, customer_id="b"), b"nonsense", None)
        await it.settle()
        assert await it.states() == {DELIVERED: 2}
        assert [offset for _, offset, _ in it.unreadable] == [2, 3]
        # Said again, as after a crash of whoever said it: known.
        await it.say(at(it, 1), at(it, 2, customer_id="b"))
        await it.settle()
        assert len(it.sender.sent) == 2
        assert await it.partition.position(SOURCE) == 6


@told
async def test_attempts_until_it_is_a_dead_letter_and_again_when_told(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(400, text="no such person")) as it:
        await it.say(at(it, 1))
        await it.settle()
        for delay in DELAYS[1:]:
            assert await it.states() == {WAITING: 1}
            await it.pass_time(delay / 1000 * 1.11)
        assert len(it.sender.sent) == len(DELAYS)
        assert await it.states() == {FAILED: 1}
        assert len({(each.id, each.body) for (each,) in it.sender.sent}) == 1
        (told_of,) = await it.partition.store.ask(lambda box: box.untold())
        assert (told_of.state, told_of.attempts, told_of.why) == (FAILED, len(DELAYS), "HTTP 400 no such person")
        it.sender.answers = lambda *_: Answer(200)
        with Outbox(tmp_path / "deliveries-0.sqlite") as other:
            assert other.replay(now(it), "elsewhere") == 0
            assert other.replay(now(it), "crm") == 1
        await it.pass_time(2)
        assert await it.states() == {DELIVERED: 1}
        assert it.sender.sent[-1][0].id == it.sender.sent[0][0].id


@told
async def test_first_attempts_of_a_customer_keep_their_order_and_repeated_ones_hold_nobody_up(tmp_path: Path) -> None:
    async with house(tmp_path, lambda each, _: Answer(500 if each.sequence == 0 else 200)) as it:
        it.sender.gate.clear()
        await it.say(*(at(it, n) for n in range(3)), at(it, 9, customer_id="b"))
        await it.settle()
        # Of the two customers one each is on its way.
        assert sorted(each.sequence for (each,) in it.sender.sent) == [0, 3]
        it.sender.gate.set()
        await it.settle()
        assert [each.sequence for (each,) in it.sender.sent if each.customer == "known:13167"] == [0, 1, 2]
        assert await it.states() == {DELIVERED: 3, WAITING: 1}


@told
async def test_no_more_at_once_than_told(tmp_path: Path) -> None:
    async with house(tmp_path, at_once=3) as it:
        it.sender.gate.clear()
        await it.say(*(at(it, n, customer_id=str(n)) for n in range(20)))
        await it.settle()
        assert it.sender.flying == FIRST_AT_ONCE
        it.sender.gate.set()
        await it.settle()
        assert await it.states() == {DELIVERED: 20}
        it.sender.gate.clear()
        await it.say(*(at(it, n, customer_id=str(n)) for n in range(20, 40)))
        await it.settle()
        assert it.sender.flying == it.sender.most_flying == 3


def test_who_answers_well_is_asked_more_at_once_and_who_does_not_less() -> None:
    receiver = Receiver(endpoint_of("standard", at_once=8), FakeSender(lambda *_: Answer(200)), HandClock())
    rooms = []
    for status in (*[200] * 10, 500, 404, 500, 500, 200):
        rooms.append(receiver.room())
        receiver.learn(Answer(status), judged(Answer(status), 0))
    assert rooms == [2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 4, 4, 2, 2]
    assert receiver.room() == 3


@told
async def test_a_receiver_that_takes_no_more_costs_its_outbox_nothing_and_goes_on_once_it_does(tmp_path: Path) -> None:
    async with house(tmp_path, at_once=1) as it:
        it.sender.gate.clear()
        await it.say(at(it, 0, customer_id="c0"))
        await it.settle()
        looks: list[Any] = []
        ask = it.partition.store.ask

        async def counted(what: Callable[[Outbox], Any]) -> Any:
            looks.append(what)
            return await ask(what)

        it.partition.store.ask = counted  # type: ignore[method-assign]
        for number in range(1, 20):
            await it.say(at(it, number, customer_id=f"c{number}"))
            for _ in range(5):
                await asyncio.sleep(0)
        assert len(looks) == 19  # what came was taken in, and nothing else was asked
        it.sender.gate.set()
        await it.settle()
        assert [each[0].customer for each in it.sender.sent] == [f"known:c{n}" for n in range(20)]


@told
async def test_what_was_taken_back_is_not_sent(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(500)) as it:
        await it.say(at(it, 1))
        await it.settle()
        await it.say(at(it, 2, outcome="withdrawn", takes_back=trigger(1).id))
        await it.pass_time(10)
        assert len(it.sender.sent) == 1
        assert await it.states() == {TAKEN_BACK: 1}


@told
async def test_taken_back_while_it_is_on_its_way(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(500)) as it:
        it.sender.gate.clear()
        await it.say(at(it, 1))
        await it.settle()
        await it.say(at(it, 2, outcome="withdrawn", takes_back=trigger(1).id))
        it.sender.gate.set()
        await it.pass_time(10)
        assert len(it.sender.sent) == 1
        assert await it.states() == {TAKEN_BACK: 1}


@told
async def test_outcomes_that_are_not_for_sending_send_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        await it.say(*(at(it, n, outcome=outcome) for n, outcome in enumerate(("held", "stale", "capped"))))
        await it.settle()
        assert it.sender.sent == []


@told
async def test_quiet_hours_and_what_is_too_late_are_looked_at_before_each_attempt(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(500)) as it:
        hour = now(it) // 3_600_000 % 24
        quiet = {"quiet_hours": f"{(hour + 23) % 24:02}:00-{(hour + 2) % 24:02}:00", "zone": "UTC"}
        await it.say(
            at(it, 1, customer_id="a", **quiet),
            at(it, 2, customer_id="b", transactional=True, **quiet),
            at(it, 3, customer_id="c", valid_until=now(it) + 60_000),
            at(it, 4, customer_id="d", valid_until=now(it) - 1),
            at(it, 5, customer_id="e", valid_until=now(it) + 60_000, **quiet),
            at(it, 6, customer_id="f", quiet_hours="never"),
        )
        await it.settle()
        assert sorted(each.customer for (each,) in it.sender.sent) == ["known:b", "known:c"]
        assert await it.states() == {WAITING: 3, EXPIRED: 2, UNSENDABLE: 1}
        await it.pass_time(6)  # the second attempt of b and c
        await it.pass_time(400)  # c would be tried a third time, too late
        assert (await it.states())[EXPIRED] == 3
        it.sender.answers = lambda *_: Answer(200)
        await it.pass_time(2 * 3600)
        await it.pass_time(2)
        assert await it.states() == {DELIVERED: 2, EXPIRED: 3, UNSENDABLE: 1}


@told
async def test_gone_disables_the_endpoint(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(410)) as it:
        await it.say(at(it, 1), at(it, 2))
        await it.settle()
        assert len(it.sender.sent) == 1
        assert await it.states() == {GONE: 2}
        await it.say(at(it, 3))
        await it.pass_time(3)
        assert len(it.sender.sent) == 1
        it.sender.answers = lambda *_: Answer(200)
        await it.partition.store.ask(lambda box: box.replay(now(it)))
        await it.pass_time(2)
        assert await it.states() == {DELIVERED: 3}


@told
async def test_a_dead_receiver_is_left_alone_and_asked_with_one(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(0, error="refused"), at_once=2) as it:
        await it.say(*(at(it, n, customer_id=str(n)) for n in range(50)))
        await it.settle()
        assert 5 <= len(it.sender.sent) <= 6  # those on their way when it tripped
        before = len(it.sender.sent)
        await it.pass_time(11)
        assert len(it.sender.sent) == before + 1
        it.sender.answers = lambda *_: Answer(200)
        for _ in range(8):
            await it.pass_time(30)
        assert await it.states() == {DELIVERED: 50}


@told
async def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(429, "30"), at_once=1) as it:
        await it.say(*(at(it, n, customer_id=str(n)) for n in range(5)))
        await it.settle()
        assert len(it.sender.sent) == 1
        it.sender.answers = lambda *_: Answer(200)
        await it.pass_time(28)
        assert len(it.sender.sent) == 1
        await it.pass_time(6)
        assert await it.states() == {DELIVERED: 5}


@told
async def test_a_digest_gathers(tmp_path: Path) -> None:
    async with house(tmp_path, shape="slack", every_seconds=60) as it:
        await it.say(at(it, 0))
        await it.settle()
        await it.say(*(at(it, n, customer_id=str(n)) for n in range(1, 31)))
        await it.settle()
        assert [len(some) for some in it.sender.sent] == [1]
        await it.pass_time(61)
        await it.pass_time(61)
        assert [len(some) for some in it.sender.sent] == [1, 20, 10]
        assert await it.states() == {DELIVERED: 31}


@told
async def test_what_is_on_its_way_at_an_end_is_sent_again_by_the_next(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        it.sender.gate.clear()
        await it.say(at(it, 1))
        await it.settle()
        assert it.sender.flying == 1
        body = it.sender.sent[0][0].body
    async with house(tmp_path) as it:
        await it.settle()
        assert [each.body for (each,) in it.sender.sent] == [body]
        assert await it.states() == {DELIVERED: 1}


@told
async def test_the_reports_are_told_of_each_change_once(tmp_path: Path) -> None:
    async with house(tmp_path, lambda *_: Answer(500)) as it:
        heard: list[tuple[int, str, int]] = []

        async def store(number: int, some: list[Any]) -> None:
            heard.extend((number, each.state, each.attempts) for each in some)

        await it.say(at(it, 1))
        await it.settle()
        await it.deliverer.told(store)
        await it.deliverer.told(store)
        assert heard == [(0, WAITING, 1)]
        it.sender.answers = lambda *_: Answer(200)
        await it.pass_time(6)
        await it.deliverer.told(store)
        assert heard[1:] == [(0, DELIVERED, 2)]
        forgotten = await it.partition.store.ask(lambda box: box.forget(now(it) + 1))
        assert forgotten == 1


@told
async def test_a_partition_that_is_left_meanwhile_ends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        await it.say(at(it, 1))
        await it.settle()

        async def store(number: int, some: list[Any]) -> None:
            await it.deliverer.leave(number)

        await it.deliverer.told(store)
        await it.deliverer.forget()
        assert it.deliverer.failed is None
        assert (await it.deliverer.waiting())["crm"] == {WAITING: 0, DELIVERED: 0}
        # What was said and not noted as told is said again by the next.
        it.partition = it.deliverer.open(0)
        heard: list[str] = []

        async def hear(_: int, some: list[Any]) -> None:
            heard.extend(each.state for each in some)

        await it.deliverer.told(hear)
        assert heard == [DELIVERED]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    from streams.delivery.outbox import OutboxDamaged

    (tmp_path / "deliveries-0.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(OutboxDamaged, match="made anew"):
        Outbox(tmp_path / "deliveries-0.sqlite")

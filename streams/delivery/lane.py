"""The deliveries of one endpoint: which is sent when, and what comes of it. Each waits for nobody but itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from streams.delivery.answers import Answer, Meaning, Verdict, judged
from streams.delivery.breaker import Breaker
from streams.delivery.endpoints import Endpoint
from streams.delivery.outbox import DELIVERED, EXPIRED, FAILED, UNSENDABLE, WAITING, Delivery, Outbox, Outcome
from streams.delivery.schedule import BadHours, after_quiet, delay_ms
from streams.delivery.sender import Sender

LONGEST_SLEEP_MS: Final = 1_000
"""After so long the outbox is looked at again: dead letters may have been put back by another process."""


class Time(Protocol):
    """The clocks of the shell."""

    def now_ms(self) -> int:
        """Since 1970."""

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


FIRST_AT_ONCE: Final = 2
"""So many requests may be on their way to a receiver that has not answered yet, or fails; each answer lets one more."""

T = TypeVar("T")


class Store(Protocol):
    """Whoever has the outbox's thread: SQLite waits for the disk, and nothing else should."""

    @property
    def changes(self) -> int:
        """How often something that may end the waiting of deliveries was asked for by now."""

    def ask(self, what: Callable[[Outbox], T]) -> Awaitable[T]:
        """What a function of the outbox returns."""

    def change(self, what: Callable[[Outbox], T]) -> Awaitable[T]:
        """The same of one that may end the waiting of deliveries."""

    def enter(self, outcomes: Sequence[Outcome]) -> Awaitable[None]:
        """Return when they are entered durably; those of several lanes in one transaction."""


class Receiver:
    """What all lanes of an endpoint share: its connections, its breaker, and how often it may be asked."""

    def __init__(self, endpoint: Endpoint, sender: Sender, clock: Time) -> None:
        self.endpoint: Final = endpoint
        self.sender: Final = sender
        self.breaker: Final = Breaker()
        self._clock: Final = clock
        self._last_ms = -(10**12)
        self.requests = 0
        self._most = min(FIRST_AT_ONCE, endpoint.at_once)
        self._resting: Final[set[asyncio.Event]] = set()

    def now(self) -> int:
        """Of the clock that nobody sets, in ms."""
        return round(self._clock.monotonic() * 1000)

    def held_ms(self) -> int:
        """For how long no request can be made: breaker, pace, or as many are on their way as may be."""
        now = self.now()
        paced = self._last_ms + round(self.endpoint.every_seconds * 1000) - now
        full = LONGEST_SLEEP_MS if self.requests >= self._most else 0
        return max(self.breaker.wait_ms(now), paced, full, 0)

    def room(self) -> int:
        """How many more requests may be on their way."""
        return 1 if self.breaker.open else self._most - self.requests

    def begin(self) -> None:
        """A request is on its way."""
        self._last_ms = self.now()
        self.breaker.begin(self._last_ms)
        self.requests += 1

    def end(self) -> None:
        """It is no more: who rests because no other could be made looks again."""
        self.requests -= 1
        for each in self._resting:
            each.set()
        self._resting.clear()

    def rest(self, until: asyncio.Event) -> None:
        """Have ``until`` set when a request has ended."""
        self._resting.add(until)

    def learn(self, answer: Answer, verdict: Verdict) -> None:
        """A receiver that says 4xx works; what it was told is wrong, and the others are not held up by it.

        Whoever answers well may soon be asked as often at once as the endpoint allows. Whoever doesn't has few
        connections open, each of which costs the others something while it hangs or drips.
        """
        if verdict.meaning is Meaning.DELIVERED:
            self._most = min(self._most + 1, self.endpoint.at_once)
        if verdict.meaning is Meaning.DELIVERED or 400 <= answer.status < 500:
            self.breaker.succeeded()
        else:
            self._most = min(max(self._most // 2, FIRST_AT_ONCE), self.endpoint.at_once)
            self.breaker.failed(self.now())
        if verdict.pause_ms:
            self.breaker.pause(self.now(), verdict.pause_ms)


class Ready(NamedTuple):
    """Of deliveries that are due: those to send now, and what became of the others without."""

    now: list[Delivery]
    settled: list[Outcome]


def looked_at(deliveries: Sequence[Delivery], now: int) -> Ready:
    """What is looked at before each attempt, the tenth too: attempts go on for three days. Instants in ms."""
    ready = Ready([], [])
    for each in deliveries:
        outcome = Outcome(each.endpoint, each.id, WAITING, each.attempts, now, 0, "", now)
        try:
            awake = after_quiet(now, each.quiet_hours, each.zone)
        except BadHours as error:
            ready.settled.append(outcome._replace(state=UNSENDABLE, why=str(error)))
            continue
        if each.valid_until is not None and max(now, awake) > each.valid_until:
            ready.settled.append(outcome._replace(state=EXPIRED, why="too late: it was valid until then"))
        elif awake > now:
            ready.settled.append(outcome._replace(due_at=awake, why="quiet hours"))
        else:
            ready.now.append(each)
    return ready


def outcome_of(delivery: Delivery, answer: Answer, now: int) -> Outcome:
    """What an attempt that ended at ``now`` makes of a delivery."""
    verdict = judged(answer, now)
    attempts = delivery.attempts + 1
    why = f"{verdict.why} {answer.text}".strip() if verdict.meaning is not Meaning.DELIVERED else ""
    outcome = Outcome(delivery.endpoint, delivery.id, DELIVERED, attempts, now, answer.status, why, now)
    if verdict.meaning is Meaning.DELIVERED:
        return outcome
    wait = delay_ms(f"{delivery.endpoint}/{delivery.id}", attempts)
    if wait is None:
        return outcome._replace(state=FAILED)
    return outcome._replace(state=WAITING, due_at=now + max(wait, verdict.pause_ms))


class Lane:
    """Sends what is due in one outbox to one receiver, until it is cancelled.

    ``counted``: told of each outcome, for metrics. First attempts of a customer are made in the order in which the
    triggers were said, one at a time; repeated ones hold nobody up.
    """

    def __init__(
        self, receiver: Receiver, store: Store, clock: Time, counted: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self._receiver: Final = receiver
        self._endpoint: Final = receiver.endpoint
        self._store: Final = store
        self._clock: Final = clock
        self._counted: Final = counted
        self._flying: dict[str, Delivery] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken: Final = asyncio.Event()
        self._held = False

    def wake(self) -> None:
        """There may be something new. Where nothing can be sent now, that is looked at when something can."""
        if not self._held:
            self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled; what is on its way then is cut off, and will be sent again under the same id."""
        try:
            while True:
                self._woken.clear()
                await self._rest(await self.turn())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _rest(self, wait_ms: int) -> None:
        if wait_ms <= 0:
            await asyncio.sleep(0)
            return
        sleeping = asyncio.ensure_future(self._clock.sleep(wait_ms / 1000))
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def turn(self) -> int:
        """Begin the attempts that can be made now; returns for how many ms there is nothing more to do."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()
        # A receiver that hangs or is dead costs the others nothing: the outbox isn't even asked for it.
        if held := self._receiver.held_ms():
            self._held = True
            self._receiver.rest(self._woken)
            return min(held, LONGEST_SLEEP_MS)
        self._held = False
        room = self._receiver.room() * self._endpoint.shape.digest
        # Those on their way are still due, and of their customers what comes next may not begin.
        now, most, changes = self._clock.now_ms(), room + 2 * len(self._flying), self._store.changes
        seen = await self._store.ask(lambda box: box.look(self._endpoint.name, now, most))
        if seen.disabled is not None:
            self._held = True
            return LONGEST_SLEEP_MS
        ready = looked_at(self._free(seen.due)[:room], now)
        if ready.settled:
            await self._enter(ready.settled)
        if ready.now:
            self._begin(ready.now, changes)
        if ready.now or ready.settled:
            return 0
        due = seen.next_due_at
        return LONGEST_SLEEP_MS if due is None or due <= now else min(due - now, LONGEST_SLEEP_MS)

    def _free(self, found: Sequence[Delivery]) -> list[Delivery]:
        """Deliveries that may begin beside those on their way."""
        busy = {each.customer for each in self._flying.values() if each.attempts == 0}
        return [
            each for each in found if each.id not in self._flying and not (each.attempts == 0 and each.customer in busy)
        ]

    def _begin(self, deliveries: list[Delivery], changes: int) -> None:
        """``changes``: those of the outbox before the deliveries were read."""
        digest = self._endpoint.shape.digest
        for first in range(0, len(deliveries), digest):
            if self._receiver.held_ms():
                return
            some = deliveries[first : first + digest]
            self._receiver.begin()
            self._flying |= {each.id: each for each in some}
            task = asyncio.ensure_future(self._attempt(some, changes))
            self._tasks.add(task)
            task.add_done_callback(lambda _: self._woken.set())

    async def _attempt(self, deliveries: list[Delivery], changes: int) -> None:
        receiver = self._receiver
        try:
            waits = deliveries
            if self._store.changes != changes:
                waits = await self._store.ask(lambda box: [each for each in deliveries if box.still_waits(each)])
            if not waits:
                receiver.breaker.abandoned()
                return
            answer = await receiver.sender.attempt(waits, self._clock.now_ms() // 1000)
            now = self._clock.now_ms()
            verdict = judged(answer, now)
            receiver.learn(answer, verdict)
            await self._enter([outcome_of(each, answer, now) for each in waits])
            if verdict.meaning is Meaning.GONE:
                await self._store.change(lambda box: box.disable(self._endpoint.name, now, verdict.why))
        finally:
            receiver.end()
            for each in deliveries:
                self._flying.pop(each.id, None)

    async def _enter(self, outcomes: list[Outcome]) -> None:
        await self._store.enter(outcomes)
        for each in outcomes:
            self._counted(each)

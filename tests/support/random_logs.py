"""Random logs of some customers: with late touchpoints and doubled ones, ticks, changes of policy, and poison."""

from random import Random
from typing import Any, Final

from support.messages import DAY, START, Message, framed, policy, policy_text, tick, touchpoint

KINDS: Final = {
    "order_completed": 8,
    "product_viewed": 6,
    "page_viewed": 3,
    "email_delivered": 2,
    "loyalty_enrolled": 2,
    "product_reviewed": 1,
    "account_deleted": 1,
    "customer_blocked": 1,
    "never_heard_of": 1,
}
POLICIES: Final = (
    policy_text(name="patient", threshold=0.3, hiatus=300),
    policy_text(name="strict", threshold=0.6, hiatus=60, weeks=2),
    policy_text(),
    policy_text(name="choosy", unmapped="reject"),
)


class _Story:
    def __init__(self, random: Random, messages: int, customers: int) -> None:
        self.random = random
        self.messages = messages
        self.written = 0
        self.customers = [f"customer-{i}" if i % 3 else f"c{i}" + "é" * (i % 70) for i in range(customers)]
        self.now = START
        self.events = 0
        self.told: list[bytes] = []

    def customer(self) -> str:
        """Most are heard of for a while only: their rows have to outlive a long silence."""
        if self.random.random() < 0.04:
            return self.random.choice(self.customers)
        newest = len(self.customers) * self.written / self.messages
        return self.customers[int(self.random.uniform(max(newest - 6, 0), max(newest, 1)))]

    def touchpoint(self) -> bytes:
        random = self.random
        if self.told and random.random() < 0.08:
            return random.choice(self.told[-12:])
        self.events += 1
        at = self.now
        if random.random() < 0.2:
            at -= int(random.expovariate(1 / (40 * DAY)))
        elif random.random() < 0.1:
            at += random.randrange(DAY)
        (kind,) = random.choices(list(KINDS), list(KINDS.values()))
        who = self.customer()
        fields: dict[str, Any] = {"received_at": max(at, self.now)}
        if kind == "order_completed":
            fields |= {"amount_minor": random.randrange(5000), "currency": random.choice(["USD", "EUR", "usd"])}
        known = random.random() < 0.9
        fields["anonymous_id"] = None if known else who
        message = touchpoint(f"e{self.events}", who if known else None, at, kind, **fields)
        self.told.append(message)
        return message

    def poison(self) -> bytes | None:
        random = self.random
        good = touchpoint("x", "somebody", self.now)
        return random.choice(
            [
                None,
                b"",
                b"\1" + good[1:],
                b"\0\0\0\7\xff" + good[5:],
                good[: random.randrange(6, len(good))],
                good + b"\0",
                touchpoint("", "somebody", self.now),
                touchpoint("x", None, self.now),
                touchpoint("x", "s" * 256, self.now),
                touchpoint("x", "somebody", -1),
                touchpoint("x", "somebody", self.now, "order_completed", amount_minor=1, currency="XXX"),
                framed("Link", {"from": "a", "into": "b", "at": self.now}),
                policy("name = 5"),
            ]
        )

    def message(self) -> Message:
        random = self.random
        self.written += 1
        self.now += int(random.expovariate(1 / DAY))
        chance = random.random()
        value: bytes | None
        if chance < 0.10:
            # Ticks come at any spacing, now and then one from the past.
            value = tick(self.now if random.random() < 0.9 else self.now - 5 * DAY)
        elif chance < 0.16:
            value = self.poison()
        elif chance < 0.175:
            value = policy(random.choice(POLICIES))
        else:
            value = self.touchpoint()
        return Message(value, self.now, random.choice([None, b"key"]))


def random_log(seed: int, messages: int, customers: int) -> list[Message]:
    """A log of so many messages; the same for the same seed. A day passes from one to the next, on average."""
    story = _Story(Random(seed), messages, customers)
    return [story.message() for _ in range(messages)]


def random_cuts(random: Random, messages: int, batches: int) -> list[int]:
    """Where to cut a log of so many messages into so many batches at most."""
    return [random.randrange(messages) for _ in range(batches - 1)]

"""A partition's tenure and its release, between fakes: what goes out, in which order, and what may be committed."""

from typing import Any, cast

from schemas.registry import FileRegistry
from streams.kafka.fences import Fence
from streams.kafka.producer import Producer
from streams.kafka.release import Release
from streams.kafka.reporting import Reporting
from streams.kafka.tenure import Tenure
from streams.kafka.threads import Threads
from streams.kafka.topics import topics_of
from streams.log.batches import read_batches
from streams.metrics import Metrics
from streams.settings import Settings
from support.hand_clock import HandClock
from support.kafka_fakes import FakeFence, FakeProducer, FakeSink
from support.messages import DAY, START, Message, batch, tick, touchpoint
from support.partitioned import home
from support.shell import new_partition

TOPICS = topics_of(Settings())
JUDGED, MOVED, REJECTED = "relasi.judgements.v1", "relasi.transitions.v1", "relasi.rejects.v1"
CONFIRMED = "confirmed"


def some_days(first: int, days: int = 2, customer: str | None = None, *, of: int | None = None) -> list[Message]:
    """Some days of a customer, who gets a transition and judgements. The records are as old as what they say.

    ``of``: the partition, of the four of a log, that has the customer.
    """
    told = []
    if customer is None and of is not None:
        customer = next(name for n in range(99) if home(name := f"c{first}-{n}", Settings().partitions) == of)
    for day in range(first, first + days):
        at = START + day * DAY
        bought = touchpoint(f"e{day}", customer or f"c{first}", at, "order_completed", amount_minor=1000)
        told += [Message(tick(at), at), Message(bought, at)]
    return told


class ReleaseShell:
    """``reports``: whether there is a server for them. ``partitions``: of the log."""

    def __init__(self, *, reports: bool = False, partitions: int = 1, **settings: Any) -> None:
        self.partitions = partitions
        self.journal: list[str] = []
        self.clock = HandClock()
        self.producer = FakeProducer(self.journal)
        self.sink = FakeSink(self.journal)
        self.confirmed: list[tuple[int, int]] = []
        self.metrics = Metrics()
        self.reporting = Reporting(self.sink if reports else None, self.metrics, self.clock)
        producer = cast(Producer, self.producer)
        self.release = Release(
            Settings(**settings),
            producer,
            self.reporting,
            self.metrics,
            Threads(self.clock),
            self._confirm,
            self.clock,
        )
        self.tenure = self.new_tenure()

    def new_tenure(self) -> Tenure:
        self.fence = FakeFence(self.producer, TOPICS.changelog, new_partition().number)
        fence = cast(Fence, self.fence)
        partition = new_partition(partitions=self.partitions)
        return Tenure(partition, TOPICS, FileRegistry(), -1, fence, reports=self.reporting.wanted)

    def _confirm(self, number: int, offset: int) -> None:
        self.confirmed.append((number, offset))
        self.journal.append(CONFIRMED)

    def feed(self, first: int, days: int = 2) -> None:
        base = self.tenure.partition.next_offset
        self.tenure.apply(read_batches(batch(some_days(first, days), base), base))

    def feed_of_another(self, count: int) -> int:
        """Touchpoints that came here, and whose id belongs to the partition that is returned."""
        number = self.tenure.partition.number
        name = next(each for each in "abcdefgh" if home(each, self.partitions) != number)
        base = self.tenure.partition.next_offset
        told = [Message(touchpoint(f"e{base + n}", name, START), START) for n in range(count)]
        self.tenure.apply(read_batches(batch(told, base), base))
        return home(name, self.partitions)

    @property
    def remembered(self) -> list[int]:
        """Records of each checkpoint in the changelog."""
        return [each.entries for each in self.producer.sent if each.topic == TOPICS.changelog]

"""The editions of a log on Kafka: a small compacted topic says how each is defined, and which is in force.

An edition's workers are a group of their own, with a changelog, topics of outputs and a database of reports of their
own; touchpoints and the topics of deliveries they share with the others. What defines it is the same for every worker
that ever reads the log under it, so whoever begins with nothing makes the same of it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from kafka.consumer.group import KafkaConsumer
from kafka.errors import KafkaError
from kafka.producer import KafkaProducer
from kafka.structs import TopicPartition

from streams.engine.edition import FIRST, Edition
from streams.kafka.topics import BrokerUnreachable, topics_of
from streams.settings import Settings

_IN_FORCE: Final = "in force"
_PARTITION: Final = 0
_ANSWER_MS: Final = 10_000


class NoSuchEdition(RuntimeError):
    """An edition that nobody has defined, or with which this can't be done."""


class EditionIsBuilt(RuntimeError):
    """A file can't be sent while an edition is built: what of it is known depends on when that is in force."""


@dataclass(frozen=True)
class EditionSettings(Settings):
    """Settings of the workers of one edition."""

    edition: int = 1


def settings_of(settings: Settings, number: int) -> Settings:
    """The settings under which the workers of an edition run, from those of the installation."""
    if number == FIRST.number:
        return settings
    written = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    return EditionSettings(**{**written, "group": f"{settings.group}-edition-{number}"}, edition=number)


@dataclass(frozen=True)
class Definition:
    """An edition in all partitions, see ``Edition``; ``since`` and ``until`` by the number of the partition.

    ``unlinked``: none in those that were defined before there was that.
    """

    number: int
    policy: str
    since: tuple[int, ...]
    left_out: tuple[str, ...]
    until: tuple[int, ...]
    unlinked: tuple[str, ...] = ()

    def of(self, partition: int) -> Edition:
        """What it is in one partition."""
        since, until = self.since[partition], self.until[partition]
        return Edition(self.number, self.policy, since, self.left_out, until, self.unlinked)


@dataclass(frozen=True)
class Editions:
    """What the topic says. ``triggers``: where deliverers begin in the topic of the edition in force, by partition."""

    defined: dict[int, Definition] = field(default_factory=dict)
    in_force: int = FIRST.number
    triggers: tuple[int, ...] = ()

    @property
    def pending(self) -> list[int]:
        """Those that were defined and neither put in force nor dropped."""
        return sorted(number for number in self.defined if number > self.in_force)

    @property
    def at_work(self) -> list[int]:
        """The one in force and those that are pending, but for the first."""
        return sorted({self.in_force, *self.pending} - {FIRST.number})

    def definition(self, number: int) -> Definition | None:
        """None: that of the first, the log as it stands. Raises NoSuchEdition."""
        if number != FIRST.number and number not in self.defined:
            there = ", ".join(map(str, sorted({FIRST.number, *self.defined})))
            raise NoSuchEdition(
                f"there is no edition {number}; there are {there}. `relasi rebuild` defines the next one"
            )
        return self.defined.get(number)

    def of(self, number: int, partition: int) -> Edition:
        """What an edition is in one partition. Raises NoSuchEdition."""
        found = self.definition(number)
        return FIRST if found is None else found.of(partition)

    def following(
        self, policy: str | None, left_out: tuple[str, ...], ends: tuple[int, ...], unlinked: tuple[str, ...] = ()
    ) -> Definition:
        """The next edition: that in force, with another policy from the start, or more imports or links left out."""
        before = self.definition(self.in_force) or Definition(FIRST.number, "", (0,) * len(ends), (), ())
        number = max(self.in_force, *self.defined, FIRST.number) + 1
        since = before.since if policy is None else ends
        text = before.policy if policy is None else policy
        apart = tuple(dict.fromkeys((*before.unlinked, *unlinked)))
        return Definition(number, text, since, (*before.left_out, *left_out), ends, apart)


def read_editions(settings: Settings) -> Editions:
    """What stands in the topic; where there is none, the first edition is all there is. Raises BrokerUnreachable."""
    told: dict[str, Any] = {}
    for key, value in _records(settings):
        told[key] = None if value is None else json.loads(value)
    defined = {}
    for key, value in told.items():
        if key != _IN_FORCE and value is not None:
            since, left_out, until = (tuple(value[name]) for name in ("since", "left_out", "until"))
            unlinked = tuple(value.get("unlinked", ()))
            defined[int(key)] = Definition(int(key), value["policy"], since, left_out, until, unlinked)
    standing = told.get(_IN_FORCE) or {"number": FIRST.number, "triggers": []}
    return Editions(defined, standing["number"], tuple(standing["triggers"]))


def _records(settings: Settings) -> Iterator[tuple[str, bytes | None]]:
    place = TopicPartition(topics_of(settings).editions, _PARTITION)
    with consuming(settings) as consumer:
        if not consumer.partitions_for_topic(place.topic):
            return
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while consumer.position(place) < end:
            for records in consumer.poll(timeout_ms=_ANSWER_MS).values():
                yield from ((record.key.decode(), record.value) for record in records)


@contextmanager
def consuming(settings: Settings) -> Iterator[Any]:
    """A consumer of no group. Raises BrokerUnreachable."""
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=settings.servers,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            bootstrap_timeout_ms=_ANSWER_MS,
        )
    except KafkaError as error:
        raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: {error}") from error
    try:
        yield consumer
    except KafkaError as error:
        raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: {error}") from error
    finally:
        consumer.close()


def define(settings: Settings, definition: Definition) -> None:
    """Have every worker find an edition. Raises BrokerUnreachable."""
    _say(settings, str(definition.number), asdict(definition))


def forget(settings: Settings, number: int) -> None:
    """Have nobody find an edition any more that was never in force. Raises BrokerUnreachable."""
    _say(settings, str(number), None)


def put_in_force(settings: Settings, number: int, triggers: tuple[int, ...]) -> None:
    """Have workers that are told no number run under this edition from now on. Raises BrokerUnreachable."""
    _say(settings, _IN_FORCE, {"number": number, "triggers": triggers})


def _say(settings: Settings, key: str, value: dict[str, Any] | None) -> None:
    try:
        producer = KafkaProducer(bootstrap_servers=settings.servers, acks="all", bootstrap_timeout_ms=_ANSWER_MS)
        try:
            text = None if value is None else json.dumps(value).encode()
            producer.send(topics_of(settings).editions, text, key.encode(), partition=_PARTITION).get(_ANSWER_MS / 1000)
        finally:
            producer.close()
    except KafkaError as error:
        raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: {error}") from error


def check_no_edition_is_built(settings: Settings) -> Editions:
    """What the topic says. Raises EditionIsBuilt, BrokerUnreachable."""
    editions = read_editions(settings)
    if editions.pending:
        number = editions.pending[-1]
        raise EditionIsBuilt(
            f"edition {number} is being built: what of a file is known already would depend on when it is in force: "
            f"send it after `relasi switch {number}`, or after `relasi switch --drop {number}`. Where a file was sent "
            "while the edition was defined, drop it and define it anew"
        )
    return editions

"""The topics: names, partitions, replication, compaction and retention of each, declared here and nowhere else.

Those of outputs come from the list of outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from streams.outputs.catalogue import OUTPUTS
from streams.outputs.output import Topic
from streams.outputs.rejects import TOPIC as REJECTS
from streams.outputs.triggers import TOPIC as TRIGGERS
from streams.settings import Settings

TABLE: Final = "profiles"
_BOOTSTRAP_MS: Final = 5000
_FOREVER: Final = "-1"
_WEEK: Final = str(7 * 86_400_000)
_FORTNIGHT: Final = str(14 * 86_400_000)
TOPIC_MESSAGE_BYTES: Final = 2 << 20
"""Of what we write, whatever the broker's own limit is: the mebibyte of a reject's bytes and what goes with it fit."""


class TopicsDiffer(RuntimeError):
    """The topics on the broker are not as declared; says every difference."""


class BrokerUnreachable(RuntimeError):
    """No broker answers; names the setting."""


@dataclass(frozen=True)
class _Found:
    """What a topic on the broker is like."""

    topic_id: str  # given by the broker when it was created: one of the same name that is created anew has another
    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True)
class Topics:
    """Names of all topics of an installation. Faust derives the changelog's from group and table."""

    prefix: str
    group: str
    edition: int = 1
    """Whose outputs are meant; those of the first have no number in their names."""

    @property
    def touchpoints(self) -> str:
        """What comes in."""
        return f"{self.prefix}.touchpoints.v1"

    @property
    def changelog(self) -> str:
        """Checkpoints."""
        return f"{self.group}-{TABLE}-changelog"

    @property
    def rejects(self) -> str:
        """Also of rows of files that never came into the log."""
        return self.of(REJECTS)

    @property
    def triggers(self) -> str:
        """What deliverers read."""
        return self.of(TRIGGERS)

    @property
    def deliveries(self) -> str:
        """What became of triggers: whoever takes a partition over learns it from there."""
        return f"{self.prefix}.deliveries.v1"

    @property
    def editions(self) -> str:
        """How each edition is defined, and which is in force."""
        return f"{self.prefix}.editions.v1"

    def of(self, topic: Topic) -> str:
        """The topic of an output."""
        return topic.named(self.prefix if self.edition == 1 else f"{self.prefix}.edition-{self.edition}")


@dataclass(frozen=True)
class Declared:
    """What a topic must be like."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def topics_of(settings: Settings) -> Topics:
    """The names under these settings."""
    return Topics(settings.prefix, settings.group, getattr(settings, "edition", 1))


def declared(settings: Settings) -> list[Declared]:
    """All topics.

    The changelog is rewritten all the time. Cleaned as soon as a tenth of it is old, it cost the broker as much as the
    touchpoints (measured); at a half, what a recovery reads in vain is at most as much as what it needs.
    """
    topics = topics_of(settings)
    limited = {"max.message.bytes": str(TOPIC_MESSAGE_BYTES)}
    kept = {"cleanup.policy": "delete", "retention.ms": _FOREVER}
    # The broker's clock stamps touchpoints and ticks: a worker whose clock is ahead would stamp its own ticks so too.
    stamped = {**kept, "message.timestamp.type": "LogAppendTime"}
    passing = {"cleanup.policy": "delete", "retention.ms": _WEEK, **limited}
    compacted = {
        "cleanup.policy": "compact",
        "segment.bytes": str(128 << 20),
        "segment.ms": "600000",
        "min.cleanable.dirty.ratio": "0.5",
        "delete.retention.ms": "3600000",
        **limited,
    }
    out = {topics.of(each.topic): {**kept, **limited} if each.topic.kept else passing for each in OUTPUTS if each.topic}
    newest = {**compacted, "cleanup.policy": "compact,delete", "retention.ms": _FORTNIGHT}
    configs = {topics.touchpoints: stamped, **out, topics.deliveries: newest, topics.changelog: compacted}
    all_parts = [Declared(name, settings.partitions, settings.replication, config) for name, config in configs.items()]
    return [*all_parts, Declared(topics.editions, 1, settings.replication, compacted)]


def apply(settings: Settings) -> list[str]:
    """Create what is missing, and set what differs; says what was done. Raises TopicsDiffer, BrokerUnreachable.

    The partitions of a topic that exists are never changed: a customer's events would go to another partition than
    the customer's row.
    """
    with admin_of(settings) as admin:
        wanted = declared(settings)
        found = _found(admin, wanted)
        if fixed := [line for topic in wanted if topic.name in found for line in _unchangeable(topic, found)]:
            raise TopicsDiffer("\n".join(fixed))
        missing = [topic for topic in wanted if topic.name not in found]
        if missing:
            admin.create_topics({topic.name: _creation(topic) for topic in missing}, wait_for_metadata=True)
        done = [f"{topic.name}: created with {topic.partitions} partitions" for topic in missing]
        for topic in wanted:
            if topic.name in found and (lines := _config_differences(topic, found[topic.name])):
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, topic.config)])
                done += [f"{line}: set" for line in lines]
        return done


def differences(settings: Settings) -> list[str]:
    """What is not as declared, a line each. Raises BrokerUnreachable."""
    return _compared(settings)[0]


def check(settings: Settings) -> str:
    """The id that the broker gave the topic of touchpoints.

    Raises TopicsDiffer where a worker can't run on the topics as they are, BrokerUnreachable.
    """
    lines, found = _compared(settings)
    if lines:
        raise TopicsDiffer("\n".join([*lines, "run `relasi topics apply`, or correct the settings"]))
    return found[topics_of(settings).touchpoints].topic_id


def _compared(settings: Settings) -> tuple[list[str], dict[str, _Found]]:
    with admin_of(settings) as admin:
        wanted = declared(settings)
        found = _found(admin, wanted)
    lines = []
    for topic in wanted:
        if topic.name not in found:
            lines.append(f"{topic.name}: is missing")
        else:
            lines += [*_unchangeable(topic, found), *_config_differences(topic, found[topic.name])]
    return lines, found


@contextmanager
def admin_of(settings: Settings) -> Iterator[Any]:
    """An administrator's connection. Raises BrokerUnreachable."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=settings.servers, client_id="relasi-topics", bootstrap_timeout_ms=_BOOTSTRAP_MS
        )
    except KafkaError as error:
        raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: {error}") from error
    try:
        yield admin
    except (KafkaConnectionError, KafkaTimeoutError) as error:
        raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: {error}") from error
    finally:
        admin.close()


def _creation(topic: Declared) -> dict[str, Any]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication,
        "configs": topic.config,
    }


def _topic_id(given: object) -> str:
    """Empty where the broker gives none: before Kafka 2.8 all topics have the same, of zeros."""
    return "" if given is None or not UUID(str(given)).int else str(given)


def topic_id_of(admin: Any, name: str) -> str | None:
    """The id that the broker gave a topic; None where there is none of that name. Raises KafkaError."""
    if name not in admin.list_topics():
        return None
    return next((_topic_id(topic["topic_id"]) for topic in admin.describe_topics([name])), None)


def _found(admin: Any, wanted: list[Declared]) -> dict[str, _Found]:
    existing = set(admin.list_topics())
    names = [topic.name for topic in wanted if topic.name in existing]
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        topic["name"]: _Found(
            topic_id=_topic_id(topic["topic_id"]),
            partitions=len(topic["partitions"]),
            replication=min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
            config={key: entry["value"] for key, entry in configs[topic["name"]].items()},
        )
        for topic in admin.describe_topics(names)
    }


def _unchangeable(topic: Declared, found: dict[str, _Found]) -> list[str]:
    there = found[topic.name]
    lines = []
    if there.partitions != topic.partitions:
        lines.append(
            f"{topic.name}: has {there.partitions} partitions, RELASI_PARTITIONS says {topic.partitions}; the number "
            "can't be changed under a running group: set it as it is, or begin with another RELASI_PREFIX and "
            "RELASI_GROUP"
        )
    if there.replication < topic.replication:
        lines.append(
            f"{topic.name}: has {there.replication} replicas, RELASI_REPLICATION says {topic.replication}; reassign "
            "its partitions with Kafka's own tools"
        )
    return lines


def _config_differences(topic: Declared, found: _Found) -> list[str]:
    return [
        f"{topic.name}: {key} is {found.config.get(key)}, declared is {value}"
        for key, value in topic.config.items()
        if found.config.get(key) != value
    ]

"""The topics of an installation: each output that speaks has one, as it says itself."""

from dataclasses import replace

from streams.kafka.editions import settings_of
from streams.kafka.topics import declared, topics_of
from streams.outputs.catalogue import SPOKEN
from streams.settings import Settings

SETTINGS = replace(Settings(), prefix="shop", group="workers", partitions=7, replication=3)
FOREVER, WEEK, FORTNIGHT = "-1", "604800000", "1209600000"


def test_every_topic_is_declared_with_its_retention() -> None:
    kept = {topic.name: topic.config.get("retention.ms") for topic in declared(SETTINGS)}
    assert kept == {
        "shop.touchpoints.v1": FOREVER,
        "shop.transitions.v1": WEEK,
        "shop.judgements.v1": WEEK,
        "shop.rejects.v1": FOREVER,
        "shop.triggers.v1": WEEK,
        "shop.deliveries.v1": FORTNIGHT,
        "workers-profiles-changelog": None,
        "shop.editions.v1": None,
    }
    assert {(topic.partitions, topic.replication) for topic in declared(SETTINGS) if "editions" not in topic.name} == {
        (7, 3)
    }


def test_an_edition_has_outputs_and_a_changelog_of_its_own() -> None:
    names = {topic.name for topic in declared(settings_of(SETTINGS, 3))}
    assert names == {
        "shop.touchpoints.v1",
        "shop.edition-3.transitions.v1",
        "shop.edition-3.judgements.v1",
        "shop.edition-3.rejects.v1",
        "shop.edition-3.triggers.v1",
        "shop.deliveries.v1",
        "workers-edition-3-profiles-changelog",
        "shop.editions.v1",
    }
    assert settings_of(SETTINGS, 1) == SETTINGS


def test_outputs_go_where_topics_are_declared() -> None:
    names = {topic.name for topic in declared(SETTINGS)}
    topics = topics_of(SETTINGS)
    assert {topics.of(output.topic) for output in SPOKEN if output.topic} < names
    assert {topics.touchpoints, topics.changelog, topics.rejects} < names

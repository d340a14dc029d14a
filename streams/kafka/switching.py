"""The next edition on Kafka: defined for every worker, put in force when its own have caught up, dropped when told."""

import json
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Final

from kafka.structs import TopicPartition

from processors.policy.policy import Policy
from processors.row.namespaces import NAMESPACES
from streams.clock import now_ms
from streams.engine.edition import FIRST
from streams.kafka.committed import committed
from streams.kafka.editions import (
    Definition,
    Editions,
    NoSuchEdition,
    consuming,
    define,
    forget,
    put_in_force,
    read_editions,
    settings_of,
)
from streams.kafka.settling import behind_what_was_sent, settle
from streams.kafka.topics import BrokerUnreachable, admin_of, apply, check, topics_of
from streams.reports.clickhouse import ClickHouseSink
from streams.settings import Settings

_WAIT_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.5
_LEFT_OUT: Final = "SELECT id FROM imports"
_WHO: Final = (
    "SELECT id, namespace, customer_id, customer_namespace FROM identities WHERE id IN ({one:String}, {other:String})"
)


class NotCaughtUp(RuntimeError):
    """An edition that has not processed what the log holds."""


def define_next(
    settings: Settings, policy: Policy | None, left_out: Sequence[str], unlinked: Sequence[str] = ()
) -> Definition:
    """Define the edition that follows the one in force, with topics of its own. Raises NoSuchEdition, TopicsDiffer.

    ``unlinked``: pairs of ids, see ``streams.engine.edition.pair``.
    """
    check(settings)
    editions = read_editions(settings)
    if editions.pending:
        number = editions.pending[-1]
        raise NoSuchEdition(
            f"edition {number} is defined and not in force yet: `relasi worker --edition {number}` builds it, `relasi "
            f"switch {number}` puts it in force, `relasi switch --drop {number}` gives it up"
        )
    _check_imports(settings, editions, left_out)
    _check_links(settings, unlinked)
    begins, ends = _bounds(settings, topics_of(settings).touchpoints)
    if any(begins):
        raise NoSuchEdition(
            f"{topics_of(settings).touchpoints}: no longer holds its beginning (partitions begin at {begins}): "
            "the past can't be read again"
        )
    definition = editions.following(None if policy is None else policy.text, tuple(left_out), ends, tuple(unlinked))
    apply(settings_of(settings, definition.number))
    define(settings, definition)
    return definition


def _check_imports(settings: Settings, editions: Editions, left_out: Sequence[str]) -> None:
    """Raise NoSuchEdition for an import that never was, where there are reports that know, or is left out already."""
    before = editions.definition(editions.in_force)
    known: set[str] | None = None
    if left_out and settings.clickhouse:
        sink = ClickHouseSink(settings.clickhouse)
        try:
            sink.create()
            known = set(sink.query(_LEFT_OUT).column("id").to_pylist())
        finally:
            sink.close()
    for each in left_out:
        if before is not None and each in before.left_out:
            raise NoSuchEdition(f"the import {each} is left out already")
        if known is not None and each not in known:
            raise NoSuchEdition(f"there is no import {each}; `relasi imports --settings FILE` lists all")


def _check_links(settings: Settings, unlinked: Sequence[str]) -> None:
    """Raise NoSuchEdition for two ids that are not one customer, where there are reports that know."""
    if not unlinked or not settings.clickhouse:
        return
    sink = ClickHouseSink(settings.clickhouse)
    try:
        sink.create()
        for each in unlinked:
            space, one, other_space, other = json.loads(each)
            found = sink.query(_WHO, {"one": one, "other": other}).to_pylist()
            goes_on = {(row["namespace"], row["id"]): (row["customer_namespace"], row["customer_id"]) for row in found}
            first, second = (NAMESPACES[space], one), (NAMESPACES[other_space], other)
            if goes_on.get(first, first) != goes_on.get(second, second):
                raise NoSuchEdition(
                    f"{one!r} and {other!r} are not one customer: there is no link to take back. Name the ids that the "
                    "touchpoints or the alias named; of a device or visitor, with --anonymous"
                )
    finally:
        sink.close()


def _bounds(settings: Settings, topic: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the partitions of a topic begin and end."""
    with consuming(settings) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    return tuple(int(begins[each]) for each in places), tuple(int(ends[each]) for each in places)


def switch(
    settings: Settings,
    number: int,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    wait_seconds: float | None = None,
) -> Definition:
    """Put an edition in force once its workers have processed what the log holds now.

    ``wait_seconds``: for so long it may come no further. First the views show it, then workers that are told no number
    run under it; a crash in between is mended by doing it again. Raises NoSuchEdition and NotCaughtUp.
    """
    editions = read_editions(settings)
    definition = editions.definition(number)
    if definition is None or number < editions.in_force:
        raise NoSuchEdition(f"edition {number} is not one that follows edition {editions.in_force}, which is in force")
    _, ends = _bounds(settings, topics_of(settings).touchpoints)
    if wait_seconds is None:
        # Where only ticks come, so long is waited for a commit.
        wait_seconds = _WAIT_SECONDS + settings.idle_seconds
    seconds = wait_seconds
    settle(
        ends,
        lambda to: _await(settings, number, to, progress, seconds),
        lambda: _bounds(settings, topics_of(settings).touchpoints)[1],
        lambda begins, stops: behind_what_was_sent(settings, number, begins, stops),
    )
    if settings.clickhouse:
        sink = ClickHouseSink(settings.clickhouse)
        try:
            sink.put_in_force(number, definition.left_out, now_ms())
        finally:
            sink.close()
    if number != editions.in_force:
        # What it says from here on is news; what it said of the past was said by the editions before.
        _, triggers = _bounds(settings, topics_of(settings_of(settings, number)).triggers)
        put_in_force(settings, number, triggers)
    return definition


def _await(
    settings: Settings, number: int, ends: Sequence[int], progress: Callable[[str, int, int], None], seconds: float
) -> None:
    """Wait until the group of an edition has committed so much; as long as it comes on.

    Raises NotCaughtUp and BrokerUnreachable.
    """
    group, topic = settings_of(settings, number).group, topics_of(settings).touchpoints
    before, tries = -1, 0
    with admin_of(settings) as admin:
        while True:
            reached = committed(admin, group, topic)
            done = max(before, sum(min((reached or {}).get(partition, 0), end) for partition, end in enumerate(ends)))
            progress(f"edition {number} reads the log", done, sum(ends))
            if done == sum(ends):
                return
            tries = 0 if done > before else tries + 1
            if tries * _AGAIN_SECONDS >= seconds:
                if reached is None:
                    raise BrokerUnreachable(f"RELASI_BROKER={settings.broker}: no answer about the group {group}")
                raise NotCaughtUp(
                    f"edition {number} has processed {done:,} of {sum(ends):,} records, and no more for {seconds:g} s: "
                    f"is `relasi worker --edition {number}` running?"
                )
            before = done
            Event().wait(_AGAIN_SECONDS)


def drop(settings: Settings, number: int) -> None:
    """Delete what the workers of an edition made, which is not in force; how it is defined stays where it ever was.

    Raises NoSuchEdition, also while its workers run.
    """
    editions = read_editions(settings)
    if number == editions.in_force:
        raise NoSuchEdition(f"edition {number} is in force; `relasi switch N` puts another one in its place first")
    editions.definition(number)
    of_edition = settings_of(settings, number)
    with admin_of(settings) as admin:
        _check_nobody(admin, of_edition.group, number)
        _delete_topics(admin, settings, number)
        if of_edition.group in {each["group_id"] for each in admin.list_groups()}:
            admin.delete_groups([of_edition.group])
    if number == FIRST.number:
        # Everybody's topics are checked by what the first edition has.
        apply(settings)
    if settings.clickhouse:
        sink = ClickHouseSink(settings.clickhouse)
        try:
            sink.drop_edition(number)
        finally:
            sink.close()
    if number > editions.in_force:
        forget(settings, number)


def _check_nobody(admin: Any, group: str, number: int) -> None:
    found = admin.describe_groups([group]).get(group) or {}
    if found.get("members"):
        raise NoSuchEdition(f"edition {number} has workers that run (group {group}); stop them first")


def _delete_topics(admin: Any, settings: Settings, number: int) -> None:
    """The changelog, and for all but the first the topics of outputs: those of the first others write to as well."""
    from streams.outputs.catalogue import OUTPUTS

    topics = topics_of(settings_of(settings, number))
    names = {topics.changelog}
    if number != FIRST.number:
        names |= {topics.of(each.topic) for each in OUTPUTS if each.topic is not None}
    there = sorted(names & set(admin.list_topics()))
    if there:
        admin.delete_topics(there)

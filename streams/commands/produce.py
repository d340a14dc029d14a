"""``relasi produce``: files into Kafka."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from streams.clock import now_ms
from streams.commands.progress import progress
from streams.commands.terminal import Terminal
from streams.imports.mapping import Mapping, add_mapping_arguments, mapping_from
from streams.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from processors.policy.policy import Policy
    from streams.kafka.producing import Producing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="CSV, JSONL, Parquet or Avro, also gzipped; - for standard input"
    )
    add_mapping_arguments(parser)
    parser.add_argument(
        "--as-arrived", action="store_true", help="keep the file's order instead of sorting it by occurred_at"
    )
    parser.add_argument("--again", action="store_true", help="also what was sent before under another mapping")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="put this policy in force first")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings (default relasi.toml, if there is one)")


def run(args: argparse.Namespace) -> int:
    """Send every file, in the order given.

    0 sent, 1 not all of it, 2 a setting or an argument is wrong, 3 nothing of a file could be used.
    """
    from streams.commands.held import NOTHING_USABLE, SettingsProblem, policy_from
    from streams.commands.import_files import lists_formats
    from streams.imports.problems import InputProblem, NothingUsable
    from streams.kafka.editions import EditionIsBuilt
    from streams.kafka.producer import SendFailed
    from streams.kafka.topics import BrokerUnreachable, TopicsDiffer, check
    from streams.logs import configure
    from streams.reports.errors import ReportsError

    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    try:
        if lists_formats(args, terminal):
            return 0
        settings = load(args.settings)
        configure("text")
        mapping = mapping_from(args)
        policy = policy_from(args.policy)
        topic_id = check(settings)
        return asyncio.run(_send(args, settings, mapping, policy, topic_id))
    except NothingUsable as error:
        sys.stderr.write(f"relasi: {error}\n")
        return NOTHING_USABLE
    except (SettingsError, SettingsProblem, InputProblem, ReportsError, OSError) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2
    except (EditionIsBuilt, TopicsDiffer, BrokerUnreachable, SendFailed) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 1


async def _send(args: argparse.Namespace, settings: Settings, mapping: Mapping, policy: object, topic_id: str) -> int:
    from processors.policy.policy import Policy
    from schemas.registry import FileRegistry, Registry, SchemaRegistry, establish
    from streams.clock import Clock
    from streams.commands.held import NOTHING_USABLE
    from streams.commands.import_files import counting
    from streams.kafka.editions import check_no_edition_is_built
    from streams.kafka.producer import Producer
    from streams.kafka.producing import Producing
    from streams.kafka.reporting import Reporting
    from streams.kafka.topics import topics_of
    from streams.metrics import Metrics
    from streams.policies import preset
    from streams.reports.clickhouse import ClickHouseSink

    clock = Clock()
    reporting = stored = None
    in_force_now = (await asyncio.to_thread(check_no_edition_is_built, settings)).in_force
    if settings.clickhouse:
        reporting = stored = Reporting(ClickHouseSink(settings.clickhouse), Metrics(), clock)
        if in_force_now != 1:
            stored = Reporting(ClickHouseSink(settings.clickhouse, in_force_now), Metrics(), clock)
    topics = topics_of(settings)
    registry: Registry = SchemaRegistry(settings.registry) if settings.registry else FileRegistry()
    if isinstance(registry, SchemaRegistry):
        establish(registry)
    async with Producer(settings, "relasi-produce", clock) as producer:
        producing = Producing(producer, topics, registry, settings.partitions, reporting, topic_id, stored)
        given = policy if isinstance(policy, Policy) else None
        told = given or await producing.policy_in_force()
        in_force = told or preset(mapping.policy or "commerce")
        judging = counting(in_force, mapping)
        # The log itself says what it was judged by, from its beginning.
        if given or judging.hash != in_force.hash or await producer.is_empty(topics.touchpoints):
            await producing.policy(judging)
        elif told is None:
            sys.stderr.write(
                "relasi: no reports tell which policy is in force: what is said of the files goes by "
                f"{judging.name}, as "
                "it comes with Relasi\n"
            )
        usable = True
        for name in args.files:
            usable &= await _file(
                producing, name, mapping, settings, judging, as_arrived=args.as_arrived, again=args.again
            )
    for each in (reporting, stored):
        if each is not None:
            each.close()
    # One that was begun meanwhile takes for known what is stored under the one before.
    await asyncio.to_thread(check_no_edition_is_built, settings)
    return 0 if usable else NOTHING_USABLE


async def _file(
    producing: "Producing",
    name: str,
    mapping: Mapping,
    settings: Settings,
    policy: "Policy",
    *,
    as_arrived: bool,
    again: bool,
) -> bool:
    """Send one file, judged by ``policy``; False: nothing of it could be used."""
    from streams.commands.telling import tell_currency, tell_reading, tell_rejects, tell_understood, tell_unusable
    from streams.imports.prepare import prepare
    from streams.imports.survey import Survey
    from streams.policies import chosen_currency

    terminal = Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())
    title = "standard input" if name == "-" else Path(name).name
    settings.data.mkdir(parents=True, exist_ok=True)
    with (
        progress(terminal, title) as report,
        prepare(
            name,
            mapping,
            as_arrived=as_arrived,
            workdir=settings.data,
            now=now_ms(),
            progress=report,
            own_currency=chosen_currency(policy),
        ) as prepared,
    ):
        survey = Survey(policy)
        produced = await producing.file(prepared, report, survey, again=again)
        terminal.say(f"{title}: {produced.touchpoints:,} touchpoints sent")
        if produced.known:
            terminal.say(f"  {produced.known:,} of them were known already and count nothing")
        tell_reading(terminal, prepared)
        tell_rejects(terminal, prepared, produced.rejects)
        tell_understood(terminal, survey)
        tell_currency(terminal, prepared, f"{policy.currency}, which is the policy's")
        if not produced.touchpoints:
            tell_unusable(terminal, title, prepared)
    return produced.touchpoints > 0

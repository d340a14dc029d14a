"""``relasi warm``: compile everything once, so that the first command does not have to."""

import argparse
import multiprocessing
import sys
import tempfile
from pathlib import Path
from typing import Final

_UNUSED_DAYS: Final = 30
_ROWS: Final = (
    "customer_id,occurred_at,kind,amount,currency,event_id,properties.page\n"
    "a,2024-01-01,order_completed,10.00,USD,1,\n"
    "a,2024-01-09,account_created,,,2,\n"
    "b,2024-02-01,page_viewed,,,,home\n"
    "a,2024-01-05,order_completed,12.00,EUR,4,\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_args: argparse.Namespace) -> int:
    """Import a few touchpoints into a directory that is thrown away: every compiled function runs.

    What this process would come to last, and what a collector alone runs, is compiled by a process beside it. Each
    finds there whatever the other has compiled by then. Compiled code that nothing has used for 30 days is removed.
    """
    from processors.compiled import cache_directory, prune
    from streams.clock import now_ms
    from streams.commands.import_files import import_file
    from streams.commands.terminal import Terminal
    from streams.embedded.session import Session
    from streams.imports.mapping import Mapping

    # A new interpreter: what is forked while threads run may never end.
    beside = multiprocessing.get_context("spawn").Process(target=_warm_beside, daemon=True)
    beside.start()
    silent = Terminal(lambda _: None, lambda _: None, rich=False)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        rows.write_text(_ROWS)
        for _ in range(2):
            # The second opening restores a checkpoint, which the first has no reason to do.
            with Session(Path(folder) / "data", "relasi warm") as session:
                import_file(session, str(rows), Mapping(), silent, as_arrived=True)
    beside.join()
    if beside.exitcode:
        sys.stderr.write(
            f"relasi: what links customers, or a collector runs, could not be compiled (exit code {beside.exitcode})\n"
        )
        return 1
    removed = prune(now_ms() / 1000 - _UNUSED_DAYS * 86_400)
    old = f"; {removed} files that nothing used for {_UNUSED_DAYS} days are removed" if removed else ""
    sys.stdout.write(f"compiled code is kept in {cache_directory()}{old}\n")
    return 0


def _warm_beside() -> None:
    """In the process beside."""
    from schemas.known import look_up_all
    from schemas.registry import FileRegistry
    from streams.collector.warming import warm
    from streams.engine.apart import compile_links
    from streams.policies import preset

    registry = FileRegistry()
    compile_links(preset(), look_up_all(registry))
    warm(registry)

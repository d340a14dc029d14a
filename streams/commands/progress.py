"""Progress of long work: a bar for someone who looks on, nothing for a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streams.commands.terminal import Terminal

Report = Callable[[str, int, int], None]


def _nothing(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


@contextmanager
def progress(terminal: Terminal, title: str) -> Iterator[Report]:
    """Gives ``report(stage, done, total)``; a total of 0 is not known."""
    if not terminal.rich:
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {stage}", completed=done, total=total or None)

        yield report

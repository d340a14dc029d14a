"""How tests are spread over processes (``pytest -n 3``): file by file, and those of a broker, or of a server, in one.

So each of them starts once. And workers, a broker and a server at once are as many processes as two processors carry: a
group that hears nothing of a worker for six seconds goes on without it. Those tests wait more than they work, and the
others have the processors meanwhile. Where ``-m`` leaves a part out, the files that would share it go one by one.
"""

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# What a test's path begins with, by the part that they share.
TOGETHER: Final = {
    "broker": ("tests/kafka/", "tests/contract/test_log_writers.py"),
    "server": ("tests/contract/",),
}
# What takes longest comes first, so that no process is left alone with it at the end.
FIRST: Final = (*TOGETHER["broker"], *TOGETHER["server"], "tests/embedded/", "tests/faults/")


def place(nodeid: str) -> int:
    """Where in the order of folders a test stands."""
    return next((at for at, folder in enumerate(FIRST) if nodeid.startswith(folder)), len(FIRST))


class Spreading(LoadScopeScheduling):
    """A file at a time, in the order in which they were collected; what shares a part, the whole at once."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid, str(self.config.option.markexpr))


def scope(nodeid: str, chosen: str) -> str:
    """With what a test goes to one process, where ``-m`` chooses so."""
    path = nodeid.partition("::")[0]
    there = {part: paths for part, paths in TOGETHER.items() if f"not {part}" not in chosen}
    return next((part for part, paths in there.items() if path.startswith(paths)), path)


def scheduler(config: pytest.Config, log: Producer) -> Spreading:
    """For pytest-xdist, which would begin with the files that have the most tests, however short."""
    config.option.loadscopereorder = False
    return Spreading(config, log)

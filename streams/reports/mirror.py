"""A directory of the engine's that can't be written to, as one that can: its folders anew, its files as links.

The engine writes wherever it opens something, and refuses a directory where it can't. It never changes a file that
has been written: parts are added and removed as a whole, so links are enough, and what it adds goes with the mirror.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mirrored(directory: Path) -> Iterator[Path]:
    """A temporary directory that holds what another one holds; it goes with the context."""
    with tempfile.TemporaryDirectory(prefix="relasi-reports-", ignore_cleanup_errors=True) as made:
        _mirror(directory.resolve(), Path(made))
        yield Path(made)


def _mirror(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        there = target / entry.name
        if entry.is_symlink():
            there.symlink_to(entry.readlink())
        elif entry.is_dir():
            there.mkdir()
            _mirror(entry, there)
        else:
            there.symlink_to(entry)

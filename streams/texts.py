"""Small texts that people write: policies, mappings, stories, settings."""

import errno
from pathlib import Path

from processors.toml import TEXT_BYTES


def read_text(path: Path) -> str:
    """The UTF-8 text of a file. Raises OSError, also for one of more than a mebibyte, and UnicodeDecodeError."""
    with path.open("rb") as file:
        data = file.read(TEXT_BYTES + 1)
    if len(data) > TEXT_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {TEXT_BYTES:,} bytes", str(path))
    return data.decode("utf-8")

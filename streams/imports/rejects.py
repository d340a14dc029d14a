"""The rows of a file that are no touchpoints, kept until somebody asks for them."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from streams.imports.problems import ImportReject

_REJECTS_IN_MEMORY: Final = 1 << 20


class Rejects:
    """Rejects in order of their rows, in memory while they are few and on disk when they are many."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_REJECTS_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (closed in close)
        self._count = 0

    def add(self, reject: ImportReject) -> None:
        entry = asdict(reject) | {"payload": reject.payload.decode("latin-1")}
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ImportReject]:
        self._file.seek(0)
        for line in self._file:
            entry = json.loads(line)
            yield ImportReject(**entry | {"payload": entry["payload"].encode("latin-1")})

    def close(self) -> None:
        self._file.close()

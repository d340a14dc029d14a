"""Questions to the reports of a data directory, asked here or of the process that holds the directory."""

import io
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
from pyarrow import csv

from streams.embedded.client import NotAnswered, ask
from streams.embedded.lock import DirectoryInUse
from streams.embedded.log import FILE_NAME
from streams.embedded.looking import opened_to_ask

_PARSE: Final = csv.ParseOptions(newlines_in_values=True)


class NothingThere(NotAnswered):
    """The data directory holds nothing; the message names it."""


class Reports:
    """A context manager. Raises what opening a ``Session`` raises, ``NotReady``, or ``NothingThere``."""

    def __init__(self, data: Path, command: str) -> None:
        if not (data / FILE_NAME).exists():
            raise NothingThere(f"{data} holds nothing yet; begin with `relasi import FILE`, or see --data")
        self._data = data
        self._held_by: str | None = None
        self._session: Any = None
        with ExitStack() as stack:
            try:
                self._session = stack.enter_context(opened_to_ask(data, command))
                self._session.bring_up_to_date()
            except DirectoryInUse as error:
                if error.holder is None or error.holder.socket is None:
                    raise
                self._held_by = error.holder.socket
            self._stack = stack.pop_all()

    def ask(self, sql: str) -> pa.Table:
        """The answer to one question. Of another process it comes as text: every column is one, "" is null."""
        if self._held_by is None:
            found: pa.Table = self._session.sink.query(sql)
            return found
        out, err = io.BytesIO(), io.BytesIO()
        words = ["query", sql, "--format", "csv", "--data", str(self._data.absolute())]
        if ask(self._held_by, words, Path.cwd(), out.write, err.write):
            raise NotAnswered(err.getvalue().decode(errors="replace").strip())
        names = csv.open_csv(io.BytesIO(out.getvalue()), parse_options=_PARSE).schema.names
        texts = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        return csv.read_csv(io.BytesIO(out.getvalue()), parse_options=_PARSE, convert_options=texts)

    def close(self) -> None:
        """Let go of the directory."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

"""What can go wrong with a file: the whole of it (an exception) or a row of it (a value)."""

from dataclasses import dataclass


class InputProblem(Exception):
    """The input as a whole cannot be imported; the message says what was found and what was expected."""


class NothingUsable(InputProblem):
    """A file of rows none of which can be used as it stands: in doubt as a whole; the message says what to tell."""


class MappingProblem(InputProblem):
    """A mapping is wrong. ``problems`` lists everything that is, each with its file and key or its argument."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class ImportReject:
    """A row that cannot become a touchpoint.

    ``row`` counts from 1: the physical line for text (a CSV header is line 1, blank lines count, a quoted line break
    begins a new line), the record for Parquet and Avro. ``payload`` holds the bytes of the line as they stood in the
    file; for Parquet and Avro, where there are no such bytes, the row as a JSON object.
    """

    row: int
    reason: str
    detail: str
    payload: bytes

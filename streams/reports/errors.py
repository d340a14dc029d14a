"""What goes wrong between us and the reporting engine."""

import re
from typing import Final


class ReportsError(Exception):
    """The engine refused or failed: says what was asked of it, what it answered, and what to do where that helps."""


class UnfitRows(ReportsError):
    """The engine says that rows can't be stored as they are, however often it is tried.

    ``told``: why, in the engine's own word for it; its message may quote what customers did.
    """

    def __init__(self, message: str, told: str) -> None:
        super().__init__(message)
        self.told = told


# ClickHouse, src/Common/ErrorCodes.cpp: those that are said of the values of an insert. A table that is declared
# otherwise than ours gives some of them as well; ``storing`` tells that apart.
_OF_ROWS: Final = {
    6: "CANNOT_PARSE_TEXT",
    25: "CANNOT_PARSE_ESCAPE_SEQUENCE",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    32: "ATTEMPT_TO_READ_AFTER_EOF",
    33: "CANNOT_READ_ALL_DATA",
    36: "BAD_ARGUMENTS",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    43: "ILLEGAL_TYPE_OF_ARGUMENT",
    44: "ILLEGAL_COLUMN",
    53: "TYPE_MISMATCH",
    69: "ARGUMENT_OUT_OF_BOUND",
    70: "CANNOT_CONVERT_TYPE",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    128: "TOO_LARGE_ARRAY_SIZE",
    131: "TOO_LARGE_STRING_SIZE",
    190: "SIZES_OF_ARRAYS_DONT_MATCH",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    407: "DECIMAL_OVERFLOW",
    469: "VIOLATED_CONSTRAINT",
    636: "CANNOT_EXTRACT_TABLE_STRUCTURE",
    691: "UNKNOWN_ELEMENT_OF_ENUM",
    748: "AVRO_EXCEPTION",
}
_AVRO: Final = "avro::Exception"
_CODE: Final = re.compile(r"Code: (\d+)")


def refusal(message: str, answer: str, code: int | None = None) -> ReportsError:
    """The error of an insert; ``answer``: what the engine said, ``code``: its number where it came beside that.

    What Avro's own library throws has a number of its own in some versions, and that of any exception in others.
    """
    if code is None:
        found = _CODE.search(answer)
        code = int(found[1]) if found else 0
    if code not in _OF_ROWS and _AVRO not in answer:
        return ReportsError(message)
    return UnfitRows(message, f"{_OF_ROWS.get(code, 'AVRO_EXCEPTION')} (code {code})")


def first_line(sql: str) -> str:
    """The line of a statement that an error message shows: the first one that is not blank or a comment."""
    for line in sql.splitlines():
        text = line.strip()
        if text and not text.startswith("--"):
            return text
    return sql.strip()

"""Why a record can't be read: codes that compiled code returns, and their names in the table of rejects.

Codes are stored nowhere, names are: a name never changes its meaning. 0 is success. The decoder's codes end at 31;
those of the engine that judges decoded records begin at 32.
"""

from typing import Final

OK: Final = 0
TRUNCATED: Final = 1
BAD_VARINT: Final = 2
BAD_LENGTH: Final = 3
BAD_UNION: Final = 4
BAD_UTF8: Final = 5
TRAILING_BYTES: Final = 6
BAD_BLOCK: Final = 7
BAD_BOOLEAN: Final = 8
BAD_ENUM: Final = 9
BAD_INT: Final = 10
BAD_RECORD: Final = 11
NO_VALUE: Final = 12
NOT_FRAMED: Final = 13
UNKNOWN_SCHEMA: Final = 14
BAD_BATCH: Final = 15
BATCH_TOO_LARGE: Final = 16
UNREADABLE_SCHEMA: Final = 17
MISSING_VALUE: Final = 18
OUT_OF_RANGE: Final = 19
WRONG_TYPE: Final = 20

REASONS: Final[dict[int, str]] = {
    TRUNCATED: "truncated",
    BAD_VARINT: "bad_varint",
    BAD_LENGTH: "bad_length",
    BAD_UNION: "bad_union",
    BAD_UTF8: "bad_utf8",
    TRAILING_BYTES: "trailing_bytes",
    BAD_BLOCK: "bad_block",
    BAD_BOOLEAN: "bad_boolean",
    BAD_ENUM: "bad_enum",
    BAD_INT: "bad_int",
    BAD_RECORD: "bad_record",
    NO_VALUE: "no_value",
    NOT_FRAMED: "not_framed",
    UNKNOWN_SCHEMA: "unknown_schema",
    UNREADABLE_SCHEMA: "unreadable_schema",
    MISSING_VALUE: "missing_value",
    OUT_OF_RANGE: "out_of_range",
    WRONG_TYPE: "wrong_type",
    BAD_BATCH: "bad_batch",
    BATCH_TOO_LARGE: "batch_too_large",
}

DETAILS: Final[dict[int, str]] = {
    TRUNCATED: "the record ends in the middle of a field",
    BAD_VARINT: "an integer is longer than ten bytes or doesn't fit into 64 bits",
    BAD_LENGTH: "a length is negative or reaches beyond the end of the record",
    BAD_UNION: "a union names a branch that its schema doesn't have",
    BAD_UTF8: "a string isn't UTF-8",
    TRAILING_BYTES: "bytes are left after the last field: the schema id is probably wrong",
    BAD_BLOCK: "a block of an array or map has an impossible count or size",
    BAD_BOOLEAN: "a boolean is neither 0 nor 1",
    BAD_ENUM: "an enum names a symbol that its schema doesn't have",
    BAD_INT: "a number declared as int doesn't fit into 32 bits",
    BAD_RECORD: "the record's own frame in the record batch is malformed",
    NO_VALUE: "the record has no value",
    NOT_FRAMED: "the value doesn't begin with a zero byte and a schema id of four bytes",
    UNKNOWN_SCHEMA: "no schema has this id: not those that come with Relasi, nor a schema registry's where one is set",
    UNREADABLE_SCHEMA: "its schema can't be read as one of the records of this log",
    MISSING_VALUE: "a field that must have a value is null",
    OUT_OF_RANGE: "a number is larger than its field holds",
    WRONG_TYPE: "of the types that a union allows, a field has one that can't be read",
    BAD_BATCH: "the compressed records of a batch can't be expanded; all of them are in this reject",
    BATCH_TOO_LARGE: "the compressed records of a batch expand to more than 32 MiB; all of them are in this reject",
}

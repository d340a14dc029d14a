"""The one list of a touchpoint's fields.

Made from it: the decoder's slots (``touchpoint.py``), the columns of imports and of stories, what a file's columns can
be mapped to, a story's keys, and the columns that ClickHouse reads out of an Avro container. Held against it by
``tests/unit/test_fields.py``: the newest Avro schema and the DDL. The hash of an imported row's content names its
columns itself and follows no change here (``streams/imports/identity.py``).

Light to import: the command line offers these names before anything heavy is loaded.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

MINOR: Final = "_minor"
"""The end of a name whose amount is in minor units; without it the name stands for major units."""


class FieldType(Enum):
    """What a field holds, and how it is read where people write it; the value is its type in Avro."""

    TEXT = "string"
    KIND = "string in snake_case"
    CURRENCY = "string of three letters, ISO 4217"
    INSTANT = "long, timestamp-millis, UTC"
    MONEY = "long, minor units of the touchpoint's currency"
    COUNT = "int"
    NUMBER = "double"
    TRUTH = "boolean"
    LINES = "array of Line"
    PROPERTIES = "map of string"


class Field(NamedTuple):
    """One field. ``required``: it is never null. ``in_files``: an imported file may have a column of it.

    ``story``: the key by which a story tells it, amounts in major units; None where stories don't.
    ``reported``: the reports have a column of it.
    """

    name: str
    type: FieldType
    required: bool = False
    in_files: bool = True
    story: str | None = None
    reported: bool = True

    @property
    def major(self) -> str | None:
        """The name of the same amount in major units; None of what is no amount."""
        return self.name.removesuffix(MINOR) if self.type is FieldType.MONEY else None


FIELDS: Final = (
    Field("event_id", FieldType.TEXT, required=True, story="event_id"),
    Field("customer_id", FieldType.TEXT, story="customer"),
    Field("anonymous_id", FieldType.TEXT, story="anonymous"),
    Field("occurred_at", FieldType.INSTANT, required=True, story="at"),
    Field("received_at", FieldType.INSTANT, required=True),
    Field("kind", FieldType.KIND, required=True, story="kind"),
    Field("channel", FieldType.TEXT, story="channel"),
    Field("amount_minor", FieldType.MONEY, story="amount"),
    Field("currency", FieldType.CURRENCY, story="currency"),
    Field("cost_minor", FieldType.MONEY, story="cost"),
    Field("margin_minor", FieldType.MONEY, story="margin"),
    Field("campaign", FieldType.TEXT, story="campaign"),
    Field("order_id", FieldType.TEXT, story="order_id"),
    Field("lines", FieldType.LINES, required=True),
    Field("agent_id", FieldType.TEXT, story="agent_id"),
    Field("satisfaction", FieldType.NUMBER, story="satisfaction"),
    Field("properties", FieldType.PROPERTIES, required=True, story="properties"),
    Field("import_id", FieldType.TEXT, in_files=False),
    # What is known already counts nothing and comes into no report.
    Field("known", FieldType.TRUTH, in_files=False, reported=False),
    # The id in customer_id is an account's, and so another one than a person's of the same text.
    Field("is_account", FieldType.TRUTH),
)
"""In the order of the Avro schema, which is that of the slots. New ones are appended, as they are there."""

LINE: Final = (
    Field("sku", FieldType.TEXT, required=True),
    Field("category", FieldType.TEXT),
    Field("quantity", FieldType.COUNT, required=True),
    Field("amount_minor", FieldType.MONEY),
)
"""The fields of one of its ``lines``."""


def slots_of(fields: Iterable[Field]) -> dict[str, int]:
    """Name to slot of the decoder."""
    return {field.name: slot for slot, field in enumerate(fields)}


def names_in_files(fields: Iterable[Field]) -> tuple[str, ...]:
    """Every name that a file's column can be mapped to; an amount has two, major units first."""
    return tuple(name for field in fields if field.in_files for name in (field.major, field.name) if name is not None)


def amounts_of(fields: Iterable[Field]) -> dict[str, str]:
    """The names of amounts in major units, and the fields in minor units that they become."""
    return {field.major: field.name for field in fields if field.major is not None}


def of_type(fields: Iterable[Field], *types: FieldType) -> tuple[str, ...]:
    """The names of the fields that hold one of these."""
    return tuple(field.name for field in fields if field.type in types)

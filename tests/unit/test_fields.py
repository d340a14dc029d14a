"""The list of a touchpoint's fields against what can't be made from it: the Avro schema and the DDL."""

import re
from collections.abc import Iterable
from typing import Any, Final

from schemas.fields import FIELDS, LINE, Field, FieldType, amounts_of, names_in_files, slots_of
from schemas.registry import FileRegistry
from schemas.touchpoint import SLOTS, TOUCHPOINT_SLOTS
from streams.imports.canonical import CANONICAL, ROW, STORED
from streams.imports.content_ids import CONTENT_V1
from streams.imports.mapping import MONEY, NAMES, TIMES
from streams.reports.ddl import statements
from streams.reports.tables import TOUCHPOINT_COLUMNS, clickhouse_type
from streams.stories.parse import TOUCHPOINT_KEYS

INSTANT: Final = {"type": "long", "logicalType": "timestamp-millis"}
AVRO: Final[dict[FieldType, Any]] = {
    FieldType.TEXT: "string",
    FieldType.KIND: "string",
    FieldType.CURRENCY: "string",
    FieldType.INSTANT: INSTANT,
    FieldType.MONEY: "long",
    FieldType.COUNT: "int",
    FieldType.NUMBER: "double",
    FieldType.TRUTH: "boolean",
    FieldType.PROPERTIES: {"type": "map", "values": "string"},
}


def avro_of(fields: Iterable[Field]) -> list[tuple[str, Any]]:
    """(name, type) of each field as an Avro schema states it, lists by the fields of their items."""
    found = []
    for field in fields:
        own = avro_of(LINE) if field.type is FieldType.LINES else AVRO[field.type]
        found.append((field.name, own if field.required else ["null", own]))
    return found


def stated(schema: Any) -> list[tuple[str, Any]]:
    found = []
    for field in schema["fields"]:
        assert field["doc"].endswith("."), field["name"]
        own = field["type"]
        if isinstance(own, list):
            assert field["default"] is None, "what may be null may be missing, or older readers could not go on"
        found.append((field["name"], stated(own["items"]) if isinstance(own, dict) and "items" in own else own))
    return found


def declared(statement: str) -> dict[str, str]:
    """Name to type of the columns that a statement creates or adds, those that are computed aside."""
    found = re.findall(
        r"^ {4}(?:ADD COLUMN IF NOT EXISTS )?(\w+) (.+?)\s+COMMENT '", statement, re.MULTILINE | re.DOTALL
    )
    return {name: kind for name, kind in found if not re.search(r"\b(MATERIALIZED|ALIAS|DEFAULT)\b", kind)}


def columns_of(name: str) -> dict[str, str]:
    """Those of a table or view, with what was added later."""
    starts = (f"CREATE TABLE IF NOT EXISTS {name}\n", f"CREATE OR REPLACE VIEW {name}\n", f"ALTER TABLE {name}\n")
    found: dict[str, str] = {}
    for statement in statements():
        if statement.startswith(starts):
            found |= declared(statement.partition("\nSQL SECURITY")[0].partition("\nENGINE")[0])
    return found


def test_the_newest_avro_schema_states_these_fields() -> None:
    registry = FileRegistry()
    assert stated(registry.schema(registry.id_of("Touchpoint"))) == avro_of(FIELDS)


def test_the_table_has_a_column_of_its_type_for_each() -> None:
    held = {name: kind for name, kind in columns_of("touchpoints_raw").items() if name in TOUCHPOINT_SLOTS}
    assert held == TOUCHPOINT_COLUMNS
    assert list(TOUCHPOINT_COLUMNS) == [field.name for field in FIELDS if field.reported]


def test_the_view_shows_each_in_the_same_type() -> None:
    shown = columns_of("touchpoints")
    assert {name: shown[name] for name in TOUCHPOINT_COLUMNS} == TOUCHPOINT_COLUMNS | {
        "customer_id": "String"  # the anonymous identity where there is no other
    }


def test_the_columns_of_an_import_are_the_fields_and_the_row() -> None:
    assert CANONICAL.names == [*TOUCHPOINT_SLOTS, ROW]
    assert [field.nullable for field in CANONICAL] == [not field.required for field in FIELDS] + [False]
    assert STORED.names[:-2] == CANONICAL.names
    assert [field.name for field in STORED if field.nullable] == [
        *(field.name for field in FIELDS if not field.required or field.name == "event_id"),
        *STORED.names[-2:],
    ]


def test_the_columns_whose_content_makes_an_id_are_fields() -> None:
    assert set(CONTENT_V1) <= set(TOUCHPOINT_SLOTS) - {"event_id"}


def test_slots_are_in_the_order_of_the_list() -> None:
    assert list(TOUCHPOINT_SLOTS.values()) == list(range(SLOTS))


def test_names_are_told_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert len(set(TOUCHPOINT_KEYS)) == len(TOUCHPOINT_KEYS)
    assert {"amount", "amount_minor", "currency", "lines", *TIMES, *MONEY} <= set(NAMES)


def test_a_story_can_tell_no_lines() -> None:
    assert not [field for field in FIELDS if field.story is not None and field.type is FieldType.LINES]


def test_what_a_field_that_is_new_would_be_called() -> None:
    longer = (*FIELDS, Field("shipping_minor", FieldType.MONEY), Field("import_no", FieldType.COUNT, in_files=False))
    assert slots_of(longer) == TOUCHPOINT_SLOTS | {"shipping_minor": SLOTS, "import_no": SLOTS + 1}
    assert names_in_files(longer) == (*NAMES, "shipping", "shipping_minor")
    assert amounts_of(longer) == MONEY | {"shipping": "shipping_minor"}
    assert [clickhouse_type(field) for field in longer[-2:]] == ["Nullable(Int64)", "Nullable(Int32)"]

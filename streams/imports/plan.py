"""Which columns of a file are read, as what, and which are left."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.imports.mapping import NAMES, Mapping, property_of
from streams.imports.problems import InputProblem


@dataclass(frozen=True)
class ReadPlan:
    """``fields``: field to column. ``properties``: property name to column. ``ignored``: columns that nobody reads."""

    fields: dict[str, str]
    properties: dict[str, str]
    ignored: tuple[str, ...]

    def needed(self) -> list[str]:
        """The columns to read, each once."""
        return list(dict.fromkeys([*self.fields.values(), *self.properties.values()]))


def plan_of(columns: Sequence[str], mapping: Mapping) -> ReadPlan:
    """What the mapping, and names like those of a touchpoint's fields, make of these columns."""
    fields: dict[str, str] = {}
    properties: dict[str, str] = {}
    present = set(columns)
    for field, column in mapping.columns.items():
        if column in present:
            name = property_of(field)
            (fields if name is None else properties)[name or field] = column
    used = set(mapping.columns.values())
    ignored: list[str] = []
    for column in columns:
        if column in used:
            continue
        name = property_of(column)
        if column in mapping.columns or column in mapping.constants:
            ignored.append(column)
        elif column in NAMES:
            fields[column] = column
        elif name is not None:
            properties.setdefault(name, column)
        elif mapping.keep_extra:
            properties.setdefault(column, column)
        else:
            ignored.append(column)
    return ReadPlan(fields, properties, tuple(ignored))


def wanted_columns(mapping: Mapping) -> list[str]:
    """Columns that a plan could read of a file whose columns are not known yet, properties by column aside."""
    return [*NAMES, *mapping.columns.values()]


def check_columns(name: str, columns: Sequence[str], mapping: Mapping) -> None:
    """Raise ``InputProblem``, with everything that is missing, when a file with these columns has no touchpoints."""
    have = set(plan_of(columns, mapping).fields) | set(mapping.constants)
    missing = [
        f"the mapping takes {field} from a column {column!r} that is not there"
        for field, column in mapping.columns.items()
        if column not in columns
    ]
    if not have & {"customer_id", "anonymous_id"}:
        missing.append("no customer: name the column with --map customer_id=COLUMN (or anonymous_id=COLUMN)")
    if "occurred_at" not in have:
        missing.append("no time: name the column with --map occurred_at=COLUMN")
    if "kind" not in have:
        missing.append("no kind of touchpoint: --map kind=COLUMN, or --set kind=order_completed for all rows")
    if missing:
        listed = ", ".join(columns) or "none"
        raise InputProblem("\n".join([f"{name}: {line}" for line in missing] + [f"{name}: its columns are: {listed}"]))

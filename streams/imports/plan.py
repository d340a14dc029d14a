"""Which columns of a file are read, as what, and which are left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from streams.imports.joined import names_joined, parts_of_name
from streams.imports.likeness import bare
from streams.imports.mapping import LINE, NAMES, Mapping, property_of
from streams.imports.problems import InputProblem

_READ_BY_THE_ENGINE: Final = ("discount", "reason")
"""Properties that mean something to every policy, and that a column of their own name holds."""


@dataclass(frozen=True)
class ReadPlan:
    """``fields``: field to column. ``properties``: property name to column. ``ignored``: columns that nobody reads.

    ``parts``: of a name that joins several columns (``date+time``), these.
    """

    fields: dict[str, str]
    properties: dict[str, str]
    ignored: tuple[str, ...]
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def needed(self) -> list[str]:
        """The columns to read, each once."""
        joined = [part for name in self.fields.values() for part in self.parts.get(name, (name,))]
        return list(dict.fromkeys([*joined, *self.properties.values()]))


def known_names(mapping: Mapping) -> frozenset[str]:
    """Names of columns by which a header can be told (``likeness.bare``): of fields, and those that a mapping reads."""
    return frozenset(map(bare, [*NAMES, *LINE, *mapping.columns.values()]))


def plan_of(columns: Sequence[str], mapping: Mapping) -> ReadPlan:
    """What the mapping, and names like those of a touchpoint's fields, make of these columns."""
    fields: dict[str, str] = {}
    properties: dict[str, str] = {}
    present = set(columns)
    parts: dict[str, tuple[str, ...]] = {}
    for target, column in mapping.columns.items():
        name = property_of(target)
        if column in present:
            (fields if name is None else properties)[name or target] = column
        elif name is None and (joined := parts_of_name(column, present)):
            fields[target] = column
            parts[column] = tuple(joined)
    used = {*mapping.columns.values(), *(part for joined in parts.values() for part in joined)}
    ignored: list[str] = []
    # A column called price is nobody's field, unless the rows are lines.
    by_name = (*NAMES, *LINE) if "sku" in columns or "sku" in mapping.columns else NAMES
    for column in columns:
        if column in used:
            continue
        name = property_of(column)
        if column in mapping.columns or column in mapping.constants:
            ignored.append(column)
        elif column in by_name:
            fields[column] = column
        elif name is not None or column in _READ_BY_THE_ENGINE:
            properties.setdefault(name or column, column)
        elif mapping.keep_extra:
            properties.setdefault(column, column)
        else:
            ignored.append(column)
    return ReadPlan(fields, properties, tuple(ignored), parts)


def wanted_columns(mapping: Mapping) -> list[str]:
    """Columns that a plan could read of a file whose columns are not known yet, properties by column aside."""
    return [
        *NAMES,
        *LINE,
        *_READ_BY_THE_ENGINE,
        *(part for column in mapping.columns.values() for part in names_joined(column)),
    ]


def check_columns(name: str, columns: Sequence[str], mapping: Mapping) -> None:
    """Raise ``InputProblem``, with everything that is missing, when a file with these columns has no touchpoints."""
    have = set(plan_of(columns, mapping).fields) | set(mapping.constants)
    missing = [
        f"the mapping takes {target} from a column {column!r} that is not there"
        for target, column in mapping.columns.items()
        if column not in columns and (property_of(target) is not None or not parts_of_name(column, columns))
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

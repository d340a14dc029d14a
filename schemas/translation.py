"""Touchpoints of any readable schema, written anew in ours: what the engine then reads is what the reports store.

Column by column, without a Python object per record: all bodies are decoded into slots, each field's types become one
column, and the encoder writes them out. What our schema has no place for follows these rules:

- fields that we don't have, of a touchpoint or of one of its lines, are left out; the log keeps them;
- values of properties become text: numbers in their shortest form, truth values as ``true`` and ``false``, enums by
  their symbol; a property that is null, an array, a map or a record is left out, and so is a line that is null;
- a null where a value must be, a number that doesn't fit and bytes that are no text make the record a reject.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.bodies import Bodies
from schemas.columns import COLUMN_BOOLEAN, COLUMN_DOUBLE, COLUMN_NUMBER, NO_NULL, Column, numbers_column
from schemas.decode import ABSENT
from schemas.encode import encode_rows, lists_column
from schemas.landing import KEY, Alternative, Program, land_entries, land_items, land_record
from schemas.plan import compile_plan
from schemas.reasons import DETAILS, MISSING_VALUE, OK, OUT_OF_RANGE, WRONG_TYPE
from schemas.unfolding import count_items, decode_all, unfold
from schemas.values import Numbers, Truths, Values
from schemas.writers import (
    INSTANT,
    LINES,
    MEASURE,
    PROPERTIES,
    SMALL,
    TEXT,
    TRUTH,
    Field,
    check,
    fits,
    own_fields,
    scale_of,
)

_MOST: Final = {SMALL: (1 << 31) - 1}
_COLUMNS: Final = {MEASURE: COLUMN_DOUBLE, TRUTH: COLUMN_BOOLEAN}


class Translated(NamedTuple):
    """Bodies in our schema, one for each that was given; those with a reason mean nothing.

    ``fields``: number in ``Translation.names`` of the field that a reason is about; -1: none.
    """

    bodies: Bodies
    reasons: npt.NDArray[np.int32]
    fields: npt.NDArray[np.int32]


class Translation:
    """From one writer's schema to ours. Raises PlanError where a field can't be read, with its name and type."""

    def __init__(self, schema: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        compile_plan(schema, {})
        self._own = own_fields(own)
        self._program, named = land_record(schema, self._own)
        values = self._program.values
        check(self._own, values)
        self._line = own_fields(_items(self._own["lines"].schema))
        self._items: Program | None = None
        self._entries: Program | None = None
        for array in self._fitting("lines"):
            self._items = land_items(array, named, self._line)
            check(self._line, self._items.values, "lines.")
        for entries in self._fitting("properties"):
            self._entries = land_entries(entries, named)
        self.names = (*self._own, *(f"lines.{name}" for name in self._line))

    @staticmethod
    def says(reason: int, field: str) -> str:
        """What is wrong with a field, in words."""
        return f"field {field!r}: {DETAILS[reason]}"

    def _fitting(self, name: str) -> list[Alternative]:
        return [each for each in self._program.values.get(name, ()) if fits(self._own[name], each)]

    def translate(self, buffer: npt.NDArray[np.uint8], starts: Numbers, stops: Numbers) -> Translated:
        """Bodies ``buffer[starts[i]:stops[i]]`` in our schema."""
        cells = np.zeros((len(starts), max(self._program.slots, 1), 2), np.int64)
        table = Values(buffer, cells)
        decode_all(buffer, starts, stops, self._program.ops, cells, table.reasons)
        columns = []
        for number, field in enumerate(self._own.values()):
            values = self._fitting(field.name)
            for each in self._program.values.get(field.name, ()):
                if each not in values:
                    table.refuse(table.has(each), WRONG_TYPE, number)
            if field.reading == LINES:
                columns.append(self._lines(table, values))
            elif field.reading == PROPERTIES:
                columns.append(self._properties(table, values, number))
            else:
                columns.append(_column(table, field, values, number))
        return Translated(encode_rows(columns, len(starts)), table.reasons, table.fields)

    def _lines(self, table: Values, values: Sequence[Alternative]) -> Column:
        items, owners = _unfolded(table, self._items, values)
        if self._items is not None:
            there = items.cells[:, self._items.present, 1] != ABSENT
            items, owners = Values(items.buffer, items.cells[there]), owners[there]
        found = {} if self._items is None else self._items.values
        first = len(self._own)
        columns = []
        for i, (name, field) in enumerate(self._line.items()):
            fitting = [each for each in found.get(name, ()) if fits(field, each)]
            for each in found.get(name, ()):
                if each not in fitting:
                    items.refuse(items.has(each), WRONG_TYPE, first + i)
            columns.append(_column(items, field, fitting, first + i))
        return _listed(table, items, owners, columns)

    def _properties(self, table: Values, values: Sequence[Alternative], number: int) -> Column:
        entries, owners = _unfolded(table, self._entries, values)
        told = np.full((len(owners), 2), ABSENT, np.int64)
        for each in self._entries.values["value"] if self._entries is not None else ():
            text = entries.text_of(each, number)
            told = np.where(entries.has(each)[:, None], text, told)
        kept = told[:, 1] != ABSENT
        _pass_on(table, entries, owners)
        keys = entries.cells[kept, KEY]
        columns = [entries.text_column(keys, NO_NULL), entries.text_column(told[kept], NO_NULL)]
        return lists_column(encode_rows(columns, len(keys)), _bounds(owners[kept], len(table.cells)))


def _items(schema: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["items"]
    return found


def _bounds(owners: Numbers, rows: int) -> Numbers:
    bounds = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=rows), out=bounds[1:])
    return bounds


def _unfolded(table: Values, program: Program | None, values: Sequence[Alternative]) -> tuple[Values, Numbers]:
    """The items of all records, and the record that each belongs to."""
    if program is None:
        return Values(table.buffer, np.zeros((0, 1, 2), np.int64)), np.zeros(0, np.int64)
    blocks = np.ascontiguousarray(table.cells[:, values[0].slot])
    counts = np.zeros(len(blocks), np.int64)
    count_items(table.buffer, blocks, program.ops, np.zeros((program.slots, 2), np.int64), counts)
    cells = np.zeros((int(counts.sum()), program.slots, 2), np.int64)
    cells[:, :, 1] = ABSENT
    unfold(table.buffer, blocks, program.ops, cells)
    return Values(table.buffer, cells), np.repeat(np.arange(len(blocks)), counts)


def _pass_on(table: Values, items: Values, owners: Numbers) -> None:
    """What is wrong with an item is wrong with its record; the first counts."""
    wrong = np.flatnonzero(items.reasons != OK)[::-1]
    reasons, fields = np.zeros(len(table.cells), np.int32), np.zeros(len(table.cells), np.int32)
    reasons[owners[wrong]], fields[owners[wrong]] = items.reasons[wrong], items.fields[wrong]
    first = (reasons != OK) & (table.reasons == OK)
    table.reasons[first], table.fields[first] = reasons[first], fields[first]


def _listed(table: Values, items: Values, owners: Numbers, columns: list[Column]) -> Column:
    _pass_on(table, items, owners)
    return lists_column(encode_rows(columns, len(owners)), _bounds(owners, len(table.cells)))


def _column(table: Values, field: Field, values: Sequence[Alternative], number: int) -> Column:
    """One field of all records or items."""
    null = 0 if field.nullable else NO_NULL
    if field.reading == TEXT:
        told = np.full((len(table.cells), 2), ABSENT, np.int64)
        for each in values:
            told = np.where(table.has(each)[:, None], table.text_of(each, number), told)
        column = table.text_column(told, null)
    else:
        found, has = _numbers(table, field, values)
        if field.reading in _MOST:
            table.refuse(has & ((found > _MOST[field.reading]) | (found < ~_MOST[field.reading])), OUT_OF_RANGE, number)
        column = numbers_column(_COLUMNS.get(field.reading, COLUMN_NUMBER), null, has, found)
    if not field.nullable:
        table.refuse(~column.valid, MISSING_VALUE, number)
    return column


def _numbers(table: Values, field: Field, values: Sequence[Alternative]) -> tuple[Numbers, Truths]:
    """Integers, or the bits of doubles, and where there are any."""
    found, some = np.zeros(len(table.cells), np.int64), np.zeros(len(table.cells), np.bool_)
    for each in values:
        has, numbers = table.has(each), table.cells[:, each.slot, 0]
        if field.reading == INSTANT:
            numbers = numbers // scale_of(each)
        elif field.reading == MEASURE and each.kind in ("int", "long"):
            numbers = numbers.astype(np.float64).view(np.int64)
        found, some = np.where(has, numbers, found), some | has
    return found, some

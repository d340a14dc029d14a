"""The columns of a block by name or by path, as texts and as numbers."""

import json
from collections.abc import Mapping as Table
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.amounts import Amounts
from streams.imports.blocks import Block
from streams.imports.columns import is_text, plain, text_of
from streams.imports.currencies import sign_of
from streams.imports.evidence import FIRST, Evidence, Years, note
from streams.imports.instants import Instants, Written, from_temporal, instants
from streams.imports.joined import column_of, parts_of_name
from streams.imports.likeness import EACH
from streams.imports.mapping import Mapping
from streams.imports.paths import root_of, steps_of, value_at

_DECIMALS: Final = 6
_TIME: Final = "occurred_at"


class Reached:
    """What a mapping can say of the columns of ``block``."""

    def __init__(
        self, block: Block, mapping: Mapping, ways: Table[str, int], evidence: dict[str, Evidence | Years]
    ) -> None:
        self.block = block
        self.rows = len(block.rows)
        self._mapping = mapping
        self._ways = ways
        self._evidence = evidence
        self._nothing = pa.array(sorted({word.lower() for word in mapping.nothing}), pa.string())
        self._parsed: dict[str, list[Any]] = {}
        self._found: dict[str, Any] = {}
        self._numeric: dict[str, bool] = {}

    def raw(self, name: str) -> Any:
        """A column as it is in the file, or what a path leads to; words for nothing as nulls."""
        if name not in self._found:
            self._found[name] = self._without_words(self._column(name))
        return self._found[name]

    def has(self, name: str) -> bool:
        """Whether there is such a column, or one that the path leads into."""
        columns = self.block.columns
        return name in columns or root_of(name) in columns or bool(parts_of_name(name, columns))

    def text(self, name: str) -> Any:
        """The column as trimmed text."""
        return text_of(self.raw(name))[0]

    def number(self, name: str) -> Any:
        """The column as doubles, written as amounts are."""
        raw = self.raw(name)
        if not is_text(raw.type):
            return pa.nulls(self.rows, pa.float64()) if pa.types.is_null(raw.type) else _doubles(raw)
        return self._read(name, Amounts(text_of(raw)[0], sure=self.is_numeric(name)))

    def _read(self, name: str, amounts: Amounts) -> Any:
        scale = np.full(self.rows, _DECIMALS, np.int8)
        scale.flags.writeable = False
        values, _, ways = amounts.read(scale, self._mapping.decimal, self._ways.get(name, FIRST))
        note(self._evidence, name, ways, self.block.rows, amounts.text)
        return pc.divide(values.cast(pa.float64(), safe=False), 10.0**_DECIMALS)

    def money(self, name: str) -> Any:
        """The column as text with a decimal point, and with the code or sign of the currency that stands beside it;
        what is no number as it is, so that it is refused as such."""
        raw = self.raw(name)
        if not is_text(raw.type):
            return pc.coalesce(self.number(name).cast(pa.string()), self.text(name))
        text = text_of(raw)[0]
        amounts = Amounts(text, sure=self.is_numeric(name))
        plain_text = self._read(name, amounts).cast(pa.string())
        signs = [sign_of(found.currencies) if found is not None else "" for found in amounts.dressings]
        if any(signs):
            beside = pa.array([*signs, ""], pa.string()).take(pa.array(amounts.which % (len(signs) + 1)))
            plain_text = pc.utf8_ltrim_whitespace(pc.binary_join_element_wise(beside, plain_text, " "))
        return pc.coalesce(plain_text, text)

    def instants(self, name: str) -> Instants:
        """The column as instants, written as the column as a whole is."""
        raw, zone = self.raw(name), self._mapping.timezone or "UTC"
        n, none = self.rows, np.zeros(self.rows, np.bool_)
        if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
            return Instants(from_temporal(raw, zone), none, none, none, np.zeros(n, np.int8), none)
        text, pattern = text_of(raw)[0], self._mapping.time_formats.get(_TIME)
        written = Written(name, self._ways, self._evidence)
        found = instants(text, pattern, zone, written.assumed)
        written.take(found, self.block.rows, text)
        return found

    def is_numeric(self, name: str) -> bool:
        """Whether the values were numbers in the file, whose decimal sign is known."""
        if name in self.block.columns:
            return name in self.block.numbers or not is_text(self.block.columns[name].type)
        if name not in self._numeric:
            self.raw(name)
        return self._numeric.get(name, False)

    def values(self, name: str) -> list[Any]:
        """What a path, or a column, leads to in each row, as values of JSON."""
        steps = steps_of(name)
        root = root_of(name)
        if steps is None or root is None:
            return [json_of(value) for value in self._objects(name)]
        return [value_at(value, steps[1:]) for value in self._objects(root)]

    def _column(self, name: str) -> Any:
        columns = self.block.columns
        if name in self.block.nested:
            return pa.array([plain(value) for value in self.block.nested[name]], pa.string())
        if name in columns:
            return columns[name]
        if parts_of_name(name, columns):
            return column_of(columns, name)
        root = root_of(name)
        if root is None:
            return pa.nulls(self.rows, pa.string())
        values = self.values(name)
        self._numeric[name] = all(value is None or _is_number(value) for value in values)
        return pa.array([plain(value) for value in values], pa.string())

    def _objects(self, root: str) -> list[Any]:
        if root not in self._parsed:
            if root in self.block.nested:
                self._parsed[root] = self.block.nested[root]
            elif root in self.block.columns:
                column = self.block.columns[root]
                values = column.to_pylist()
                self._parsed[root] = [json_of(value) for value in values] if is_text(column.type) else values
            else:
                self._parsed[root] = [None] * self.rows
        return self._parsed[root]

    def _without_words(self, column: Any) -> Any:
        if not len(self._nothing) or not is_text(column.type):
            return column
        text = text_of(column)[0]
        return pc.if_else(pc.is_in(pc.utf8_lower(text), self._nothing), pa.scalar(None, pa.string()), text)


def _doubles(raw: Any) -> Any:
    return pc.cast(raw, pa.float64(), safe=False)


def _is_number(value: Any) -> bool:
    from streams.imports.jsonl import Number

    return isinstance(value, Number | int | float) and not isinstance(value, bool)


def json_of(value: Any) -> Any:
    """What a text of JSON says; None where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def elements(reached: Reached, path: str) -> tuple[Block, npt.NDArray[np.int64]]:
    """(a block with a row for each element of the arrays that a path leads to, the row of each); they are ``each``.

    ``refunds[].transactions[]``: the elements of the arrays in the elements of an array.
    """
    outer, *inner = path.split("[].")
    block, found, places = reached.block, [], []
    for row, value in enumerate(reached.values(f"{outer}[]" if inner else outer)):
        reached_now = value if isinstance(value, list) else []
        for step in inner:
            arrays = [value_at(one, steps_of(step) or ()) for one in reached_now]
            reached_now = [one for array in arrays if isinstance(array, list) for one in array]
        found += reached_now
        places += [row] * len(reached_now)
    rows = np.array(places, np.int64)
    columns = {name: column.take(pa.array(rows)) for name, column in block.columns.items()}
    columns[EACH] = pa.nulls(len(rows), pa.string())
    nested = {name: [values[row] for row in places] for name, values in block.nested.items()} | {EACH: found}
    return replace(block, columns=columns, rows=block.rows[rows], nested=nested), rows


def filled_down(keys: Any, values: Any, before: tuple[str | None, str | None] | None) -> Any:
    """Texts, nulls as in the row before where that has the same key; ``before``: (key, value) of the row above all."""
    key, value = before or (None, None)
    found = []
    for this, told in zip(keys.to_pylist(), values.to_pylist(), strict=True):
        if told is None and this is not None and this == key:
            told = value
        key, value = this, told
        found.append(told)
    return pa.array(found, pa.string())


def items_as_lines(reached: Reached, spec: Table[str, tuple[str, ...]]) -> Any:
    """The column ``lines``, as JSON text, of arrays of items: ``spec`` says where they are, and what is which."""
    steps = {field: [steps_of(name) or () for name in names] for field, names in spec.items() if field != "from"}
    source = spec["from"][0]
    return pa.array([_lines(value, steps) for value in reached.values(source)], pa.string())


def _lines(items: Any, steps: Table[str, Any]) -> str | None:
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not items:
        return None
    found = [line for item in items if (line := _line(item, steps)) is not None]
    return json.dumps(found, sort_keys=True) if found else None


def _line(item: Any, steps: Table[str, Any]) -> dict[str, Any] | None:
    told = {
        field: next((value for path in paths if (value := plain(value_at(item, path))) not in (None, "")), None)
        for field, paths in steps.items()
    }
    if told.get("sku") is None:
        return None
    line = {name: told[name] for name in ("sku", "category", "quantity") if told.get(name) is not None}
    amount = told.get("amount") or _priced(told.get("price"), told.get("quantity") or "1")
    return line | ({"amount": amount} if amount is not None else {})


def _priced(price: str | None, quantity: str) -> str | None:
    if price is None:
        return None
    try:
        return format(Decimal(price) * Decimal(quantity), "f")
    except InvalidOperation:
        return price

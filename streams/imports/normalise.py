"""Raw columns to canonical ones, a block at a time; rows that cannot become touchpoints to rejects."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fields import FIELDS, MINOR, FieldType, of_type
from schemas.limits import LONGEST, detail_of, reason_of
from streams.imports.blocks import Block
from streams.imports.canonical import HIGH, LOW, ROW, STORED
from streams.imports.columns import parts_of, text_of
from streams.imports.extras import encoded_lines, encoded_properties
from streams.imports.faults import Faults, Mask
from streams.imports.identity import content_of
from streams.imports.kinds import kind_of
from streams.imports.mapping import Mapping, property_of
from streams.imports.money import decimals_of, integers
from streams.imports.plan import ReadPlan, plan_of
from streams.imports.problems import ImportReject
from streams.imports.times import from_temporal, instants

_DAY: Final = 86_400_000
_LARGEST_COUNT: Final = 2**31 - 1


class Normaliser:
    """Turns blocks into stored batches (``STORED``). ``not_after``: rows later than this instant (ms) are rejected."""

    def __init__(self, mapping: Mapping, not_after: int) -> None:
        self._mapping = mapping
        self._not_after = not_after
        self.columns: dict[str, None] = {}
        self.ignored: dict[str, None] = {}

    def __call__(self, block: Block) -> tuple[Any, list[ImportReject]]:
        """(batch of the good rows, rejects of the others in order of their rows)."""
        plan = plan_of(tuple(block.columns), self._mapping)
        self.columns |= dict.fromkeys(block.columns)
        self.ignored |= dict.fromkeys(plan.ignored)
        rows = _Rows(block, plan, self._mapping)
        columns = rows.canonical(self._not_after)
        good = rows.faults.good()
        batch = pa.RecordBatch.from_arrays([columns[name] for name in STORED.names[:-2]], names=STORED.names[:-2])
        if good is not None:
            batch = batch.filter(pa.array(good))
        high, low = content_of(batch)
        hashes = {HIGH: pa.array(high), LOW: pa.array(low)}
        arrays = [hashes.get(name) if name in hashes else batch.column(name) for name in STORED.names]
        rejects = sorted([*block.rejects, *rows.faults.rejects(block)], key=lambda reject: reject.row)
        return pa.RecordBatch.from_arrays(arrays, schema=STORED), rejects


class _Rows:
    """The rows of one block on their way to canonical columns."""

    def __init__(self, block: Block, plan: ReadPlan, mapping: Mapping) -> None:
        self._block = block
        self._plan = plan
        self._mapping = mapping
        self._n = len(block.rows)
        self.faults = Faults(self._n)

    def canonical(self, not_after: int) -> dict[str, Any]:
        """Every canonical column, bad rows included: they are marked in ``faults``."""
        columns: dict[str, Any] = {}

        def read(kind: FieldType, reader: Callable[[str], Any]) -> None:
            columns.update({name: reader(name) for name in of_type(FIELDS, kind) if name not in columns})

        # A row keeps the fault that is found first, so this order is what a user gets to see of a row that has several.
        read(FieldType.TEXT, self._text)
        self._check_customer(columns)
        columns |= self._times(not_after)
        read(FieldType.INSTANT, self._instants)
        read(FieldType.KIND, self._kind)
        read(FieldType.CURRENCY, self._currency)
        decimals = _decimals(columns["currency"])
        read(FieldType.MONEY, lambda name: self._money(name, decimals))
        read(FieldType.COUNT, self._count)
        read(FieldType.NUMBER, self._number)
        read(FieldType.TRUTH, lambda _: pa.nulls(self._n, pa.bool_()))  # no file tells one
        read(FieldType.LINES, lambda name: encoded_lines(self._raw(name), decimals, self._n, self.faults))
        read(FieldType.PROPERTIES, self._properties)
        columns[ROW] = pa.array(self._block.rows)
        self._check_limits(columns)
        return columns

    def _raw(self, field: str) -> Any:
        """The field's column as it is in the file, its constant in every row, or None."""
        if field in self._mapping.constants:
            return pa.repeat(pa.scalar(self._mapping.constants[field]), self._n)
        column = self._plan.fields.get(field)
        return None if column is None else self._block.columns[column]

    def _text(self, field: str) -> Any:
        raw = self._raw(field)
        return pa.nulls(self._n, pa.string()) if raw is None else self._text_of(raw, field)

    def _text_of(self, raw: Any, field: str) -> Any:
        text, bad = text_of(raw)
        self.faults.add(bad, "bad_text", f"{field} is not UTF-8")
        return text

    def _check_limits(self, columns: dict[str, Any]) -> None:
        """What the engine would reject once it stands in the log is rejected with its line in the file."""
        for name, most in LONGEST.items():
            sizes = np.diff(parts_of(columns[name]).offsets)
            self.faults.add(sizes > most, reason_of(name), detail_of(name))

    def _check_customer(self, columns: dict[str, Any]) -> None:
        nobody = pc.and_(pc.is_null(columns["customer_id"]), pc.is_null(columns["anonymous_id"]))
        self.faults.add(_mask(nobody), "no_customer", "neither customer_id nor anonymous_id")

    def _times(self, not_after: int) -> dict[str, Any]:
        occurred = self._instants("occurred_at")
        self.faults.add(_mask(pc.is_null(occurred)), "no_time", "occurred_at is empty")
        occurred = occurred.fill_null(0)
        received = pc.coalesce(self._instants("received_at"), occurred)
        shown = occurred.cast(pa.timestamp("ms"))
        for name, instant in (("occurred_at", occurred), ("received_at", received)):
            self.faults.add(_mask(pc.less(instant, 0)), "impossible_time", f"{name} is before 1970")
            self.faults.add(_mask(pc.greater(instant, not_after)), "impossible_time", f"{name} is in the future")
        late = pc.greater(occurred, pc.add(received, _DAY))
        self.faults.add(_mask(late), "impossible_time", "occurred_at {} is more than a day after received_at", shown)
        return {"occurred_at": occurred, "received_at": received}

    def _instants(self, field: str) -> Any:
        raw = self._raw(field)
        if raw is None:
            return pa.nulls(self._n, pa.int64())
        if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
            return from_temporal(raw)
        text = self._text_of(raw, field)
        pattern = self._mapping.time_formats.get(field)
        values, bad, unclear = instants(text, pattern)
        expected = pattern or "ISO 8601 or milliseconds since 1970"
        self.faults.add(bad, "bad_time", f"{field} {{}} is not {expected}", text)
        hint = "could be a date or seconds as well; say which with --time-format"
        self.faults.add(unclear, "bad_time", f"{field} {{}} {hint}", text)
        return values

    def _kind(self, field: str) -> Any:
        coded = self._text(field).dictionary_encode()
        kinds = [kind_of(text) or None for text in coded.dictionary.to_pylist()]
        column = pc.take(pa.array(kinds, pa.string()), coded.indices)
        self.faults.add(_mask(pc.is_null(column)), "no_kind", f"{field} is empty")
        return column.fill_null("")

    def _currency(self, field: str) -> Any:
        coded = self._text(field).dictionary_encode()
        codes = [text.upper() for text in coded.dictionary.to_pylist()]
        good = [code if len(code) == 3 and code.isascii() and code.isalpha() else None for code in codes]
        column = pc.take(pa.array(good, pa.string()), coded.indices)
        bad = pc.and_(pc.is_null(column), pc.is_valid(coded))
        self.faults.add(_mask(bad), "bad_currency", f"{field} {{}} is not a code of three letters", coded)
        return column

    def _money(self, minor: str, decimals: npt.NDArray[np.int8]) -> Any:
        """Minor units where the row has them, else major units times ten to the currency's decimals."""
        from_major = self._integers(minor.removesuffix(MINOR), decimals, exact=False)
        return pc.coalesce(self._integers(minor, np.zeros(self._n, np.int8), exact=True), from_major)

    def _count(self, field: str) -> Any:
        values = self._integers(field, np.zeros(self._n, np.int8), exact=True)
        large = pc.greater(pc.abs_checked(values), _LARGEST_COUNT).fill_null(False)
        self.faults.add(_mask(large), "bad_number", f"{field} {{}} does not fit 32 bits", values)
        return pc.if_else(large, 0, values)

    def _integers(self, field: str, decimals: npt.NDArray[np.int8], *, exact: bool) -> Any:
        if self._raw(field) is None:
            return pa.nulls(self._n, pa.int64())
        text = self._text(field)
        values, bad = integers(text, decimals, exact=exact, point=self._mapping.decimal)
        self.faults.add(bad, "bad_number", f"{field} {{}} is not a {'whole ' if exact else ''}number", text)
        return values

    def _properties(self, field: str) -> Any:
        found = self._plan.properties.items()
        texts = {name: self._text_of(self._block.columns[column], name) for name, column in found}
        for constant, value in self._mapping.constants.items():
            if (name := property_of(constant)) is not None:
                texts[name] = pa.repeat(pa.scalar(value), self._n)
        return encoded_properties(self._raw(field), texts, self._n, self.faults)

    def _number(self, field: str) -> Any:
        text = self._text(field)
        try:
            column = text.cast(pa.float64())
        except pa.ArrowInvalid:
            column = pa.array([_float(value) for value in text.to_pylist()], pa.float64())
        bad = pc.and_(pc.is_valid(text), pc.invert(pc.is_finite(column).fill_null(False)))
        self.faults.add(_mask(bad), "bad_number", f"{field} {{}} is not a number", text)
        return column


def _float(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _mask(array: Any) -> Mask:
    mask: Mask = array.to_numpy(zero_copy_only=False)
    return mask


def _decimals(currency: Any) -> npt.NDArray[np.int8]:
    """int8[n]: how many decimals the minor units of each row's currency have."""
    coded = currency.dictionary_encode()
    known: Sequence[int] = [decimals_of(code) for code in coded.dictionary.to_pylist()] + [decimals_of(None)]
    at = coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    decimals: npt.NDArray[np.int8] = np.array(known, np.int8)[at]
    return decimals

"""Raw columns to canonical ones, a block at a time; rows that cannot become touchpoints to rejects."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fields import FIELDS, MINOR, FieldType, of_type
from schemas.limits import LONGEST, detail_of, reason_of
from streams.imports.amounts import Amounts
from streams.imports.blocks import Block
from streams.imports.canonical import HIGH, LOW, ROW, STORED
from streams.imports.columns import is_text, parts_of, text_of, whole
from streams.imports.content_ids import content_of
from streams.imports.discounts import DISCOUNT, Discounts, discounts_of
from streams.imports.evidence import FIRST, Evidence, Years, note
from streams.imports.extras import encoded_lines, encoded_properties
from streams.imports.faults import Faults, Mask
from streams.imports.instants import Written, from_temporal, instants
from streams.imports.joined import column_of
from streams.imports.kinds import kind_of
from streams.imports.lines import lines_of_columns
from streams.imports.mapping import IDS, MONEY, Mapping, property_of
from streams.imports.money import integers
from streams.imports.nobodies import NAMELESS, NOTHING, Nobodies, are_nobody, are_sums, without
from streams.imports.plan import ReadPlan, plan_of
from streams.imports.pricing import codes_of, decimals_in, priced, too_large, unpriced, with_signs
from streams.imports.problems import ImportReject
from streams.imports.roundings import FINER, Roundings, times
from streams.imports.shape import Shaper

_DAY: Final = 86_400_000
_AMOUNTS: Final = tuple(MONEY.values())
_LARGEST_COUNT: Final = 2**31 - 1
_TRUE: Final = ("true", "yes", "y", "t", "1")
_FALSE: Final = ("false", "no", "n", "f", "0")
_NO_TIME: Final = "is no time that is understood; say how it is written with --time-format"
_UNCLEAR: Final = (
    "may mean several things; say which with --time-format, such as %y%m%d, %d/%m/%y, %d.%m.%y, seconds, milliseconds "
    "or excel"
)
_CUT_ID: Final = r"^[0-9](\.[0-9]+)?[Ee]\+[0-9]{2}$"
_CUT: Final = (
    "is how a spreadsheet writes a long number, whose last digits are lost: export the column as text, so that "
    "different ids stay different"
)
_SUM: Final = "is a word for a sum, and the row one of totals; --set no_id=customer if it is a customer"
_LOST: Final = "names a zone that is not known; expected one such as Europe/Berlin or +01:00, or --timezone"


class Normaliser:
    """Turns blocks into stored batches (``STORED``), and collects how the file's columns are written.

    ``not_after``: rows later than this instant (ms) are rejected. ``own``: the currency of amounts without one, None
    where nobody has said it: such rows are rejected where a currency is needed. ``ways``: of the columns whose values
    can have two readings, which is taken (field to FIRST or SECOND; FIRST where nothing is said).
    """

    def __init__(
        self,
        mapping: Mapping,
        not_after: int,
        own: str | None = None,
        ways: dict[str, int] | None = None,
        *,
        currency_needed: bool = False,
        shaper: Shaper | None = None,
    ) -> None:
        self._shaper = shaper
        self._mapping = mapping if shaper is None else shaper.plain
        self._not_after = not_after
        self._own = own
        self._ways = ways or {}
        self._currency_needed = currency_needed
        self.columns: dict[str, None] = {}
        self.ignored: dict[str, None] = {}
        self.evidence: dict[str, Evidence | Years] = {}
        self.discounts = Discounts()
        self.nobodies = Nobodies()
        self.roundings = Roundings()
        self.listed = False
        """Whether a column holds all the lines of an order."""
        self.with_currency = self.without_currency = 0

    def __call__(self, block: Block) -> tuple[Any, list[ImportReject]]:
        """(batch of the good rows, rejects of the others in order of their rows)."""
        self.columns |= dict.fromkeys(block.columns)
        if self._shaper is not None:
            self.ignored |= dict.fromkeys(self._shaper.ignored(tuple(block.columns)))
            block = self._shaper(block, self._ways, self.evidence)
        plan = plan_of(tuple(block.columns), self._mapping)
        if self._shaper is None:
            self.ignored |= dict.fromkeys(plan.ignored)
        self.listed = self.listed or "lines" in plan.fields
        rows = _Rows(block, plan, self._mapping, self._own, self._ways, self.evidence, self.discounts)
        columns = rows.canonical(self._not_after, self.nobodies, self.roundings)
        some, unsaid = rows.check_currency(columns, needed=self._currency_needed)
        self.without_currency += unsaid
        self.with_currency += some - unsaid
        good = rows.faults.good()
        batch = pa.RecordBatch.from_arrays([columns[name] for name in STORED.names[:-2]], names=STORED.names[:-2])
        if good is not None:
            batch = batch.filter(pa.array(good))
        high, low = content_of(batch)
        hashes = {HIGH: pa.array(high), LOW: pa.array(low)}
        if self._own is not None:
            # After the hash: what a row is does not depend on the policy.
            hashes["currency"] = _in_own(batch, self._own)
        arrays = [hashes.get(name) if name in hashes else batch.column(name) for name in STORED.names]
        found = sorted([*block.rejects, *rows.faults.rejects(block)], key=lambda reject: reject.row)
        # A row that would have made several touchpoints is one bad row where they have one fault.
        rejects = [one for i, one in enumerate(found) if i == 0 or found[i - 1] != one]
        return pa.RecordBatch.from_arrays(arrays, schema=STORED), rejects


def _in_own(batch: Any, own: str) -> Any:
    """The currencies of a batch, ``own`` in rows that have money and none."""
    rows = unpriced({name: batch.column(name) for name in ("currency", *_AMOUNTS)}, _AMOUNTS)
    return pc.if_else(pa.array(rows), pa.scalar(own, pa.string()), batch.column("currency"))


class _Rows:
    """The rows of one block on their way to canonical columns."""

    def __init__(
        self,
        block: Block,
        plan: ReadPlan,
        mapping: Mapping,
        own: str | None,
        ways: dict[str, int],
        evidence: dict[str, Evidence | Years],
        discounts: Discounts,
    ) -> None:
        self._block = block
        self._plan = plan
        self._mapping = mapping
        self._own = own
        self._ways = ways
        self._evidence = evidence
        self._discounts = discounts
        self._n = len(block.rows)
        self.faults = Faults(self._n)

    def canonical(self, not_after: int, nobodies: Nobodies, roundings: Roundings) -> dict[str, Any]:
        """Every canonical column, bad rows included: they are marked in ``faults``."""
        columns: dict[str, Any] = {}

        def read(kind: FieldType, reader: Callable[[str], Any]) -> None:
            columns.update({name: reader(name) for name in of_type(FIELDS, kind) if name not in columns})

        # A row keeps the fault that is found first, so this order is what a user gets to see of a row that has several.
        read(FieldType.TEXT, self._text)
        self._take_nobodies(columns, nobodies)
        self._check_customer(columns)
        columns |= self._times(not_after)
        read(FieldType.INSTANT, self._instants)
        read(FieldType.KIND, self._kind)
        read(FieldType.CURRENCY, self._currency)
        amounts = self._amounts()
        columns["currency"] = with_signs(columns["currency"], amounts, self._own, self.faults)
        decimals = decimals_in(columns["currency"], self._own)
        read(
            FieldType.MONEY, lambda name: self._money(name, amounts.get(name.removesuffix(MINOR)), decimals, roundings)
        )
        read(FieldType.COUNT, self._count)
        read(FieldType.NUMBER, self._number)
        read(FieldType.TRUTH, self._truth)
        read(FieldType.LINES, lambda name: self._lines(name, columns, decimals))
        read(FieldType.PROPERTIES, lambda name: self._properties(name, columns["amount_minor"], decimals))
        columns[ROW] = pa.array(self._block.rows)
        self._check_limits(columns)
        return columns

    def _lines(self, field: str, columns: dict[str, Any], decimals: npt.NDArray[np.int8]) -> Any:
        """The lines of each row: a list of them in one column, or one line in columns of its own."""
        if self._raw(field) is not None or self._raw("sku") is None:
            return encoded_lines(self._raw(field), decimals, self._n, self.faults)
        quantities = self._count("quantity")
        amounts = self._line_money("line_amount", self._amounts_of("line_amount"), decimals)
        if amounts.null_count:
            amounts = pc.coalesce(amounts, self._of_prices(quantities, decimals))
        if self._raw("amount") is None and self._raw("amount_minor") is None:
            columns["amount_minor"] = amounts
        return lines_of_columns(self._text("sku"), self._text("category"), quantities, amounts)

    def _line_money(self, field: str, amounts: Amounts | None, decimals: npt.NDArray[np.int8]) -> Any:
        if amounts is None:
            return pa.nulls(self._n, pa.int64())
        values = self._major(field, amounts, decimals)
        large = too_large(values)
        self.faults.add(large, "impossible_amount", f"{field} {{}} is beyond what an amount may be", values)
        return pc.if_else(pa.array(large), 0, values) if large.any() else values

    def _of_prices(self, quantities: Any, decimals: npt.NDArray[np.int8]) -> Any:
        """Amounts of lines by their prices, which may be finer than money is."""
        amounts = self._amounts_of("price")
        fine = None if amounts is None else self._finer("price", amounts, decimals)
        return times(self._line_money("price", amounts, decimals), fine, quantities)

    def _amounts_of(self, field: str) -> Amounts | None:
        """The field's column of amounts in major units, split; None where the file has none."""
        raw = self._raw(field)
        if raw is None:
            return None
        sure = not is_text(raw.type) or self._plan.fields.get(field) in self._block.numbers
        return Amounts(self._text_of(raw, field), sure=sure)

    def _finer(self, field: str, amounts: Amounts, decimals: npt.NDArray[np.int8]) -> Any:
        """The amounts ``FINER`` decimals finer than their currencies; None where none has so many."""
        if not amounts.may_be_finer(decimals):
            return None
        return amounts.read(decimals, self._mapping.decimal, self._ways.get(field, FIRST), FINER)[0]

    def _raw(self, field: str) -> Any:
        """The field's column as it is in the file, its constant in every row, or None."""
        if field in self._mapping.constants:
            return pa.repeat(pa.scalar(self._mapping.constants[field]), self._n)
        column = self._plan.fields.get(field)
        return None if column is None else column_of(self._block.columns, column)

    def _text(self, field: str) -> Any:
        raw = self._raw(field)
        return pa.nulls(self._n, pa.string()) if raw is None else self._text_of(raw, field)

    def _text_of(self, raw: Any, field: str) -> Any:
        text, bad = text_of(raw)
        self.faults.add(bad, "bad_text", f"{field} is not UTF-8")
        return whole(text) if field in IDS else text

    def _check_limits(self, columns: dict[str, Any]) -> None:
        """What the engine would reject once it stands in the log is rejected with its line in the file."""
        for name, most in LONGEST.items():
            sizes = np.diff(parts_of(columns[name]).offsets)
            self.faults.add(sizes > most, reason_of(name), detail_of(name))

    def _take_nobodies(self, columns: dict[str, Any], nobodies: Nobodies) -> None:
        """Ids that name nobody: of an order or an event they are none, of a customer they are counted, or none."""
        for name in IDS:
            if pc.any(pc.match_substring(columns[name], "+")).as_py():
                cut = _mask(pc.match_substring_regex(columns[name], _CUT_ID).fill_null(False))
                self.faults.add(cut, "bad_id", f"{name} {{}} {_CUT}", columns[name])
        for name in ("order_id", "event_id"):
            columns[name] = without(columns[name], are_nobody(columns[name], NAMELESS))
        nobodies.rows += self._n
        if self._mapping.choices.get("no_id") in (None, NOTHING):
            sums = are_sums(columns["customer_id"])
            self.faults.add(sums, "summary_row", f"customer_id {{}} {_SUM}", columns["customer_id"])
        for name in ("customer_id", "anonymous_id"):
            marked = are_nobody(columns[name])
            if self._mapping.choices.get("no_id") == NOTHING:
                columns[name] = without(columns[name], marked)
                continue
            own = marked if name == "customer_id" else marked & _mask(pc.is_null(columns["customer_id"]))
            nobodies.take(columns[name], own, self._block.rows)

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
        zone = self._mapping.timezone or "UTC"
        if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
            return from_temporal(raw, zone)
        text = self._text_of(raw, field)
        pattern = self._mapping.time_formats.get(field)
        written = Written(field, self._ways, self._evidence)
        found = instants(text, pattern, zone, written.assumed)
        expected = f"is not {pattern}" if pattern else _NO_TIME
        self.faults.add(found.bad, "bad_time", f"{field} {{}} {expected}", text)
        self.faults.add(found.unclear, "bad_time", f"{field} {{}} {_UNCLEAR}", text)
        self.faults.add(found.lost, "bad_time", f"{field} {{}} {_LOST}", text)
        written.take(found, self._block.rows, text)
        if field == "occurred_at":
            first = pc.and_(pc.match_substring(text, "1970"), pc.less(found.values, _DAY)).fill_null(False)
            self.faults.add(_mask(first), "impossible_time", f"{field} {{}} is how programs write no time", text)
        return found.values

    def _kind(self, field: str) -> Any:
        coded = self._text(field).dictionary_encode()
        kinds = [kind_of(text) or None for text in coded.dictionary.to_pylist()]
        column = pc.take(pa.array(kinds, pa.string()), coded.indices)
        self.faults.add(_mask(pc.is_null(column)), "no_kind", f"{field} is empty")
        return column.fill_null("")

    def _currency(self, field: str) -> Any:
        return codes_of(self._text(field), self.faults)

    def _amounts(self) -> dict[str, Amounts]:
        """The columns of amounts in major units, by field."""
        return {name: amounts for name in MONEY if (amounts := self._amounts_of(name)) is not None}

    def _money(self, minor: str, amounts: Amounts | None, decimals: npt.NDArray[np.int8], roundings: Roundings) -> Any:
        """Minor units where the row has them, else major units times ten to the currency's decimals."""
        values = self._integers(minor, np.zeros(self._n, np.int8), exact=True)
        if amounts is not None:
            field = minor.removesuffix(MINOR)
            major, fine = self._major(field, amounts, decimals), self._finer(field, amounts, decimals)
            roundings.take(field, major, fine, self._block.rows, amounts.text)
            values = pc.coalesce(values, major)
        large = too_large(values)
        self.faults.add(large, "impossible_amount", f"{minor} {{}} is beyond what an amount may be", values)
        return pc.if_else(pa.array(large), 0, values) if large.any() else values

    def _major(self, field: str, amounts: Amounts, decimals: npt.NDArray[np.int8]) -> Any:
        told = self._mapping.decimal
        values, bad, ways = amounts.read(decimals, told, self._ways.get(field, FIRST))
        self.faults.add(bad, "bad_number", f"{field} {{}} is not a number{_by(told)}", amounts.text)
        note(self._evidence, field, ways, self._block.rows, amounts.text)
        return values

    def check_currency(self, columns: dict[str, Any], *, needed: bool) -> tuple[int, int]:
        """(rows that have money, those of them that have no currency), which are rejected where one is ``needed``."""
        # What is rejected for something else (a line of totals) needs none.
        good = self.faults.good_but("no_currency")
        some, unsaid = priced(columns, _AMOUNTS) & good, unpriced(columns, _AMOUNTS) & good
        if needed:
            self.faults.add(unsaid, "no_currency", "an amount without a currency")
        return int(np.count_nonzero(some)), int(np.count_nonzero(unsaid))

    def _count(self, field: str) -> Any:
        values = self._integers(field, np.zeros(self._n, np.int8), exact=True)
        large = pc.greater(pc.abs_checked(values), _LARGEST_COUNT).fill_null(False)
        self.faults.add(_mask(large), "bad_number", f"{field} {{}} does not fit 32 bits", values)
        return pc.if_else(large, 0, values)

    def _integers(self, field: str, decimals: npt.NDArray[np.int8], *, exact: bool) -> Any:
        if self._raw(field) is None:
            return pa.nulls(self._n, pa.int64())
        text = self._text(field)
        values, bad = integers(text, decimals, exact=exact, point=self._mapping.decimal or ".")
        self.faults.add(bad, "bad_number", f"{field} {{}} is not a {'whole ' if exact else ''}number", text)
        return values

    def _truth(self, field: str) -> Any:
        if self._raw(field) is None:
            return pa.nulls(self._n, pa.bool_())
        text = pc.utf8_lower(pc.utf8_trim_whitespace(self._text(field)))
        true, false = pc.is_in(text, pa.array(_TRUE)), pc.is_in(text, pa.array(_FALSE))
        bad = pc.invert(pc.or_(true, pc.or_(false, pc.equal(text, "").fill_null(True))))
        self.faults.add(_mask(bad), "bad_truth", f"{field} {{}} is neither true nor false", text)
        return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_()))

    def _properties(self, field: str, amounts: Any, decimals: npt.NDArray[np.int8]) -> Any:
        found = self._plan.properties.items()
        texts = {name: self._text_of(self._block.columns[column], name) for name, column in found}
        for constant, value in self._mapping.constants.items():
            if (name := property_of(constant)) is not None:
                texts[name] = pa.repeat(pa.scalar(value), self._n)
        if DISCOUNT in texts:
            way = self._ways.get("amount", FIRST)
            how = self._mapping.choices.get("discount_is"), self._mapping.decimal, way
            texts[DISCOUNT] = discounts_of(texts[DISCOUNT], amounts, decimals, self._block.rows, how, self._discounts)
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


def _by(told: str | None) -> str:
    return "" if told is None else f" with a decimal {'point' if told == '.' else 'comma'} (--decimal)"

"""Reading a file's rows, until it is clear how its columns are written."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streams.imports.arrivals import Arrivals
from streams.imports.blocks import Source
from streams.imports.columnar import AvroSource, ParquetSource
from streams.imports.delimited import DelimitedSource
from streams.imports.discounts import Discounts
from streams.imports.doubts import doubts_about
from streams.imports.evidence import FIRST, Evidence, Years
from streams.imports.files import EXPECTED, Input, Progress, seekable
from streams.imports.jsonl import JsonSource
from streams.imports.mapping import Mapping
from streams.imports.normalise import Normaliser
from streams.imports.plan import check_columns, known_names, plan_of, wanted_columns
from streams.imports.problems import InputProblem, NothingUsable
from streams.imports.rejects import Rejects
from streams.imports.shape import Shaper, is_shaped
from streams.imports.statuses import Statuses
from streams.imports.suggesting import hints
from streams.imports.workbooks import SheetSource

_ASK_CURRENCY: Final = (
    "its amounts have no currency: name the column with --map currency=COLUMN, or say it for all rows, as in "
    "--set currency=EUR; amounts are also read in the currency of a policy of your own (--policy FILE)"
)


class Reading:
    """One file on its way into memory or to disk. Called once.

    Values that can be read in two ways are read in the way that the column is written in as far as it is known. Where
    the rest of the file says otherwise, it is read anew, so that the verdict is that of all rows; most files say it
    early, or hold no such value.
    """

    def __init__(
        self,
        given: Input,
        mapping: Mapping,
        memory_rows: int,
        not_after: int,
        own_currency: str | None,
        folder: Path,
        progress: Progress | None,
        *,
        ask_currency: bool,
    ) -> None:
        self._given = given
        self._shaper = Shaper(mapping, not_after) if is_shaped(mapping) else None
        self._mapping = self.mapping = mapping
        self._memory_rows = memory_rows
        self._order_amount = mapping.choices.get("order_amount")
        self._not_after = not_after
        self._own = own_currency
        self._ask_currency = ask_currency and own_currency is None
        self._folder = folder
        self._progress = progress
        self.unread: tuple[str, ...] = ()
        """Sheets of a workbook that have the same columns, and were not read."""
        self.without_currency = 0
        """Rows whose amounts have no currency, where nobody chose that of the policy."""
        self.statuses = self._statuses()
        """What columns that nobody asked for say of rows that come in as orders."""

    def _statuses(self) -> Statuses:
        return Statuses(self._mapping, self._shaper.names if self._shaper else self._mapping.columns.values())

    def __call__(self) -> tuple[Arrivals, Rejects, tuple[str, ...]]:
        """(rows, rejects, columns that were left). Raises ``InputProblem``."""
        ways: dict[str, int] = {}
        while True:
            normaliser = Normaliser(
                self._mapping, self._not_after, self._own, ways, currency_needed=self._ask_currency, shaper=self._shaper
            )
            if self._shaper is not None:
                self._shaper.skipped = 0
            arrivals, rejects = Arrivals(self._memory_rows, self._folder, self._order_amount), Rejects(self._folder)
            self.statuses = self._statuses()
            try:
                self._read(normaliser, arrivals, rejects, ways)
                others = _other_ways(normaliser.evidence, ways)
                if not others:
                    arrivals.grouping.listed = normaliser.listed
                    return arrivals, rejects, self._ignored(normaliser, arrivals, rejects)
            except BaseException:
                rejects.close()
                raise
            rejects.close()
            ways = ways | others

    def _read(self, normaliser: Normaliser, arrivals: Arrivals, rejects: Rejects, ways: dict[str, int]) -> None:
        """Read the rows; those up to a block that shows that the columns are not written in the ways assumed."""
        kept = self._shaper.roots if self._shaper is not None else frozenset()
        known = self._shaper.known if self._shaper is not None else known_names(self._mapping)
        source = opened(self._given, self._mapping, self._folder, kept, known)
        self._columns = source.columns
        self.unread = source.unread if isinstance(source, SheetSource) else ()
        try:
            needed = self._needed()
            watched = self.statuses.watched(self._columns)
            for block in source.blocks(None if needed is None else list(dict.fromkeys([*needed, *watched]))):
                self.statuses.see(block.columns)
                batch, bad = normaliser(block)
                arrivals.add(batch)
                for reject in bad:
                    rejects.add(reject)
                if _other_ways(normaliser.evidence, ways, whole=False):
                    return
                if self._progress is not None:
                    self._progress("reading", block.done, block.total)
        finally:
            source.close()
            arrivals.close()

    @property
    def skipped(self) -> int:
        """Rows that the mapping leaves out."""
        return self._shaper.skipped if self._shaper is not None else 0

    @property
    def first_skipped(self) -> int:
        """The line of the first of them."""
        return self._shaper.first_skipped if self._shaper is not None else 0

    @property
    def snapshot_day(self) -> str | None:
        """The day of which a table of customers is, as ISO 8601; None of a file of events."""
        if not self._mapping.snapshot:
            return None
        today = datetime.fromtimestamp(self._not_after / 1000, UTC).date().isoformat()
        return self._mapping.choices.get("snapshot_at", today)

    def _check(self, columns: tuple[str, ...]) -> None:
        """Raise ``InputProblem`` where these columns make no touchpoints."""
        if self._shaper is not None:
            self._shaper.check(self._given.name, columns)
            return
        try:
            check_columns(self._given.name, columns, self._mapping)
        except InputProblem as problem:
            raise InputProblem("\n".join([str(problem), *hints(self._given.name, columns)])) from None

    def _needed(self) -> list[str] | None:
        if self._shaper is not None:
            if self._columns is not None:
                self._check(self._columns)
            return self._shaper.needed(self._columns)
        if self._columns is None:
            return None if self._mapping.keep_extra else wanted_columns(self._mapping)
        self._check(self._columns)
        return plan_of(self._columns, self._mapping).needed()

    def _ignored(self, normaliser: Normaliser, arrivals: Arrivals, rejects: Rejects) -> tuple[str, ...]:
        """The columns that were left, once nothing of the file is in doubt."""
        name = self._given.name
        if arrivals.rows == 0 and len(rejects) == 0 and self.skipped:
            raise NothingUsable(
                f"{name}: the mapping leaves out all of its {self.skipped:,} rows; see skip and [kinds]"
            )
        if arrivals.rows == 0 and len(rejects) == 0:
            raise InputProblem(f"{name}: has no rows; {EXPECTED}")
        if self._columns is None and normaliser.columns:
            self._check(tuple(normaliser.columns))
        problems = doubts_about(normaliser.evidence)
        if normaliser.discounts.doubtful and "discount_is" not in self._mapping.choices:
            problems.append(_doubt_about_discounts(normaliser.discounts))
        if normaliser.nobodies.doubtful and "no_id" not in self._mapping.choices:
            problems.append(normaliser.nobodies.doubt())
        if "rounding" not in self._mapping.choices:
            problems += normaliser.roundings.doubts()
        if self._ask_currency and normaliser.without_currency and not normaliser.with_currency:
            problems.append(_ASK_CURRENCY)
        self.without_currency = 0 if self._own else normaliser.without_currency
        if problems:
            raise NothingUsable("\n".join(f"{name}: {problem}" for problem in problems))
        if self._columns is None or self._shaper is not None:
            return tuple(normaliser.ignored)
        return plan_of(self._columns, self._mapping).ignored


def _doubt_about_discounts(found: Discounts) -> str:
    line, text = found.example
    return (
        f"discount {text!r} in line {line} may be money or a share of the price, and none of the {found.parts:,} "
        "discounts is more than 1: --set discount_is=rate if it is a share, --set discount_is=money if it is money, "
        "--set discount_is=percent if it is per cent"
    )


def _other_ways(evidence: dict[str, Evidence | Years], ways: dict[str, int], *, whole: bool = True) -> dict[str, int]:
    """The columns whose values with two readings were read in another way than the column's; ``whole``: all of it."""
    return {
        field: found.verdict()
        for field, found in evidence.items()
        if found.must_read_again(ways.get(field, FIRST), whole=whole)
    }


def opened(
    given: Input, mapping: Mapping, folder: Path, kept: frozenset[str], known: frozenset[str] = frozenset()
) -> Source:
    """The reader of a file; ``kept``: columns whose nested values are wanted as they are; ``known``: names of columns
    by which a header is found (``likeness.bare``)."""
    if given.format == "parquet":
        return ParquetSource(given, seekable(given, folder))
    if given.format == "workbook":
        return SheetSource(given, mapping.sheet, known)
    if given.format == "avro":
        return AvroSource(given, seekable(given, folder))
    return DelimitedSource(given, mapping, known) if given.format == "csv" else JsonSource(given, kept)

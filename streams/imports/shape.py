"""Rows of a file as a mapping makes touchpoints of them: paths, values, computed columns, rows to skip, several of one.

What comes out are blocks whose columns are called like the fields that they are for, so that nothing after this needs
to know of a mapping.
"""

from collections.abc import Mapping as Table
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.blocks import Block
from streams.imports.columns import text_of
from streams.imports.evidence import Evidence, Years
from streams.imports.expressions import Expression
from streams.imports.likeness import alike, bare, renamed
from streams.imports.mapping import MONEY, Mapping, Rule, property_of
from streams.imports.paths import root_of
from streams.imports.plan import known_names, plan_of, wanted_columns
from streams.imports.problems import ImportReject, InputProblem
from streams.imports.reached import Reached, elements, filled_down, items_as_lines
from streams.imports.snapshot import day_of, implied, problems_of_snapshot

KIND: Final = "kind"
_TIME: Final = "occurred_at"
_CUSTOMERS: Final = ("customer_id", "anonymous_id")


class Shaper:
    """Makes touchpoints of rows by a mapping that says more than which column is which field."""

    def __init__(self, mapping: Mapping, now: int = 0) -> None:
        """``now`` (ms): the day of a snapshot for which nobody said one."""
        self._mapping = mapping
        self._now = now
        self._last: dict[str, tuple[str | None, str | None]] = {}
        self._rules = mapping.touchpoints or (Rule(),)
        self._computed = [_computed_by(mapping, rule) for rule in self._rules]
        self._when = [Expression(rule.when) if rule.when else None for rule in self._rules]
        self._skip = Expression(mapping.skip) if mapping.skip else None
        self._lines = mapping.lines
        self.plain = replace(
            mapping, columns={}, constants=mapping.choices, computed={}, values={}, nothing=(), skip=None, lines={},
            touchpoints=(), keep_extra=False, fill={}, snapshot={},
        )  # fmt: skip
        """The mapping by which what comes out is read."""
        self.skipped = 0
        """Rows of which the mapping makes nothing: they are to be left out, or none of its touchpoints means them."""
        self.first_skipped = 0
        """The line of the first of them."""
        self.names = self._names()
        """Every name of a column, or path into one, that is read."""
        self._alike: dict[tuple[str, ...], dict[str, str]] = {}
        self._renamed: set[str] = set()
        # What one touchpoint says where it takes from, is no other's because a column has the field's name.
        self._said = {field for rule in self._rules for field in (*rule.columns, *rule.computed)}

    def _names(self) -> list[str]:
        found = [name for rule in self._rules for name in (self._mapping.columns | rule.columns).values()]
        for computed in self._computed:
            found += [name for expression in computed.values() for name in expression.names]
        for condition in (*self._when, self._skip):
            found += condition.names if condition is not None else []
        for table in (self._mapping.fill, self._mapping.snapshot):
            found += [name for field, names in table.items() if field != "left" for name in names]
        for text in self._mapping.snapshot.get("left", ()):
            found += Expression(text).names
        found += [rule.each for rule in self._rules if rule.each is not None]
        return list(dict.fromkeys([*found, *self._lines.get("from", ())]))

    @property
    def known(self) -> frozenset[str]:
        """Names of columns by which a header can be told, ``bare``."""
        return frozenset(map(bare, self.names)) | (
            frozenset() if self._mapping.optional else known_names(self._mapping)
        )

    @property
    def roots(self) -> frozenset[str]:
        """The columns that paths lead into."""
        return frozenset(root for name in self.names if (root := root_of(name)) is not None)

    def needed(self, columns: tuple[str, ...] | None) -> list[str] | None:
        """The columns to read of those that a file has; None: all, or those that only reading on can tell."""
        if columns is None or self._mapping.keep_extra:
            return None
        read = self._read() | set(self.alike(columns).values())
        return [column for column in columns if column in read]

    def alike(self, columns: tuple[str, ...]) -> dict[str, str]:
        """Names of the mapping under which columns of other names are meant (``likeness.py``)."""
        if not self._mapping.optional:
            return {}
        if columns not in self._alike:
            self._alike[columns] = alike([*self.names, *self.roots], columns)
        return self._alike[columns]

    def ignored(self, columns: tuple[str, ...]) -> list[str]:
        """Those of the columns that nobody reads."""
        if self._mapping.keep_extra:
            return []
        read = self._read() | set(self.alike(columns).values())
        return [column for column in columns if column not in read and property_of(column) is None]

    def _read(self) -> frozenset[str]:
        joined = [part.strip() for name in self.names for part in name.split("+")]
        return frozenset([*self.names, *self.roots, *joined, *wanted_columns(self._mapping)])

    def check(self, name: str, columns: tuple[str, ...]) -> None:
        """Raise ``InputProblem`` where a file with these columns has not what the mapping takes."""
        problems = []
        listed = ", ".join(columns) or "none"
        columns = (*columns, *self.alike(columns))
        if not self._mapping.optional:
            problems = [
                f"the mapping reads a column {column!r} that is not there"
                for column in self.names
                if column not in columns
                and root_of(column) not in columns
                and not all(part.strip() in columns for part in column.split("+"))
            ]
        have = [
            self._fields(columns, rule, computed) for rule, computed in zip(self._rules, self._computed, strict=True)
        ]
        if not any(fields & set(_CUSTOMERS) for fields in have):
            problems.append("no customer: the mapping says none that is in this file")
        needed = () if self._mapping.snapshot else (_TIME, KIND)
        problems += list(problems_of_snapshot(self._mapping.snapshot, columns))
        problems += [
            f"no {field}: the mapping says none that is in this file"
            for field in needed
            if not any(field in fields for fields in have)
        ]
        if problems:
            lines = list(dict.fromkeys(problems))
            raise InputProblem(
                "\n".join([f"{name}: {line}" for line in lines] + [f"{name}: its columns are: {listed}"])
            )

    def _fields(self, columns: tuple[str, ...], rule: Rule, computed: Table[str, Expression]) -> set[str]:
        base = replace(self._mapping, columns=self._mapping.columns | rule.columns)
        paths = {field for field, column in base.columns.items() if column in columns or root_of(column) in columns}
        usable = {
            field
            for field, expression in computed.items()
            if not expression.names or any(name in columns or root_of(name) in columns for name in expression.names)
        }
        return {*plan_of(columns, base).fields, *paths, *usable, *base.constants, *rule.constants}

    def __call__(self, block: Block, ways: Table[str, int], evidence: dict[str, Evidence | Years]) -> Block:
        """The touchpoints of a block's rows. ``ways``, ``evidence``: how columns of numbers are written."""
        names = self.alike(tuple(block.columns))
        self._renamed.update(names)
        block = renamed(block, names)
        if self._mapping.fill:
            block = self._fill(block)
        reached = Reached(block, self._mapping, ways, evidence)
        if self._mapping.snapshot:
            return self._of_snapshot(block, reached)
        kept = np.ones(len(block.rows), np.bool_)
        if self._skip is not None:
            kept = ~self._skip.truth(reached)
        made, meant, untimed = (np.zeros(len(block.rows), np.bool_) for _ in range(3))
        parts: list[tuple[dict[str, Any], npt.NDArray[np.int64]]] = []
        for rule, computed, when in zip(self._rules, self._computed, self._when, strict=True):
            view, places = reached, np.arange(len(block.rows))
            if rule.each is not None:
                inner, places = elements(reached, rule.each)
                view = Reached(inner, self._mapping, ways, evidence)
            fields = self._columns(view, rule, computed)
            mask = kept[places] if when is None else kept[places] & when.truth(view)
            mask, wanted = self._told(fields, mask)
            made[places[wanted if len(self._rules) == 1 else mask]] = True
            # Of what the file has no times at all, no row is missing.
            meant[places[wanted]] |= bool(mask.any())
            untimed[places[wanted]] = True
            rows = places[mask]
            parts.append(({name: column.filter(pa.array(mask)) for name, column in fields.items()}, rows))
        missing = (meant if made.any() else untimed) & ~made
        self._leave(block, ~made & ~missing)
        rejects = [
            ImportReject(int(block.rows[i]), "no_time", "none of its times is given", block.original(int(i)))
            for i in np.flatnonzero(missing)
        ]
        return _together(block, parts, rejects, self._numbers(reached))

    def _leave(self, block: Block, rows: npt.NDArray[np.bool_]) -> None:
        """Count rows bool[n] of which nothing is made."""
        if rows.any():
            self.first_skipped = self.first_skipped if self.skipped else int(block.rows[int(np.argmax(rows))])
            self.skipped += int(np.count_nonzero(rows))

    def _of_snapshot(self, block: Block, reached: Reached) -> Block:
        """Each customer's contract, last payment and end, as far as a snapshot tells."""
        mapping = self._mapping
        common = self._columns(reached, self._rules[0], self._computed[0])
        at = mapping.choices.get("snapshot_at")
        told, faults = implied(reached, mapping.snapshot, self._now if at is None else day_of(at))
        good = faults.good()
        kept = np.ones(len(block.rows), np.bool_) if good is None else good
        if self._skip is not None:
            skipped = self._skip.truth(reached)
            self._leave(block, skipped)
            kept = kept & ~skipped
        parts = [
            (
                {name: column.filter(pa.array(mask & kept)) for name, column in (common | fields).items()},
                np.flatnonzero(mask & kept),
            )
            for fields, mask in told
        ]
        return _together(block, parts, faults.rejects(block), frozenset(("amount",)))

    def _fill(self, block: Block) -> Block:
        """The block, what rows of one and the same thing leave empty as in the row before."""
        by, names = self._mapping.fill["by"][0], self._mapping.fill["columns"]
        if by not in block.columns:
            return block
        keys = text_of(block.columns[by])[0]
        columns = dict(block.columns)
        for name in names:
            if name in columns:
                columns[name] = filled_down(keys, text_of(columns[name])[0], self._last.get(name))
        if len(keys):
            last = len(keys) - 1
            self._last = {name: (keys[last].as_py(), columns[name][last].as_py()) for name in names if name in columns}
        return replace(block, columns=columns)

    def _told(self, fields: dict[str, Any], mask: Any) -> tuple[Any, Any]:
        """(the rows that make a touchpoint, those that would if they had a time)."""
        if self._mapping.values.get(KIND):
            unsaid = _mask(pc.is_null(fields[KIND])) & mask if KIND in fields else np.zeros(len(mask), np.bool_)
            mask = mask & ~unsaid
        if len(self._rules) == 1:
            return mask, mask
        times = fields.get(_TIME, pa.nulls(len(mask), pa.string()))
        some = _mask(pc.is_valid(text_of(times)[0]) if not _is_instant(times) else pc.is_valid(times))
        return mask & some, mask

    def _columns(self, reached: Reached, rule: Rule, computed: Table[str, Expression]) -> dict[str, Any]:
        block = reached.block
        mapping = replace(self._mapping, columns=self._mapping.columns | rule.columns)
        plan = plan_of(tuple(block.columns), mapping)
        said = self._said | reached.block.columns.keys() & self._renamed
        by_name = {field for field, column in plan.fields.items() if field == column and field not in mapping.columns}
        fields = {field: reached.raw(column) for field, column in plan.fields.items() if field not in by_name & said}
        fields |= {
            f"properties.{name}": reached.raw(column)
            for name, column in plan.properties.items()
            if column not in self._renamed or f"properties.{name}" in mapping.columns
        }
        fields |= {field: reached.raw(column) for field, column in mapping.columns.items() if field not in fields}
        constants = {
            name: text for name, text in (mapping.constants | rule.constants).items() if name not in rule.columns
        }
        n = len(block.rows)
        for name, text in constants.items():
            if name not in self._mapping.choices and name not in rule.computed:
                fields[name] = pa.repeat(pa.scalar(text), n)
        worked = self._worked(reached)
        for name, expression in computed.items():
            fields[name] = _worked_out(name, expression, reached, plain=name not in worked)
        # What says its articles itself is not of those that the items tell; rows of a table have no items.
        own = {"sku", "lines"} & {*rule.columns, *rule.computed}
        if self._lines and not own and reached.has(self._lines["from"][0]):
            fields["lines"] = items_as_lines(reached, self._lines)
        for name in worked & set(fields) - set(computed):
            if name not in constants:
                fields[name] = reached.money(mapping.columns.get(name, name))
        for name, table in self._mapping.values.items():
            if name in fields and (name not in constants):
                fields[name] = _translated(text_of(fields[name])[0], table)
        if len(self._rules) > 1 and "event_id" in fields and KIND in fields:
            given, kind = text_of(fields["event_id"])[0], text_of(fields[KIND])[0]
            fields["event_id"] = pc.binary_join_element_wise(given, kind, ":")
        return fields

    def _numbers(self, reached: Reached) -> frozenset[str]:
        """Fields whose values were numbers in the file, or were computed: with a decimal point, so to say."""
        columns = self._mapping.columns
        known = {field for field, column in columns.items() if reached.is_numeric(column)}
        known |= {name for name in reached.block.columns if reached.is_numeric(name)}
        for field in {field for computed in self._computed for field in computed}:
            if field in self._worked(reached):
                known.add(field)
            else:
                known.discard(field)
        for rule, computed in zip(self._rules, self._computed, strict=True):
            single = {field: there[0] for field, one in computed.items() if len(there := _there(one, reached)) == 1}
            for field, column in (rule.columns | single).items():
                if _is_amount(field) and field not in self._worked(reached):
                    (known.add if reached.is_numeric(column) else known.discard)(field)
        return frozenset(known)

    def _worked(self, reached: Reached) -> frozenset[str]:
        """The fields of amounts that some touchpoint computes; those of the others are written like them then."""
        return frozenset(
            field
            for computed in self._computed
            for field, expression in computed.items()
            if _is_amount(field) and _is_worked(expression, reached)
        )


def _there(expression: Expression, reached: Reached) -> list[str]:
    return [name for name in expression.alternatives if reached.has(name)]


def _is_worked(expression: Expression, reached: Reached) -> bool:
    """Whether more is to be done than to take a column, or none where none of its alternatives is there."""
    return len(_there(expression, reached)) > 1 or bool(expression.names and not expression.alternatives)


def _worked_out(field: str, expression: Expression, reached: Reached, *, plain: bool) -> Any:
    """The column of a field; where only one of several columns is there, that one as it is (``plain``), or as amounts
    that another touchpoint computes."""
    there = _there(expression, reached)
    if len(there) == 1 and plain:
        return reached.raw(there[0])
    if expression.alternatives and not there:
        return pa.nulls(reached.rows, pa.string())
    if _is_amount(field) and there:
        return pc.coalesce(*(reached.money(name) for name in there))
    return _as_text(expression.number(reached)) if _is_amount(field) else expression.text(reached)


def _computed_by(mapping: Mapping, rule: Rule) -> dict[str, Expression]:
    found = {name: text for name, text in mapping.computed.items() if name not in rule.columns | rule.constants}
    return {name: Expression(text) for name, text in (found | rule.computed).items()}


def _is_amount(field: str) -> bool:
    return field in (*MONEY, *MONEY.values(), "quantity", "price", "line_amount", "satisfaction")


def _as_text(numbers: Any) -> Any:
    return numbers.cast(pa.string())


def _is_instant(column: Any) -> bool:
    return bool(pa.types.is_timestamp(column.type) or pa.types.is_date(column.type))


def _translated(text: Any, table: Table[str, str]) -> Any:
    """A text column, values named in the table replaced; capital letters make no difference, "" is nothing."""
    small = {word.lower(): value for word, value in table.items()}
    coded = text.dictionary_encode()
    words = [table.get(word, small.get(word.lower(), word)) or None for word in coded.dictionary.to_pylist()]
    return pc.take(pa.array(words, pa.string()), coded.indices)


def _together(block: Block, parts: list[Any], rejects: list[ImportReject], numbers: frozenset[str]) -> Block:
    """One block of all touchpoints, those of a row together, in the order of the rows."""
    rows = np.concatenate([place for _, place in parts])
    order = np.argsort(rows, kind="stable")
    names = list(dict.fromkeys(name for fields, _ in parts for name in fields))
    columns = {name: _stacked([(fields.get(name), len(place)) for fields, place in parts]) for name in names}
    if len(parts) > 1:
        columns = {name: column.take(pa.array(order)) for name, column in columns.items()}
    places = rows[order]
    found = sorted([*block.rejects, *rejects], key=lambda reject: reject.row)
    return Block(
        columns, block.rows[places], lambda i: block.original(int(places[i])), block.done, block.total, found, numbers
    )


def _stacked(parts: list[tuple[Any, int]]) -> Any:
    kinds = {column.type for column, _ in parts if column is not None}
    if len(parts) == 1 and parts[0][0] is not None:
        return parts[0][0]
    if len(kinds) == 1:
        kind = next(iter(kinds))
        arrays = [pa.nulls(n, kind) if column is None else column for column, n in parts]
    else:
        arrays = [pa.nulls(n, pa.string()) if column is None else text_of(column)[0] for column, n in parts]
    return pa.concat_arrays(arrays)


def _mask(array: Any) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return mask


def is_shaped(mapping: Mapping) -> bool:
    """Whether a mapping says more than which column is which field."""
    paths = any(root_of(column) is not None for column in mapping.columns.values())
    return bool(
        paths or mapping.computed or mapping.values or mapping.nothing or mapping.skip or mapping.lines
        or mapping.touchpoints or mapping.optional or mapping.fill or mapping.snapshot
    )  # fmt: skip

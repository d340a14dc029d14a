"""How a file is read: which column means which field, and what else a mapping can say."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Final

from schemas.fields import FIELDS, FieldType, amounts_of, names_in_files, of_type
from streams.imports.choices import choices_in

MONEY: Final = amounts_of(FIELDS)
"""Fields in major units, and the minor-unit fields that they become."""

IDS: Final = ("event_id", "customer_id", "anonymous_id", "order_id", "agent_id")
"""Fields by which something is known: a number there is the same however it is written, 42 or 42.0."""

TIMES: Final = of_type(FIELDS, FieldType.INSTANT)

NAMES: Final = names_in_files(FIELDS)
"""Every field that a column can be mapped to; ``properties.<name>`` comes on top."""

LINE: Final = ("sku", "category", "quantity", "price", "line_amount")
"""The fields of one line of an order, where each row of a file is one; they make ``lines`` where there is a sku."""

FORMATS: Final = ("csv", "jsonl", "parquet", "avro", "workbook")
DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "whitespace": "whitespace"}
COUNTED: Final = {"seconds": 3, "milliseconds": 0, "microseconds": -3, "nanoseconds": -6}
"""Times as numbers since 1970: the powers of ten that make them milliseconds."""
EXCEL: Final = "excel"
"""Times as days of a spreadsheet, local."""
NUMBERED: Final = (*COUNTED, EXCEL)

PREFIX: Final = "properties."
COMPUTED: Final = "="
"""Begins a text that is an expression, and no column's name."""
_ADDED: Final = frozenset(
    (
        "computed",
        "values",
        "nothing",
        "skip",
        "lines",
        "touchpoints",
        "optional",
        "sheet",
        "fill",
        "snapshot",
        "policy",
        "about",
    )
)
ITEM: Final = ("from", "sku", "category", "quantity", "price", "amount")
"""What ``[lines]`` can say of the items of an order."""
FILL: Final = ("by", "columns")
SNAPSHOT: Final = ("months", "years", "since", "until", "fee", "left")


@dataclass(frozen=True)
class Rule:
    """One of several touchpoints that a row makes, where it differs from the mapping. ``when``: a condition.

    ``each``: a path to an array, of whose elements each makes one; ``each.name`` is a member of the element.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    when: str | None = None
    each: str | None = None


@dataclass(frozen=True)
class Mapping:
    """How to read a file. Everything left at None is found out from the file itself.

    ``columns``: field to column name. ``constants``: field to a text that holds for every row, read as if it stood in
    a column; it wins over a column of the field's name. ``names``: what the columns of a text are called, instead of
    the header when it has one; a text with neither has columns "1", "2", …. ``time_formats``: field to a strptime
    pattern, or to one of ``NUMBERED``. ``timezone``: where times that name no zone are local; None: UTC.
    ``encoding``: of a text; None: UTF-8, or UTF-16 with its mark.
    ``decimal``: the decimal sign of amounts that are text; None: as each column as a whole says.
    ``keep_extra``: columns that nobody asked for become properties.

    Columns may be paths into nested values (``paths.py``). ``computed``: field to an expression (``expressions.py``).
    ``values``: of a field, what its texts stand for; "" is nothing, and a kind of nothing leaves the row out.
    ``nothing``: words for no value, in small or capital letters. ``skip``: the condition of rows to be left out.
    ``lines``: where the items of an order are (``from``), and which of their members are what. ``touchpoints``: one row
    makes one of each. ``optional``: columns that are not there are empty. ``sheet``: of a workbook; None: the first.
    ``fill``: columns that rows leave empty which have the same value in the column ``by`` as the row before.
    ``snapshot``: of a table of customers without events, what tells since when, how much and whether they left
    (``snapshot.py``). ``policy``: the one of Relasi's that a new data directory begins with; ``about``: what the
    mapping is for.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    delimiter: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    time_formats: dict[str, str] = field(default_factory=dict)
    timezone: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    keep_extra: bool = False
    computed: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    nothing: tuple[str, ...] = ()
    skip: str | None = None
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    touchpoints: tuple[Rule, ...] = ()
    optional: bool = False
    sheet: str | None = None
    fill: dict[str, tuple[str, ...]] = field(default_factory=dict)
    snapshot: dict[str, tuple[str, ...]] = field(default_factory=dict)
    policy: str | None = None
    about: str | None = None

    @property
    def choices(self) -> dict[str, str]:
        """What a file leaves open, as it was settled (``choices.py``)."""
        return choices_in(self.constants)

    def shown(self) -> str:
        """What was said of the file, as JSON; what was left to be found out is left out."""
        said = asdict(self)
        plain = asdict(Mapping())
        kept = {name: value for name, value in said.items() if value != plain[name] and name != "about"}
        return json.dumps(kept, sort_keys=True, ensure_ascii=False)

    def digest(self) -> str:
        """SHA-256, in hex, of what the mapping says, however it was written down.

        What is new since, and not used, is left out: a file that was imported before stays known. So is what says
        nothing about the file.
        """
        said = asdict(self)
        # What a policy counts is no way of reading.
        said["constants"].pop("purchase_without_amount", None)
        for rule in said["touchpoints"]:
            if rule["each"] is None:
                del rule["each"]
        for added in fields(self):
            if added.name in ("about", "policy") or (added.name in _ADDED and not said[added.name]):
                del said[added.name]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def property_of(field_name: str) -> str | None:
    """The property's name of a field ``properties.<name>``, else None."""
    name = field_name.removeprefix(PREFIX)
    return name if name and name != field_name else None

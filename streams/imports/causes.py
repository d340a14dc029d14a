"""Why nothing of a file could be used: the likely causes, and the arguments that mend them."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from streams.imports.problems import ImportReject

_TIME: Final = (
    "the times are not understood as they stand: say how they are written with --time-format, such as "
    '"%%d.%%m.%%Y", seconds or excel, and where with --timezone'.replace("%%", "%")
)
_MENDING: Final = {
    "bad_time": _TIME,
    "no_time": "no time is given: name the column with --map occurred_at=COLUMN",
    "impossible_time": "the times lie before 1970 or in the future: see --time-format and --timezone",
    "bad_truth": "what is to be true or false is neither: see [values.FIELD] of a mapping",
    "bad_number": "the amounts are not understood: see --decimal, and --map amount=COLUMN",
    "bad_text": "the text is not UTF-8: say what it is with --encoding, such as windows-1252",
    "bad_currency": "the currencies are not understood: --set currency=EUR says one for all rows",
    "no_currency": "the amounts have no currency: --set currency=EUR says one for all rows",
    "currency_differs": "amounts carry another currency than their rows: see --map currency=COLUMN",
    "no_customer": "no customer is given: name the column with --map customer_id=COLUMN",
    "bad_id": "the ids went through a spreadsheet, which cut their digits: export the column as text",
    "summary_row": "the rows are sums of others: name the column of customers with --map customer_id=COLUMN",
    "no_kind": "no kind is given: --map kind=COLUMN, or --set kind=order_completed for all rows",
    "broken_line": "the lines do not split into the columns of the header: see --delimiter",
}
_SHOWN: Final = 3


def causes_of(rejects: Iterable[ImportReject]) -> list[str]:
    """A text for each of the most frequent reasons, the first of them first."""
    found = Counter(reject.reason for reject in rejects)
    return [f"{_MENDING.get(reason, reason)} ({count:,} rows)" for reason, count in found.most_common(_SHOWN)]

"""The money of a block of rows: the currency of each, and its amounts in minor units of that."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.policy.policy import exponent
from streams.imports.amounts import Amounts
from streams.imports.currencies import currencies_of
from streams.imports.faults import Faults, Mask

UNKNOWN_DECIMALS: Final = 2
LARGEST: Final = 10**15
"""Minor units of the largest amount that the engine takes."""


def codes_of(text: Any, faults: Faults) -> Any:
    """A text column of currencies as codes of three letters; signs are read where they stand for one currency only."""
    coded = text.dictionary_encode()
    codes = [code_of(value) for value in coded.dictionary.to_pylist()]
    column = pc.take(pa.array(codes, pa.string()), coded.indices)
    bad = pc.and_(pc.is_null(column), pc.is_valid(coded))
    faults.add(_mask(bad), "bad_currency", "currency {} is no code of three letters, such as EUR", coded)
    return column


def code_of(text: str) -> str | None:
    """The code of a currency that somebody wrote; None where it names none, or several."""
    found = currencies_of(text)
    if found is not None and len(found) == 1:
        return next(iter(found))
    # What is not in the standard (or no longer) may still have a rate in the policy.
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else None


def with_signs(given: Any, amounts: Mapping[str, Amounts], own: str | None, faults: Faults) -> Any:
    """The currencies of rows: those given in a column, else what stands beside an amount. One that differs is a fault.

    ``own``: the policy's currency where somebody chose it; a sign of several currencies (``$``) may mean it.
    """
    for name, money in amounts.items():
        for place, dressing in enumerate(money.dressings):
            if dressing is None or not dressing.currencies:
                continue
            rows = money.which == place
            known = _mask(pc.is_valid(given))
            agrees = _mask(pc.is_in(given, pa.array(sorted(dressing.currencies), pa.string())))
            detail = f"{name} {{}} is in another currency than the row"
            faults.add(rows & known & ~agrees, "currency_differs", detail, money.text)
            code = _meant(dressing.currencies, own)
            if code is None:
                detail = f"{name} {{}} has the sign of several currencies; say which with --set currency=CODE"
                faults.add(rows & ~known, "no_currency", detail, money.text)
            given = _filled(given, rows & ~known, code)
    return given


def _meant(currencies: frozenset[str], own: str | None) -> str | None:
    if len(currencies) == 1:
        return next(iter(currencies))
    return own if own in currencies else None


def _filled(given: Any, rows: Mask, code: str | None) -> Any:
    return given if code is None else pc.if_else(pa.array(rows), pa.scalar(code, pa.string()), given)


def decimals_of(currency: str | None, own: str | None = None) -> int:
    """Decimals of a currency's minor unit (ISO 4217); of ``own``, or 2, where there is none."""
    code = currency or own
    return UNKNOWN_DECIMALS if code is None else exponent(code)


def decimals_in(currency: Any, own: str | None) -> npt.NDArray[np.int8]:
    """int8[n]: how many decimals the minor units of each row's currency have."""
    coded = currency.dictionary_encode()
    known = [decimals_of(code) for code in coded.dictionary.to_pylist()] + [decimals_of(None, own)]
    at = coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    decimals: npt.NDArray[np.int8] = np.array(known, np.int8)[at]
    decimals.flags.writeable = False
    return decimals


def priced(columns: Mapping[str, Any], names: tuple[str, ...]) -> Mask:
    """Rows that have money in one of the columns ``names``. Nothing is no money, and needs no currency."""
    some = np.zeros(len(columns["currency"]), np.bool_)
    for name in names:
        some |= _mask(pc.not_equal(columns[name], 0).fill_null(False))
    return some


def unpriced(columns: Mapping[str, Any], names: tuple[str, ...]) -> Mask:
    """Rows that have money, and no currency."""
    return priced(columns, names) & _mask(pc.is_null(columns["currency"]))


def too_large(values: Any) -> Mask:
    """Rows with an amount that no touchpoint may have."""
    return _mask(pc.or_(pc.greater(values, LARGEST), pc.less(values, -LARGEST)).fill_null(False))


def _mask(array: Any) -> Mask:
    mask: Mask = array.to_numpy(zero_copy_only=False)
    return mask

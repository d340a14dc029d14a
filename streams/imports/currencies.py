"""Currencies as people write them beside an amount: codes of ISO 4217, signs, and words."""

from functools import cache
from typing import Final, NamedTuple

_LISTED: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
CODES: Final = frozenset(_LISTED.split())
"""ISO 4217, list one: what is in use, and the kuna, which older exports hold."""

_DOLLARS_AND_PESOS: Final = """
USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD
"""
_DOLLARS: Final = frozenset(_DOLLARS_AND_PESOS.split())
_SIGNS: Final[dict[str, frozenset[str]]] = {
    "$": _DOLLARS,
    "¥": frozenset(("JPY", "CNY")),
    "￥": frozenset(("JPY", "CNY")),
    "kr": frozenset(("SEK", "NOK", "DKK", "ISK")),
    "rs": frozenset(("INR", "PKR", "LKR", "NPR", "MUR", "SCR")),
    "£": frozenset(("GBP", "EGP", "GIP", "FKP", "SHP", "SYP", "LBP")),
} | {
    sign: frozenset((code,))
    for sign, code in {
        "\u0440\u0443\u0431": "RUB",
        "€": "EUR", "us$": "USD", "u$s": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD",
        "hk$": "HKD", "s$": "SGD", "nt$": "TWD", "r$": "BRL", "mx$": "MXN", "cn¥": "CNY", "jp¥": "JPY", "元": "CNY",
        "円": "JPY", "원": "KRW", "₩": "KRW", "₹": "INR", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₫": "VND",
        "đ": "VND", "₪": "ILS", "฿": "THB", "₱": "PHP", "₦": "NGN", "₡": "CRC", "₲": "PYG", "₸": "KZT", "₵": "GHS",
        "₾": "GEL", "₼": "AZN", "֏": "AMD", "৳": "BDT", "₭": "LAK", "៛": "KHR", "₮": "MNT", "zł": "PLN", "kč": "CZK",
        "ft": "HUF", "tl": "TRY", "lei": "RON", "грн": "UAH", "rp": "IDR",
        "rm": "MYR", "лв": "BGN", "sfr": "CHF", "fr": "CHF", "euro": "EUR", "euros": "EUR",
    }.items()
}  # fmt: skip
"""Signs and short words in small letters, without a full stop, and the currencies that each may stand for. A sign of
several says nothing by itself, but must not contradict what else is known. The pound alone is read as sterling."""

_SPACES: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008", " "))
_DASHES: Final = "-\u2212\u2013\u2014"


class Dressing(NamedTuple):
    """What stands around the digits of an amount: whether it is negative, and the currencies that it may be in."""

    negative: bool
    currencies: frozenset[str]


def currencies_of(word: str) -> frozenset[str] | None:
    """What a code, a sign or a word may stand for; empty for no word, None for one that is no currency."""
    bare = word.strip().strip(".").strip()
    if not bare:
        return frozenset()
    if bare.upper() in CODES:
        return frozenset((bare.upper(),))
    found = _SIGNS.get(bare.lower())
    return frozenset(("GBP",)) if bare == "£" else found


@cache
def sign_of(currencies: frozenset[str]) -> str:
    """A code or a sign that may stand for just these; empty where none does."""
    if len(currencies) == 1:
        return next(iter(currencies))
    return next((sign for sign, found in _SIGNS.items() if found == currencies), "")


@cache
def dressing_of(before: str, after: str) -> Dressing | None:
    """What ``before`` and ``after`` the digits mean; None where it is no writing of money.

    ``after`` begins with a decimal sign where nothing but dashes stands for the decimals (``1'250.–``, ``12,-``).
    """
    before, after = before.translate(_SPACES).strip(), after.translate(_SPACES).strip()
    if after[:1] in (".", ","):
        after = after[1:].lstrip(_DASHES).strip()
    after = after.removeprefix("/-").strip()  # India: 500/-
    signs = 0
    if "(" in before and ")" in after:
        before, after = before.replace("(", "", 1), after.replace(")", "", 1)
        signs += 1
    kept = []
    for text in (before, after):
        minus = sum(text.count(dash) for dash in _DASHES)
        signs += minus + text.count("+")
        kept.append("".join(sign for sign in text if sign not in _DASHES and sign != "+"))
    if signs > 1:
        return None
    plus = "+" in before + after
    found = [currencies_of(word) for word in kept]
    if found[0] is None or found[1] is None:
        return None
    both = found[0] & found[1] if found[0] and found[1] else found[0] | found[1]
    return None if found[0] and found[1] and not both else Dressing(signs == 1 and not plus, both)

"""Columns that say what became of a row, beside a mapping by which every row is an order."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import text_of
from streams.imports.likeness import bare
from streams.imports.mapping import Mapping
from streams.imports.name_patterns import REFUNDED, plain
from streams.imports.orders import COMPLETING

_STATUS: Final = (
    r"status|statut|estado|stato|zustand|situa[cç][aã]o|stan|stav|durumu?|статус|[eé]tat|tila|ステータス|状態|状況"
)
_OF_A_ROW: Final = re.compile(
    rf"(?:state|{_STATUS})(?:description|text|name|label|bezeichnung)?$"
    r"|^(?:transaction|payment|charge|auth(?:orization)?|order)?(?:result|outcome|ergebnis|resultat|risultato|resultado)$"
    r"|^(?:status|statut|estado|stato|situa[cç][aã]o|[eé]tat)"
)
_OF_A_TYPE: Final = re.compile(
    r"^(?:order|transaction|trans|document|doc|entry|record|invoice|sales?|payment|line|row)?"
    r"(?:type|typ|art|belegart|buchungsart|vorgangsart|tipo|soort|rodzaj|種別)$"
)
_OF_A_SIGN: Final = re.compile(
    r"^(?:cr|credit)(?:or)?(?:dr|db|debit)(?:indicator|flag|mark|ind)?$"
    r"|^(?:dr|db|debit)(?:or)?(?:cr|credit)(?:indicator|flag|mark|ind)?$"
    r"|^sollhaben(?:kennzeichen|kz)?$|^habensoll$|^afbij$|^bijaf$|^(?:debe|dare)(?:haber|avere)$|^transactionsign$"
)
_FLAG: Final = re.compile(
    r"^(?:is)?(?:voided|void|sandbox"
    r"|cancell?ed|deleted|declined|failed|(?:fully)?refunded|disputed|test|testorder|testmode|istest|storniert|storno"
    r"|gel[oö]e?scht|annul[ée]e?|annulée?|anulado|annullato|geannuleerd|anulowane|makulerad|cancelado)$"
)
_YES: Final = frozenset(("true", "yes", "y", "1", "x", "ja", "oui", "si", "sí", "sì", "sim", "tak", "t", "wahr"))
_NO: Final = frozenset(("false", "no", "n", "0", "nein", "non", "nee", "nie", "nej", "não", "nao", "f", "falsch"))
_NO_PURCHASE: Final = re.compile(
    r"cancel|cancl|void|declin|refus|reject|refund|charged?[ _-]?back|returned|fail|expired|abandon|unpaid|not paid"
    r"|error"
    r"|not.attending|no.?show|incomplete|denied|abort|unsuccessful|revers(?:ed|al)|uncollect|timed?.?out"
    r"|tentative|optional$|provisional|waitlist"
    r"|stornier|storno|abgebrochen|abgelehnt|fehlgeschlagen|erstattet|zurückge|retourn|fehler|unbezahlt"
    r"|annul|échou|rembours|geannuleerd|mislukt|terugbetaald|geretourneerd|erreur|impayé|non payé|fout"
    r"|anulad|fallid|reembols|rechaza|devuel|devolv|fallit|rimbors|rifiutat|anulowan|zwróc|nieudan|recusad|estornad"
    r"|makuler|avbrut|återbetal|misslyck|avvist|annuller|peruutettu|hyvitetty|błąd|nieopłacon|não pag"
    r"|no pagad|non pagat"
    r"|batal|gagal|dikembalikan|ditolak|[iİ]ptal|iade|キャンセル|取消|返品|返金|失敗|отмен|возвра|取消|退款|失败"
    r"|pending|awaiting|on.hold|draft|ausstehend|wartend|en attente|pendiente|in sospeso|in attesa|oczekuj|menunggu"
    r"|aguardando|pendente|openstaand|in afwachting|väntar|未払い|保留|lost$|verloren$",
    re.IGNORECASE,
)
_REFUNDED: Final = re.compile(
    r"refund|erstattet|rembours|terugbetaald|reembols|rimbors|zwróc|återbetal|estornad|返金|возвра|退款", re.IGNORECASE
)
_TAKES_BACK: Final = re.compile(
    r"refund|credit.?(?:memo|note)|gutschrift|avoir|return|storno|charge.?back|void|rembours|reembols|rimbors|retour"
    r"|angebot|kostenvoranschlag|quot(?:e|ation)|estimate|proforma|devis|preventivo|presupuesto|offerte|or[cç]amento"
    r"|abono|nota de cr[eé]dito|nota di credito|creditnota|kreditnota|korekt|erstatt|rückzahl|devoluci|返品|返金",
    re.IGNORECASE,
)
_SHOP: Final = re.compile(
    r"shipped|delivered|checked.?(?:in|out)|confirmed|captured|settled|complete|processing|paid|fulfilled|^success|accept[ée]|skickad|levererad|entregue|^pago|発送|versendet|versandt|geliefert|bezahlt|abgeschlossen|livr|expédi"
    r"|payée|enviad|entregad|pagad|spedit|consegnat|pagat|verzonden|betaald|wysłan|opłacon|zrealizowan|selesai|dikirim",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 50
"""A column with more different values says something else."""
NAMES: Final = ("status", "order_status", "payment_status", "financial_status", "state", "order_state")
"""Those that are looked for where a file's columns are not known before its rows are."""


def says_status(column: str) -> bool:
    """Whether a column, by its name, says what became of each row."""
    return _OF_A_ROW.search(bare(column)) is not None


def may_say_none(column: str) -> bool:
    """Whether a column, by its name, may say of rows that they were no purchases: a status, a type, or yes and no."""
    name = bare(column)
    return says_status(column) or _OF_A_TYPE.search(name) is not None or _is_flag(column) or says_sign(column)


def says_type(column: str) -> bool:
    """Whether a column, by its name, says of which type each row is."""
    return _OF_A_TYPE.search(bare(column)) is not None


def says_sign(column: str) -> bool:
    """Whether a column, by its name, says of amounts without a sign whether they are credits or debits."""
    return _OF_A_SIGN.search(plain(column)) is not None


def no_purchases(values: Iterable[str], column: str = NAMES[0]) -> list[str]:
    """Of the values of such a column those that say that nothing was bought, or that it was taken back."""
    told = list(values)
    if _is_flag(column):
        return [value for value in told if value.strip().lower() in _YES] if are_yes_or_no(told) else []
    pattern = _NO_PURCHASE if says_status(column) else _TAKES_BACK
    return [value for value in told if pattern.search(value)]


def are_yes_or_no(values: Iterable[str]) -> bool:
    """Whether all values are words for yes and no."""
    return all(value.strip().lower() in _YES | _NO for value in values)


def taken_back(word: str) -> bool:
    """Whether a status says of an order that it was paid, and given back."""
    return _REFUNDED.search(word) is not None


def is_of_orders(values: Iterable[str]) -> bool:
    """Whether these are what shops say of the orders that rows are, and not what happened."""
    return any(_SHOP.search(value) for value in values)


class Statuses:
    """Counts rows that a column says were cancelled, though the mapping makes an order of every row."""

    def __init__(self, mapping: Mapping, read: Iterable[str]) -> None:
        """``read``: the columns that the mapping reads; one that reads a status knows what it does with others."""
        self._watches: Final = mapping.constants.get("kind") in COMPLETING and not mapping.touchpoints
        self._read: Final = frozenset(read)
        self._knows: Final = any(map(says_status, self._read))
        self._counts: dict[str, Counter[str]] = {}
        self._back: Counter[str] = Counter()

    def watched(self, columns: Iterable[str] | None) -> list[str]:
        """Those of a file's columns that are to be read for this; None: the columns are not known."""
        if not self._watches:
            return []
        named = NAMES if columns is None else [name for name in columns if may_say_none(name) or _is_back(name)]
        return [name for name in named if name not in self._read and not (self._knows and says_status(name))]

    def see(self, columns: dict[str, Any]) -> None:
        """Take the columns of a block."""
        for name in self.watched(columns):
            if _is_back(name):
                some = text_of(columns[name])[0]
                self._back[name] += pc.sum(pc.match_substring_regex(some, "[1-9]")).as_py() or 0
            if not may_say_none(name):
                continue
            counts = self._counts.setdefault(name, Counter())
            if len(counts) > _MOST_WORDS:
                continue
            found = pc.value_counts(text_of(columns[name])[0].drop_null())
            words, times = (pc.struct_field(found, [i]) for i in range(2))
            counts.update(dict(zip(words.cast(pa.string()).to_pylist(), times.to_pylist(), strict=True)))

    def warnings(self) -> Iterator[str]:
        """One of each column that says so of some rows, with the argument that leaves them out."""
        for name, count in self._back.items():
            if count and not (name in self._counts and are_yes_or_no(self._counts[name])):
                yield (
                    f"{name}, which nobody asked for, has amounts in {count:,} rows that come in as {COMPLETING[0]}, "
                    "and which nothing takes back: a second of [[touchpoints]] in a mapping does, as relasi import "
                    "--guess writes it"
                )
        for name, counts in self._counts.items():
            if says_sign(name) and len(counts) == 2:
                told = " and ".join(f"{word!r} ({counts[word]:,})" for word in sorted(counts))
                yield (
                    f"{name}, which nobody asked for, says {told} of rows that all come in as {COMPLETING[0]}: "
                    f"where the amounts have no signs, one of them is money that went the other way. "
                    f"--map 'kind={name}' with [kinds] in a mapping tells them apart, and "
                    f"{condition(name, sorted(counts)[1:])} leaves one out"
                )
                continue
            words = no_purchases(counts, name) if len(counts) <= _MOST_WORDS else []
            if words:
                told = ", ".join(f"{word!r} ({counts[word]:,})" for word in words)
                apart = "" if _OF_A_TYPE.search(bare(name)) is None else f"--map kind={name} tells them apart, and "
                yield (
                    f"{name}, which nobody asked for, says {told} of rows that come in as {'/'.join(COMPLETING[:1])}: "
                    f"{apart}{condition(name, words)} leaves them out"
                )


def _is_back(name: str) -> bool:
    return REFUNDED.search(plain(name)) is not None


def _is_flag(name: str) -> bool:
    return _FLAG.search(bare(name).rstrip("?")) is not None


def condition(name: str, words: Iterable[str]) -> str:
    """The argument that leaves rows out whose column has one of these words."""
    return f"--skip '{expression(name, words)}'"


def expression(name: str, words: Iterable[str]) -> str:
    """The condition of it in a mapping."""
    column = name if name.isidentifier() else f"`{name}`"
    listed = ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return f"{column} in [{listed}]"

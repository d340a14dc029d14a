"""What the values of a column mean, as a guess writes it: what happened, and how satisfied somebody is."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.guessed_contents import MOST_KINDS
from streams.imports.guessed_satisfaction import score_of
from streams.imports.kinds import kind_of
from streams.imports.nearest import STATES, meant_kind, nearest_kinds
from streams.imports.nobodies import are_sums

_PURCHASE: Final = "order_completed"
_OF_MAIL: Final = frozenset((
    "open", "opened", "opens", "first_opening", "unique_open", "click", "clicked", "bounce", "bounced", "hard_bounce",
    "soft_bounce", "spamreport", "spam_report", "complaint", "complained",
))  # fmt: skip
_MAILED: Final = (
    dict.fromkeys(("delivered", "delivery"), "email_delivered")
    | dict.fromkeys(("first_opening", "unique_open", "opens", "proxy_open"), "email_opened")
    | dict.fromkeys(("spamreport", "spam_report", "spam", "complaint", "complained"), "email_marked_as_spam")
)
_RETURNS: Final = ("return", "returned", "returns", "retoure", "retour", "retorno", "reso", "devolucion")
_PAYMENT: Final = re.compile(r"payment|^paid|zahlung|paiement|^pago|pagamento|betaling|płatność", re.IGNORECASE)


def kinds_told(
    values: Any, known: frozenset[str], *, states: bool, money: bool = False, articles: bool = False
) -> Iterator[str]:
    """The table ``[kinds]``. ``states``: they are those in which something is, so that ``open`` is no opened email.
    ``money``, ``articles``: whether rows have amounts, and articles, by which some words mean something else."""
    some = values.drop_null()
    counts = Counter(some.filter(pa.array(~are_sums(some))).to_pylist())
    beside = _meant_beside({kind_of(word) for word in counts}, money=money, articles=articles)
    meant = {
        word: None if states and kind_of(word) in STATES else beside.get(kind_of(word)) or meant_kind(kind_of(word))
        for word in counts
    }
    billed = any(meant[word] == _PURCHASE and not _PAYMENT.search(word) for word in counts)
    for word, count in counts.most_common(MOST_KINDS):
        kind = kind_of(word)
        near = nearest_kinds(kind, known, beside.get(kind))
        rows = f"({count:,} of the first rows)"
        if kind in known:
            yield f"# {quoted(word)} is {kind}, which the policy names {rows}"
        elif meant[word] == _PURCHASE and billed and _PAYMENT.search(word):
            yield f'{quoted(word)} = ""   # a guess {rows}: it pays what the other rows tell of already'
        elif meant[word] in known and near:
            also = f"; or {', '.join(near[1:])}" if near[1:] else ""
            yield f"{quoted(word)} = {quoted(near[0])}   # a guess {rows}{also}"
        else:
            perhaps = f": {', '.join(near)}" if near else ""
            yield f'# {quoted(word)} = ""   # what is it{perhaps}? "" leaves such rows out {rows}'


def signs_told(values: Any) -> Iterator[str]:
    """The table ``[kinds]`` of credits and debits: a bank's credit is a ledger's debit, so who knows them says it."""
    for word, count in Counter(values.drop_null().to_pylist()).most_common(MOST_KINDS):
        yield (
            f'# {quoted(word)} = ""   # "order_completed" if it is money in, "order_refunded" if it went back '
            f"({count:,} of the first rows)"
        )


def _meant_beside(kinds: set[str], *, money: bool, articles: bool) -> dict[str, str]:
    """What words mean beside others: what is delivered among opened mails is a mail, a return with an amount is money
    back, and who views articles views no page."""
    found: dict[str, str] = {}
    if not money and kinds & _OF_MAIL:
        found |= _MAILED
    if money and any(meant_kind(kind) == _PURCHASE for kind in kinds):
        found |= dict.fromkeys(_RETURNS, "order_refunded")
    if articles:
        found |= dict.fromkeys(("view", "viewed"), "product_viewed")
    return found


def scores_told(values: Any) -> Iterator[str]:
    """The table ``[satisfaction]`` of values that are no numbers."""
    some = values.drop_null().unique()
    words = some.filter(pc.invert(pc.match_substring_regex(some, r"^[\d.,\s]+$"))).to_pylist()[:MOST_KINDS]
    if words:
        yield ""
        yield "[satisfaction]"
    for word in words:
        score = score_of(word)
        asked = "a guess, of five" if score else "what is it, from 1 to 5?"
        yield f'{quoted(word)} = "{score or ""}"   # {asked}'


def quoted(text: str) -> str:
    """A text of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""What exports of many languages call the fields of a touchpoint, as patterns of words, for a first guess.

A name is taken ``plain``: words in small letters without accents and without small words (``Fecha del pedido`` is
``fechapedido``). Patterns are of concepts (an order, a number, a customer, a day), each with its words in English,
German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish and Japanese.
"""

import re
import unicodedata
from functools import cache
from typing import Final

_FOLDED: Final = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o", "å": "a", "đ": "d", "æ": "ae",
    "№": " nr ", "°": " ", "º": " ", "'": " ", "\u2019": " ",
})  # fmt: skip
_SMALL: Final = frozenset((
    "de", "du", "des", "del", "della", "dello", "dell", "di", "da", "do", "dos", "das", "la", "le", "les", "l", "el",
    "los", "las", "il", "lo", "the", "of", "der", "den", "dem", "die", "zum", "zur", "van", "het", "per", "fuer",
    "for", "d", "s",
))  # fmt: skip
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NUMBERED: Final = re.compile(r"\b[nN]\s*[°º]|#")


@cache
def plain(name: str) -> str:
    """A column's name without what people write it with, and without small words."""
    text = _NUMBERED.sub(" nr ", unicodedata.normalize("NFC", name))
    text = _CAMEL.sub(" ", text).casefold().translate(_FOLDED)
    text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    words = re.findall(r"[^\W_]+", text)
    return "".join([word for word in words if word not in _SMALL] or words)


ORDER: Final = (
    r"(?:orders?|bestell(?:ung(?:en|s)?|ing)?|auftrags?|commandes?|pedidos?|encomendas?|ordin[ei]|zamowieni[ae]"
    r"|bestaellnings?|ordre|orden|objednavk[ay]|siparis|заказа?|注文|受注)"
)
_BILL: Final = (
    r"(?:invoices?|rechnungs?|rg|factures?|facturas?|fatt?uras?|faktu(?:ur|r|ra|ry)|receipts?|belegs?|basket|bon"
    r"|paragonu?|kvitto|請求書)"
)
_DEAL: Final = (
    r"(?:sales?|purchase|bookings?|book|buchungs?|reservations?|reservierungs?|reserva|prenotazione|boekings?"
    r"|reserverings?|rezerwacj[ai]|boknings?|confirmation|check|transactions?|trans|transaktions?|doc(?:ument)?|ventes?"
    r"|ventas?|vendas?|vendita|verkoop|koep|sprzedazy|payment|予約)"
)
_NUMBER: Final = (
    r"(?:id|key|no|nr|num|nro|number|nummer|numero|numer|code|ref|reference|referencia|cislo"
    r"|numaras\w|номер|番号|id番号)"
)
_CUSTOMER: Final = (
    r"(?:customers?|clients?|clientes?|users?|members?|mitglieds?|household|guests?|gast|gaeste|buyer|kunden?|klient[ai]?"
    r"|klant(?:en)?|kund|subscriber|abonne|patient|policyholder|account|adherent|membre|soci[oa]|usuario|utente|gebruikers?"
    r"|uzytkownika?|contact|profile|payer|acheteur|comprador|acquirente|student|teilnehmer|consumer|donor|spender|donateur|shopper|lid|leden|zakaznik|mue?steri|клиент|respondent|顧客|会員|お客様|得意先)"
)
_NAME: Final = r"(?:names?|nom|nombre|nome|naam|namn|nazwa|s?full|名|氏名)"
_DATE: Final = (
    r"(?:date|datum|data|fecha|dato|datetime|timestamp|time|zeit|zeitpunkt|on|at|dt|utc|tijd|tarihi?|дата|日時?|日付)"
)
_CREATED: Final = (
    r"(?:created|creation|erstellt|erstellung|angelegt|cree|creado|creacion|creato|creazione|criado|criacao|aangemaakt"
    r"|utworzeni[ae]|utworzono|skapad|placed|opened|ordered|submitted|booked|requested|作成)"
)
_SUM: Final = (
    r"(?:total|totale|totaal|totalt|totals|totaux|summe|summa|suma|gesamt|gesamtbetrag|gesamtsumme|gesamtpreis|amount"
    r"|betrag|montant|importe|importo|bedrag|valor|valore|kwota|belopp|wartosc|umsatz|revenue|sales|spend|spent|paid"
    r"|einnahmen|erloes|recettes?|ingresos|ricavi|omzet|prix|precio|prezzo|preco|preis|prijs|cena|pris|value|earnings"
    r"|tutar|toplam|belob|castka|сумма|金額|合計(?:金額)?|売上(?:金額)?)"
)
_MAIL: Final = r"(?:e?mail|correo|epost|poczta|メール)"
_BEGIN: Final = (
    r"(?:vertragsbeginn|vertragsstart|beginn|startdatum|contractstart\w*|contractsince|subscriptionstart\w*"
    r"|membershipstart\w*|policystart\w*|startdate|startedat|started|activatedat|activationdate|joindate|joined\w*"
    r"|joiningdate|inception\w*|effective(?:date|from)?|(?:member|customer|client)since|eintritt(?:sdatum)?"
    r"|(?:mitglied|kunde|vertrag)seit|seit|since|debut|datedebut|debutcontrat|datedebutcontrat|dateadhesion|fechainicio"
    r"|iniciocontrato|fechainiciocontrato|fechaalta|alta|datainizio|iniziocontratto|datainiziocontratto|decorrenza"
    r"|ingangsdatum|begindatum|datarozpoczecia|poczatekumowy|dataumowy|datainicio|iniciocontrato|datainiciocontrato"
    r"|avtalsstart|startdag|signupdate|subscribed(?:at|on)|契約開始日|入会日)"
)
_END: Final = (
    r"(?:vertragsende|ende|kuendigung|kuendigungsdatum|kuendigung(?:zum|per)|gekuendigt(?:zum|per)?|austritt(?:sdatum)?"
    r"|cancel(?:l?ed|l?ation)?(?:date|at|on)|terminat(?:ion|ed)(?:date|at|on)|churn(?:date|edat|edon)|enddate|endedat"
    r"|contractend\w*|expiry(?:date)?|expir(?:es|ation)\w*|leftat|exitdate|leavedate|lapse(?:d)?(?:date|on)"
    r"|fin|datefin|fincontrat|datefincontrat|resiliation|dateresiliation|fechabaja|baja|fechafin|fincontrato"
    r"|fechafincontrato|datafine|finecontratto|datafinecontratto|disdetta|datadisdetta|einddatum|opzegging"
    r"|opzegdatum|datazakonczenia|koniecumowy|datatermino|fimcontrato|datacancelamento|slutdatum|avtalsslut"
    r"|uppsagd|解約日|退会日)"
)
_FEE: Final = (
    r"(?:monatsbeitrag|monatsgebuehr|monatspreis|monatlich\w*|mtlbeitrag|beitrag(?:(?:pro)?(?:monat|jahr))?|grundgebuehr|monthly\w*|mrr|arr"
    r"|\w*premium|\w*praemie|mitgliedsbeitrag|jahresbeitrag|(?:membership|subscription|annual|yearly)(?:fee|price|amount)"
    r"|fee|cotisation(?:mens|ann)?(?:uelle)?|mensualite|redevance|abonnement(?:smensuel)?|cuota(?:mensual)?|canone(?:mensile)?|rata"
    r"|maandbedrag|contributie|premie|skladka|abonament|avgift|manadsavgift|mensalidade|月額(?:料金)?|会費)"
)
_TERM: Final = (
    r"(?:laufzeit\w*|vertragslaufzeit|mindestlaufzeit|bindung|contractlength|contractterm|term|termmonths|duree"
    r"|dureecontrat|engagement|plazo|duracion|durata|looptijd|okres|okresumowy|bindningstid|prazo|vigencia|契約期間)"
)
_TYPE: Final = r"(?:type|typ|typen|kind|art|belegart|buchungsart|vorgangsart|tipo|soort|rodzaj|種別)"

LIKE: Final = {
    "customer_id": (
        rf"{_CUSTOMER}{_NUMBER}$|^{_NUMBER}{_CUSTOMER}$",
        rf"^(?:{_CUSTOMER}|billing|adresse?|{_NUMBER})?{_MAIL}|{_MAIL}(?:adres\w*|{_CUSTOMER})?$",
        rf"^{_CUSTOMER}$|^(?:deal|bill|ship)?(?:organization|organisation|company|firma)$|{_CUSTOMER}person$",
        rf"^(?:primary|lead|full|{_CUSTOMER})?{_CUSTOMER}?{_NAME}{_CUSTOMER}?s?$|^nom{_CUSTOMER}$|^bookedby$"
        r"|^(?:reporter|reportedby|raisedby|requester|requestedby|openedby|contacthandle|potentialcustomer)$"
        r"|^(?:kundenkarte|kundenkartennummer|loyaltycard\w*|cartefidelite)$|^callingnumber$|^caller$|^msisdn\w*$",
    ),
    "anonymous_id": (r"(?:visitor|device|cookie|session)(?:id|key)$",),
    "occurred_at": (
        rf"^{ORDER}{_DATE}|{ORDER}{_DATE}$|^{_DATE}{ORDER}$",
        rf"{_CREATED}{_DATE}*$|^{_DATE}{_CREATED}$",
        rf"^(?:{_BILL}|{_DEAL}){_DATE}|(?:{_BILL}|{_DEAL}|event|call|visit){_DATE}$|^{_DATE}(?:{_BILL}|{_DEAL})$",
        rf"{_DATE}$|^{_DATE}",
        r"start$|^(?:arrival|arrives|checkin|anreise|arrivee|llegada|arrivo|aankomst|month|monat|mois|mes|mese|maand)$",
    ),
    "amount": (
        rf"^(?:{ORDER}|grand|gesamt|final|{_SUM}){_SUM}(?:{ORDER}|inc\w*|ink\w*|ttc|brutto|bruto|lordo)*$",
        rf"{_SUM}(?:ttc|brutto|bruto|lordo|gross|inc\w*|ink\w*|iva\w*|moms)$|^(?:gross|brutto|ttc){_SUM}?$"
        r"|^(?:sales?|order|total|final)price$|^pricepaid$",
        rf"{_SUM}$|^{_SUM}(?:{ORDER}|{_BILL}|{_DEAL})",
        rf"^(?:order|grand)?{_SUM}",
        r"(?:mrr|payout|turnover|chiffreaffaires)$",
    ),
    "currency": (
        r"(?:currency|waehrung|devise|valuta|moneda|moeda|divisa|waluta|munt|muntsoort|mena|parabirimi|валюта|通貨)(?:code)?",
    ),
    "order_id": (
        rf"^{ORDER}{_NUMBER}$|^{_NUMBER}{ORDER}$|^{ORDER}$|^{ORDER}(?:{_NUMBER})+$",
        rf"^{_BILL}{_NUMBER}$|^{_NUMBER}{_BILL}$|^{_BILL}$",
        rf"^{_DEAL}{_NUMBER}$|^{_NUMBER}{_DEAL}$|{ORDER}{_NUMBER}$",
        r"^reference$|^referenz$|^referencia$|^riferimento$",
    ),
    "satisfaction": (
        r"(?:ratings?|stars|starrating|surveyresults?|csat|nps|bewertung|sterne|note|avis|valoracion|estrellas"
        r"|valutazione|stelle|beoordeling|sterren|ocena|gwiazdki|betyg|avaliacao|評価)$|satisf|zufrieden|recommend|weiterempf|recomend",
    ),
    "kind": (
        r"^(?:metric|event|activity|action)name$|^events$",
        rf"^(?:order|transaction|trans|document|doc|entry|record|invoice|sale|sales|payment|line|row|deal)?{_TYPE}$",
    ),
    "quantity": (r"^(?:qty|quantity|menge|stueckzahl|quantite|cantidad|quantita|quantidade|aantal|ilosc|antal|数量)$",),
    "sku": (r"^(?:artikel(?:nummer|nr|num)|produkt(?:nummer|nr|id)|refproduit|referenceproduit|商品コード|品番)$",),
    "category": (r"^(?:warengruppe|(?:produkt)?kategori[ea]?|categori[ea](?:produit)?|kategoria|カテゴリー?)$",),
    "price": (
        r"^(?:einzelpreis|stueckpreis|prixunitaire|prix|preciounitario|prezzounitario|precounitario|stukprijs|cenajednostkowa"
        r"|styckpris|unitamount|salesprice|(?:artikel|produkt|item|product)(?:preis|price|pris)|prixproduit"
        r"|precioproducto|prezzoprodotto|precoproduto|単価)$",
    ),
    "properties.discount": (
        r"^(?:order|line|total)?(?:discount|rabatt|remise|descuento|sconto|korting|desconto|rabat)"
        r"(?:amount|betrag|total)?$",
    ),
}  # fmt: skip
"""Patterns of ``plain`` names, where no column has a name of the table of names; the first that one has."""

_TAXED: Final = re.compile(
    r"(?:(?P<without>ex|excl|exkl|excluding|hors|ohne|sin|senza|sem|zonder|zzgl|exclusief|exclusive)"
    r"|inc|incl|inkl|including|incluse?s?|incluid[ao]|inclus[ao]|inclusief|inclusive|mit)"
    r"(?:tax|vat|mwst|ust|tva|iva|btw|moms|gst)$|(?:iva|tva|btw|moms)(?:incl\w*)$"
)
_NO_SUM: Final = re.compile(
    r"(?:tax|vat|mwst|ust|steuer|tva|iva|btw|moms|podatek|imposto|gst|shipping|versand|frete|fracht|porto|livraison|envio"
    r"|spedizione|verzend|fee|gebuehr|commission|kommission|provision|tip|gratuity|trinkgeld|discount|rabatt|remise"
    r"|descuento|desconto|sconto|korting|refund|erstattet|rembours|reembols|rimbors|due|balance|saldo|deposit|quantity"
    r"|qty|count|orders|items|units|pages?|points|visits|nights|rate|percent|prozent|shipped|weight|limit|cost|kosten"
    r"|overdue|credit|guests?|reviews|results|minutes|seconds|cancel|outstanding|offen|size|status|date|datum|currency"
    r"|bookings|transactions|customers|usage|churn|paidat|paidon|method|lifetime)"
)
NO_DATE: Final = re.compile(
    r"(?:due|faellig|expir|ship|deliver|versand|liefer|livraison|updated|modified|geaendert|modif|expected|clos|reply"
    r"|birth|geburt|naissance|nacimiento|nascita|nascimento|last|letzte|dernier|ultim|cancel|storn|refund|end|until|valid"
    r"|lost|resolved|echeance|vencimiento|scadenza|response|checkout|departure|abreise|duration)"
)
_NO_NAME: Final = {
    "customer_id": re.compile(
        r"(?:accepts|optin|status|sent|opened|clicked|type|group|interactions|product|since|orders|address[12]"
        r"|template|subject|(?<!ac)count)"
    ),
    "order_id": re.compile(r"(?:customer|product|total|^orders$|count)"),
    "satisfaction": re.compile(r"(?:count|average)"),
}  # fmt: skip


def rank_of(field: str, name: str) -> int | None:
    """How well a ``plain`` name suits a field: the less the better; None: it does not."""
    if field == "amount":
        return _rank_of_sum(name)
    if field in _NO_NAME and _NO_NAME[field].search(name):
        return None
    doubtful = field == "occurred_at" and NO_DATE.search(name) is not None
    return _first(field, name, len(LIKE.get(field, ())) if doubtful else 0)


def _rank_of_sum(name: str) -> int | None:
    """What holds the tax is rather meant than what does not, or is a part of the whole."""
    taxed = _TAXED.search(name)
    bare = name[: taxed.start()] if taxed else name
    if _NO_SUM.search(bare):
        return None
    net = taxed["without"] if taxed else bare.endswith(("ht", "net", "netto", "neto"))
    part = bare.startswith(("sub", "net", "zwischen"))
    return _first("amount", bare, len(LIKE["amount"]) if net or part else 0)


def _first(field: str, name: str, more: int) -> int | None:
    return next((i + more for i, pattern in enumerate(_compiled(field)) if pattern.search(name)), None)


@cache
def _compiled(field: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, LIKE.get(field, ())))


REFUNDED: Final = re.compile(
    r"^(?:total|amount|order|net|customer|buyer|partial|item|line)?(?:refund(?:ed)?|erstattet|(?:rueck)?erstattungs?|gutschrift|rembourse|remboursement"
    r"|reembolso|reembolsado|rimborso|rimborsato|terugbetaald|zwrot|aterbetalt|estorno)"
    r"(?:amount|total|value|betrag|montant|importe|importo|bedrag|kwota|valor)?$"
    r"|^(?:montant|importe|importo|valor|kwota|bedrag)(?:rembourse|reembolsado|rimborsato|estornado|zwrotu|terugbetaald)$"
)
"""What was given back of an order, in a column of its row."""
MINOR: Final = re.compile(r"(?:cents?|pence|centimes|centimos|centesimi|centavos|groszy?|oere|minor(?:units?)?)$")
THOUSANDS: Final = re.compile(r"^(?:teur|keur|tusd|kusd|tchf|thousands?|tsd|tausend|milliers|miles|migliaia|k)$")
"""Behind the name of an amount: what it counts, where that is not the unit of the currency."""
BEGIN: Final = re.compile(_BEGIN)
END: Final = re.compile(_END)
FEE: Final = re.compile(_FEE)
TERM: Final = re.compile(_TERM)
MAIL: Final = re.compile(_MAIL)
"""Of a contract: when it began, when it ended, what it costs again and again, and for how long it binds; an address."""

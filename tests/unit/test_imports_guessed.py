"""What a guess makes of exports that nobody has described: the touchpoints, read by the mapping that it writes."""

import io
from collections import Counter
from pathlib import Path

import pytest
from support.guesses import KNOWN, NOW, read
from support.vendors import money

from streams.imports.guess import guessed
from streams.imports.mapping import Mapping
from streams.imports.mapping_file import mapping_of
from streams.imports.name_patterns import plain, rank_of
from streams.imports.prepare import prepare
from streams.imports.problems import InputProblem, MappingProblem
from streams.imports.samples import map_of

SHOPS = {
    "German": (
        "Bestellnr.;Bestelldatum;Kundennr.;E-Mail;Zwischensumme;Versandkosten;MwSt.;Gesamtsumme;Bestellstatus\n"
        "1;05.01.2026 10:30;K-1;a@x.de;1.000,00;5,90;160,63;1.005,90 €;Versendet\n"
        "2;16.01.2026 11:30;K-2;b@x.de;40,00;5,90;7,33;45,90 €;Storniert\n"
        "3;20.01.2026 09:15;K-1;a@x.de;30,00;0,00;4,79;30,00 €;Abgeschlossen\n"
        ";;;;1.070,00;11,80;172,75;1.081,80 €;\n",
        {("order_completed", "EUR"): 103590},
    ),
    "French": (
        "N° commande;Date de commande;Heure;Nom du client;Adresse e-mail;Montant HT;TVA;Montant TTC;Devise;"
        "Statut de la commande\n"
        "C-1;03/01/2026;10h05;Anne;a@x.fr;100,00;20,00;120,00;EUR;Livrée\n"
        "C-2;14/01/2026;11h05;Luc;b@x.fr;1 000,00;200,00;1 200,00;EUR;Annulée\n"
        "C-3;15/01/2026;12h45;Anne;a@x.fr;50,00;10,00;60,00;EUR;Expédiée\n"
        "Total;;;;;1 150,00;230,00;1 380,00;EUR;\n",
        {("order_completed", "EUR"): 18000},
    ),
    "Italian": (
        "Numero ordine;Data ordine;Cliente;E-mail cliente;Totale;Valuta;Stato\n"
        "1;05/01/2026 10:30;Anna Rossi;a@x.it;1.250,50;EUR;Consegnato\n"
        "2;16/01/2026 11:30;Luca Neri;b@x.it;45,00;EUR;Annullato\n"
        "3;21/01/2026 19:15;Marta Po;c@x.it;80,00;EUR;In attesa di pagamento\n"
        "Totale;;;;1.375,50;;\n",
        {("order_completed", "EUR"): 125050},
    ),
    "Spanish": (
        "Nº de pedido;Fecha del pedido;Hora;Cliente;Correo electrónico;Importe total;Moneda;Estado del pedido\n"
        "P1;05/01/2026;10:30;Ana Ruiz;a@x.es;1.250,50;EUR;Entregado\n"
        "P2;16/01/2026;11:30;Luis Gil;b@x.es;45,00;EUR;Cancelado\n"
        "TOTAL;;;;;1.295,50;;\n",
        {("order_completed", "EUR"): 125050},
    ),
    "Dutch": (
        "Ordernummer;Besteldatum;Klantnummer;Klantnaam;Bedrag excl. BTW;Bedrag incl. BTW;Valuta;Orderstatus\n"
        "10;05-01-2026 10:30;K1;Anna;€ 1.033,47;€ 1.250,50;EUR;Verzonden\n"
        "11;16-01-2026 11:30;K2;Jan;€ 37,19;€ 45,00;EUR;Geannuleerd\n"
        "Totaal;;;;€ 1.070,66;€ 1.295,50;;\n",
        {("order_completed", "EUR"): 125050},
    ),
    "Portuguese": (
        "Número do pedido;Data do pedido;Cliente;E-mail;Valor total;Frete;Desconto;Status do pedido\n"
        '500;05/01/2026 10:30;Ana;a@x.br;"R$ 1.250,50";"R$ 20,00";"R$ 10,00";Entregue\n'
        "501;16/01/2026 11:30;Rui;b@x.br;R$ 45,00;R$ 0,00;R$ 5,00;Aguardando pagamento\n",
        {("order_completed", "BRL"): 125050},
    ),
    "Polish": (
        "Numer zamówienia;Data zamówienia;Klient;Adres e-mail;Kwota netto;Kwota brutto;Waluta;Status zamówienia\n"
        "Z/1;05.01.2026 10:30;Anna;a@x.pl;1 016,67;1 250,50;PLN;Wysłane\n"
        "Z/2;16.01.2026 11:30;Jan;b@x.pl;36,59;45,00;PLN;Anulowane\n"
        "Razem;;;;1 053,26;1 295,50;;\n",
        {("order_completed", "PLN"): 125050},
    ),
    "Swedish": (
        "Ordernr;Orderdatum;Kundnr;Kundnamn;E-post;Summa inkl. moms;Valuta;Orderstatus\n"
        "77;2026-01-05 10:30;1;Anna;a@x.se;1 250,50 kr;SEK;Skickad\n"
        "78;2026-01-16 11:30;2;Jan;b@x.se;45,00 kr;SEK;Makulerad\n"
        "Summa;;;;;1 295,50 kr;;\n",
        {("order_completed", "SEK"): 125050},
    ),
    "Japanese": (
        "注文番号,注文日時,顧客ID,商品名,数量,合計金額,ステータス,通貨\n"
        '100,2026/01/05 10:30,1,茶,2,"1,000",発送済み,JPY\n101,2026/01/16 11:30,2,皿,1,"1,500",キャンセル,JPY\n'
        '合計,,,,,"2,500",,\n',
        {("order_completed", "JPY"): 1000},
    ),
    "Turkish": (
        "Sipariş No;Sipariş Tarihi;Müşteri;E-posta;Toplam Tutar;Para Birimi;Sipariş Durumu\n"
        "1;05.01.2026 10:30;Ayşe;a@x.tr;1.250,50 TL;TRY;Teslim edildi\n"
        "2;16.01.2026 11:30;Can;b@x.tr;45,00 TL;TRY;İptal edildi\n",
        {("order_completed", "TRY"): 125050},
    ),
}


@pytest.mark.parametrize("language", SHOPS)
def test_a_shop_of_any_of_these_languages_comes_in_by_its_guess(language: str, tmp_path: Path) -> None:
    text, expected = SHOPS[language]
    rows, rejects, skipped, told = read(text, tmp_path)
    assert money(rows) == expected
    assert len(rows) + skipped + sum(rejects.values()) == text.count("\n") - 1
    # Who sums up is a reject, and told.
    assert set(rejects) <= {"no_customer", "summary_row"}
    assert all(row["order_id"] for row in rows)
    assert "order_id = " in told


def test_who_says_nothing_is_told_which_columns_are_likely(tmp_path: Path) -> None:
    text, _ = SHOPS["French"]
    with pytest.raises(InputProblem) as caught:
        prepare(io.BytesIO(text.encode()), Mapping(), as_arrived=True, workdir=tmp_path, now=NOW)
    assert "--map 'customer_id=Adresse e-mail' --map 'occurred_at=Date de commande'" in str(caught.value)
    assert "--map 'amount=Montant TTC' --map 'order_id=N° commande'" in str(caught.value)


def test_what_holds_the_tax_is_the_amount_and_no_tax_is(tmp_path: Path) -> None:
    names = ["Order Total (inc tax)", "Order Total (ex tax)", "Subtotal (inc tax)", "Tax Total", "Total Orders",
             "Refund Amount", "Shipping Total", "Total Quantity", "Balance Due", "Discount Total"]  # fmt: skip
    ranks = {name: rank_of("amount", plain(name)) for name in names}
    told = sorted(names, key=lambda name: 99 if ranks[name] is None else ranks[name] or 0)
    assert told[0] == "Order Total (inc tax)"
    assert {name for name in names if ranks[name] is None} == set(names[3:])
    assert plain("Fecha del pedido") == "fechapedido"
    assert plain("N° commande") == plain("Nº commande") == plain("# commande") == "nrcommande"


CONTRACTS = {
    "Vertragsliste Stand 01.10.2026;;;;;;\n;;;;;;\n"
    "Kundennummer;Name;Vertragsbeginn;Laufzeit;Kündigung zum;Monatsbeitrag;Status\n"
    "1;Anna;01.03.2024;24 Monate;;29,90;aktiv\n2;Bob;15.06.2023;12 Monate;14.06.2025;49,90;gekündigt\n"
    "3;Cy;15.06.2023;12 Monate;31.12.2028;49,90;gekündigt\nSumme;;;;;129,70;\n": ("24 months", 2990),
    "Mitgliedsnr;Vorname;Beginn;Ende;Beitrag\n1;Anna;01.03.2024;;29,90 €\n2;Bob;15.06.2023;14.06.2025;49,90 €\n"
    "3;Cy;15.06.2023;31.12.2028;49,90 €\n": (None, 2990),
    "Nº cliente;Nombre;Fecha de alta;Fecha de baja;Cuota mensual;Estado\n1;Ana;01/03/2024;;29,90 €;Activo\n"
    "2;Luis;15/06/2023;14/06/2025;19,90 €;Baja\n3;Eva;15/06/2023;31/12/2028;19,90 €;Activo\n": (None, 2990),
    "Numéro client;Nom;Date de début;Date de fin;Durée;Mensualité;Statut\n"
    "1;Anne;01/03/2024;28/02/2025;12 mois;29,90 €;Actif\n2;Luc;15/06/2023;14/06/2025;12 mois;19,90 €;Résilié\n"
    "3;Zoé;15/06/2023;31/12/2028;12 mois;19,90 €;Actif\n": ("12 months", 2990),
    "Lidnummer,Naam,Ingangsdatum,Einddatum,Maandbedrag\n1,Anne,2024-03-01,,29.90\n2,Jan,2023-06-15,2025-06-14,19.90\n"
    "3,Eva,2023-06-15,2028-12-31,19.90\n": (None, 2990),
    "Policyholder ID,Inception Date,Expiry Date,Annual Premium,Policy Status,Cancellation Date\n"
    "1,2024-03-01,2025-02-28,29.90,In Force,\n2,2023-06-15,2028-06-14,300.00,Cancelled,2025-06-14\n"
    "3,2023-06-15,2028-12-31,820.50,In Force,\n": (None, 2990),
}  # fmt: skip


@pytest.mark.parametrize(
    ("fee", "currency"),
    [
        ("Monatsbeitrag (EUR)", "EUR"),
        ("Beitrag EUR", "EUR"),
        ("Monthly Fee [USD]", "USD"),
        ("Cotisation mensuelle (CHF)", "CHF"),
        ("Beitrag in €", None),
    ],
)
def test_a_fee_is_one_whatever_it_says_of_its_currency(fee: str, currency: str | None, tmp_path: Path) -> None:
    text = f"Kundennummer;Vertragsbeginn;Laufzeit;{fee}\n1;01.03.2024;24 Monate;1.029,90\n2;15.06.2023;12 Monate;9,90\n"
    rows, _, _, told = read(text, tmp_path)
    assert [row["amount_minor"] for row in rows if row["kind"] == "bill_paid"] == [102990, 990]
    assert ("\ncurrency = " in told) == (currency is not None)
    assert currency is None or f'currency = "{currency}"' in told


@pytest.mark.parametrize("text", CONTRACTS)
def test_a_table_of_contracts_becomes_what_it_implies(text: str, tmp_path: Path) -> None:
    """The first goes on, also where its first term is over; the second ended; the third ends later."""
    period, fee = CONTRACTS[text]
    rows, rejects, _, told = read(text, tmp_path)
    assert "[snapshot]" in told
    kinds = Counter((row["customer_id"], row["kind"]) for row in rows)
    assert kinds == {
        **{(each, kind): 1 for each in "123" for kind in ("contract_signed", "bill_paid")},
        ("2", "contract_terminated"): 1,
    }
    assert [row["amount_minor"] for row in rows if (row["customer_id"], row["kind"]) == ("1", "bill_paid")] == [fee]
    day = 86_400_000
    paid = {row["customer_id"]: row["occurred_at"] for row in rows if row["kind"] == "bill_paid"}
    assert paid["1"] == paid["3"] == NOW // day * day
    # 2025-06-14
    assert paid["2"] == 1_749_859_200_000
    assert map_of(rows[0]["properties"]).get("period") == period
    assert set(rejects) <= {"no_time", "summary_row"}


def test_a_kind_is_taken_from_words_that_mean_one(tmp_path: Path) -> None:
    text = (
        "id,invoice_number,account_code,transaction_type,status,amount,currency,date\n"
        "t1,1,acc1,purchase,success,29.00,USD,2026-01-03T10:00:00Z\n"
        "t2,2,acc2,purchase,declined,29.00,USD,2026-01-04T10:00:00Z\n"
        "t3,1,acc1,refund,success,29.00,USD,2026-01-10T10:00:00Z\n"
        "t4,3,acc3,purchase,void,59.00,USD,2026-01-12T10:00:00Z\n"
    )
    rows, rejects, skipped, told = read(text, tmp_path)
    assert money(rows) == {("order_completed", "USD"): 2900, ("order_refunded", "USD"): 2900}
    assert ({row["customer_id"] for row in rows}, rejects, skipped) == ({"acc1"}, {}, 2)
    assert 'kind = "transaction_type"' in told


def test_payments_of_invoices_are_not_counted_beside_them(tmp_path: Path) -> None:
    text = (
        "Date,Transaction Type,Num,Customer,Due Date,Amount,Currency\n"
        '01/05/2026,Invoice,1,Acme,02/04/2026,"1,100.00",USD\n'
        '01/25/2026,Credit Memo,2,Acme,,-50.00,USD\n02/10/2026,Payment,,Acme,,"-1,050.00",USD\nTOTAL,,,,,$0.00,\n'
    )
    rows, _, skipped, _ = read(text, tmp_path)
    assert money(rows) == {("order_completed", "USD"): 110000, ("order_refunded", "USD"): -5000}
    assert skipped == 2


def test_words_that_only_look_like_a_kind_are_asked_about(tmp_path: Path) -> None:
    text = "user,time,action\nann,2026-01-05,declined\nbob,2026-01-06,checked out\nann,2026-01-07,purchase\n"
    _, _, _, told = read(text, tmp_path)
    assert '"purchase" = "order_completed"' in told.splitlines()[-3] + told.splitlines()[-2] + told.splitlines()[-1]
    assert '\n"declined"' not in told
    assert '\n"checked out"' not in told


def test_a_status_of_nothing_but_cancelled_is_no_kind(tmp_path: Path) -> None:
    text = (
        "Sale Date,Order ID,Buyer User ID,Currency,Order Total,Status\n2026-01-05,1,ann,USD,59.00,\n"
        "2026-01-06,2,bob,USD,23.00,\n2026-01-07,3,ann,USD,25.00,Canceled\n"
    )
    rows, _, skipped, _ = read(text, tmp_path)
    assert (money(rows), skipped) == ({("order_completed", "USD"): 8200}, 1)


def test_rows_that_repeat_the_total_of_their_order_count_it_once(tmp_path: Path) -> None:
    text = (
        "Order number,Date created,Time,Contact email,SKU,Qty,Price,Shipping,Total tax,Total,Currency,Payment status\n"
        '1,"Jan 5, 2026",3:45:10 PM,a@x.com,M1,1,20.00,5.00,2.00,47.00,USD,Paid\n'
        '1,"Jan 5, 2026",3:45:10 PM,a@x.com,C1,1,20.00,5.00,2.00,47.00,USD,Paid\n'
        '2,"Feb 6, 2026",9:05:00 AM,b@x.com,M1,1,20.00,5.00,2.00,27.00,USD,Unpaid\n'
    )
    rows, _, skipped, told = read(text, tmp_path)
    assert 'order_amount = "total"' in told
    assert (money(rows), skipped) == ({("order_completed", "USD"): 4700}, 1)
    # 2026-01-05 15:45:10
    assert [row["occurred_at"] for row in rows] == [1_767_627_910_000]


def test_amounts_of_lines_are_added_up(tmp_path: Path) -> None:
    text = (
        "Sale ID,Date,Customer ID,SKU,Qty,Price,Total,Currency\n1,2026-01-05,C1,B1,1,500.00,500.00,USD\n"
        "1,2026-01-05,C1,B2,2,250.00,500.00,USD\n2,2026-01-06,C1,B2,-1,10.00,-10.00,USD\nTotal,,,,2,,990.00,\n"
    )
    rows, rejects, _, told = read(text, tmp_path)
    assert "order_amount" not in told
    assert (money(rows), rejects) == ({("order_completed", "USD"): 99000}, {"no_customer": 1})


def test_what_only_the_first_row_of_an_order_says_is_filled_down(tmp_path: Path) -> None:
    text = (
        "Order ID,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem price,Lineitem sku\n"
        "1,a@x.com,PAID,USD,50.00,2026-01-05 10:00:00 -0500,1,20.00,S1\n1,a@x.com,,,,,2,15.00,S2\n"
        "2,b@x.com,REFUNDED,USD,40.00,2026-01-06 10:00:00 -0500,1,20.00,S1\n2,b@x.com,,,,,1,20.00,S2\n"
        "3,a@x.com,PAID,USD,15.00,2026-02-06 10:00:00 -0500,1,15.00,S2\n"
    )
    rows, rejects, skipped, _ = read(text, tmp_path)
    assert (money(rows), rejects, skipped) == ({("order_completed", "USD"): 6500}, {}, 2)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Customer ID,First Order Date,Last Order Date,Total Orders,Total Spent\n1,2025-01-05,2026-01-05,5,500.00\n",
         "sums over all orders"),
        ("Customer,Plan,Jan 2026,Feb 2026,Mar 2026\nAcme,Pro,100,100,150\n", "columns of months"),
    ],
)  # fmt: skip
def test_what_holds_no_events_is_not_made_any(text: str, hint: str, tmp_path: Path) -> None:
    told = guessed(io.BytesIO(text.encode()), Mapping(), tmp_path, KNOWN)
    assert hint in told
    assert "\nkind = " not in told


@pytest.mark.parametrize(
    ("text", "kind", "scores"),
    [
        ("Conversation #,Customer Email,Created,Rating\n1,a@x.com,2026-01-05,Great\n2,b@x.com,2026-01-07,Not Good\n"
         "3,a@x.com,2026-01-08,Odd\n", "support_ticket_opened", [5.0, 1.0, None]),
        ("Review Id,Review Created (UTC),Review Consumer User Id,Review Stars\nr1,2026-01-05 10:00:00,u1,5\n",
         "product_reviewed", [5.0]),
        ("Response ID,Submitted at,Respondent email,How likely are you to recommend us?\n1,2026-01-05,a@x.com,9\n",
         "survey_answered", [4.6]),
    ],
)  # fmt: skip
def test_how_satisfied_somebody_is_in_words_and_numbers(
    text: str, kind: str, scores: list[float], tmp_path: Path
) -> None:
    rows, rejects, _, _ = read(text, tmp_path)
    assert [(row["kind"], row["satisfaction"]) for row in rows] == [(kind, score) for score in scores]
    assert rejects == {}


def test_what_all_columns_begin_with_is_no_part_of_their_names(tmp_path: Path) -> None:
    text = (
        "Deal - ID,Deal - Value,Deal - Currency of Value,Deal - Organization,Deal - Status,Deal - Deal created\n"
        "1,1000,EUR,Acme,Won,2026-01-05 10:00:00\n2,500,EUR,Bolt,Lost,2026-01-06 10:00:00\n"
        "3,700,EUR,Cora,Open,2026-01-07 10:00:00\n"
    )
    rows, _, _, _ = read(text, tmp_path)
    assert money(rows)["order_completed", "EUR"] == 100000
    assert {row["kind"] for row in rows} == {"order_completed", "lost", "open"}


def test_a_ready_mapping_is_named_where_it_fits(tmp_path: Path) -> None:
    text = (
        "Number,Created,Arrival,Departure,Status,Email,Origin,Total amount,Currency\n"
        "1,2026-01-02,2026-02-01,2026-02-03,Checked out,a@x.com,Direct,300.00,EUR\n"
    )
    assert "--as hotel" in guessed(io.BytesIO(text.encode()), Mapping(), tmp_path, KNOWN)
    generic = "order_id,date,customer,amount,currency,status\n1,2026-01-02,ann,3.00,EUR,paid\n"
    assert "--as" not in guessed(io.BytesIO(generic.encode()), Mapping(), tmp_path, KNOWN)


def test_what_was_given_back_of_an_order_is_a_touchpoint_beside_it(tmp_path: Path) -> None:
    text = (
        "Order ID,Customer ID,Order Date,Order Status,Order Total (inc tax),Tax Total,Order Currency Code,"
        "Refund Amount\n"
        "1,11,01/15/2026,Completed,125.00,20.00,USD,25.00\n2,12,01/17/2026,Cancelled,65.00,10.00,USD,0.00\n"
        "3,11,02/20/2026,Refunded,30.00,5.00,USD,30.00\n4,13,02/22/2026,Shipped,85.00,13.33,USD,0.00\n"
    )
    rows, rejects, skipped, _ = read(text, tmp_path)
    assert money(rows) == {("order_completed", "USD"): 24000, ("order_refunded", "USD"): 5500}
    assert (rejects, skipped) == ({}, 1)


@pytest.mark.parametrize(
    ("name", "text", "minor"),
    [("total_cents", "1250", 1250), ("Umsatz in TEUR", "12.5", 1250000), ("Revenue (kUSD)", "1.25", 125000)],
)
def test_what_an_amount_counts_is_told_by_its_name(name: str, text: str, minor: int, tmp_path: Path) -> None:
    rows, _, _, told = read(f"order_id,customer,created_at,{name}\n1,ann,2026-01-05,{text}\n", tmp_path)
    assert [row["amount_minor"] for row in rows] == [minor]
    assert "does it?" in told


def test_days_as_spreadsheets_count_them_are_such_in_a_column_of_days(tmp_path: Path) -> None:
    rows, _, _, told = read("Kunde;Belegdatum;Betrag\nann;46027;10,50\nbob;46035;11,50\n", tmp_path)
    assert 'time_format = "excel"' in told
    # 2026-01-05
    assert [row["occurred_at"] for row in rows] == [1_767_571_200_000, 1_768_262_400_000]


def test_dates_are_read_as_rows_that_are_left_out_say(tmp_path: Path) -> None:
    text = "order,date,customer,amount,status\n1,05/01/2026,ann,10.00,paid\n2,16/01/2026,bob,20.00,cancelled\n"
    rows, _, skipped, told = read(text, tmp_path)
    assert 'time_format = "%d/%m/%Y"' in told
    assert ([row["occurred_at"] for row in rows], skipped) == ([1_767_571_200_000], 1)


def test_a_footer_is_not_filled_down(tmp_path: Path) -> None:
    text = (
        "Datum;Uhrzeit;Bonnr.;Kundenkarte;Umsatz brutto\n05.01.2026;10:05;1;K1;19,90\n05.01.2026;10:25;2;;5,50\n"
        "16.01.2026;11:25;3;K2;-5,50\nGesamt;;3;;19,90\n"
    )
    rows, rejects, _, told = read(text, tmp_path)
    assert "fill" not in told
    assert ([row["amount_minor"] for row in rows], rejects) == ([1990, -550], {"no_customer": 2})


def test_a_flag_of_refunds_is_no_amount_of_them(tmp_path: Path) -> None:
    text = (
        "Purchase ID,Purchase Email,Purchase Date,Subtotal,Sale Price,Currency,Refunded?,Fully Refunded?\n"
        "1,a@x.com,2026-01-05,10.00,12.00,USD,0,0\n2,b@x.com,2026-01-16,10.00,12.00,USD,1,1\n"
    )
    rows, _, skipped, _ = read(text, tmp_path)
    assert (money(rows), skipped) == ({("order_completed", "USD"): 1200}, 1)


def test_a_mapping_may_name_a_policy_of_relasi_and_no_other() -> None:
    assert mapping_of('policy = "telecom"', "m.toml").policy == "telecom"
    with pytest.raises(MappingProblem, match="policy: expected one of commerce"):
        mapping_of('policy = "nope"', "m.toml")

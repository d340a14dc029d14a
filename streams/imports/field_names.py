"""What exports call the fields of a touchpoint, for a first guess."""

from typing import Final

NAMES: Final = {
    "event_id": "event_id message_id trans_id uuid event_uuid insert_id transaction_id review_id",
    "customer_id": "customer_id customer client_id client user_id user uid member_id household_key household_id "
        "account_id account_no contact_id requester_id email e_mail email_address "
        "mail kunde kundennummer kunden_nr buyer_email guest_name "
        "customer_email msisdn phone subscriber_id cust_id customer_no customer_number guest_id "
        "patient_id reviewer_id",
    "anonymous_id": "anonymous_id visitor_id visitor device_id cookie_id user_pseudo_id "
        "session_id distinct_id",
    "occurred_at": "occurred_at timestamp event_timestamp event_time datetime date_time created_at "
        "created date order_date invoice_date purchase_date paid_at "
        "datum fecha booking_date buchungstag transaction_date transaction_dt trans_date review_date "
        "purchased_at ordered_at booked booked_on booked_at time day when start_date",
    "kind": "kind event event_name eventname event_type metric_name type action activity status stage",
    "amount": "amount total total_amount order_total grand_total revenue sales price_total betrag "
        "summe umsatz importe total_price value paid payment net_amount "
        "gross_amount sales_value sale_amount sales_amount order_value order_amount net_sales gross_sales "
        "total_sales earnings gross_earnings item_total line_total "
        "line_amount extended_price gesamtpreis gesamtbetrag montant",
    "currency": "currency currency_code ccy waehrung wahrung moneda devise",
    "order_id": "order_id order order_no order_number invoice invoice_no invoice_number invoice_id basket_id "
        "receipt_id receipt_no receipt transaction_id bestellnummer bestellung auftragsnummer "
        "rechnung rechnungsnummer rechnungsnr belegnummer belegnr facture factura",
    "channel": "channel source medium utm_source store shop kanal",
    "campaign": "campaign utm_campaign campaign_name",
    "satisfaction": "satisfaction satisfaction_score csat rating review_score star_rating score stars overall nps",
    "agent_id": "agent_id agent assignee owner sales_agent seller",
    "sku": "sku stockcode stock_code item_id product_id article article_no lineitem_sku artikel",
    "category": "category product_category product_type line_category",
    "quantity": "quantity qty menge units lineitem_quantity anzahl",
    "price": "price unit_price unitprice lineitem_price einzelpreis unit_amount",
    "properties.discount": "discount discount_amount rabatt",
    "properties.reason": "reason refund_reason return_reason",
}  # fmt: skip
LAST: Final = {
    "amount": "subtotal item_price price unit_price",
    "customer_id": "buyer guest account reviewer author display_name name id",
    "order_id": "name",
}
"""Names that are looked for last, since they may be of anything."""
ADDRESSES: Final = ("email", "e_mail", "email_address", "mail", "customer_email")
"""Of the names of customers those that are rather meant than a person's name, which two may have."""
UNIT_PRICES: Final = (
    "price", "unit_price", "unitprice", "lineitem_price", "einzelpreis", "unit_amount", "prix_unitaire",
    "precio_unitario", "prezzo_unitario", "preco_unitario", "stukprijs", "cena_jednostkowa", "styckpris",
)  # fmt: skip
"""Of the names of amounts those that are of one piece where a row also has a quantity."""
TIMES_OF_DAY: Final = (
    "time", "order_time", "time_of_day", "event_time", "purchase_time", "sale_time", "uhrzeit", "zeit", "heure", "hora",
    "ora", "tijd", "godzina", "tid", "heure_commande", "hora_pedido", "class_time",
)  # fmt: skip
"""Names of columns that hold the time of day, where another holds the date."""
ZONES: Final = ("time_zone", "timezone", "zone", "tz", "utc_offset", "zeitzone")
"""And of those that name its zone."""

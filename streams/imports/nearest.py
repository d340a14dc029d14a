"""The kinds of a policy that come nearest to one that it does not name."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

_MEANT: Final = {
    "order_completed": "purchase purchased sale sold bought buy order ordered order_placed placed_order order_created "
    "order_paid paid_order checkout checkout_completed transaction payment payment_succeeded charge invoice_paid won "
    "capture captured closed_won deal_won gewonnen "
    "paid completed complete fulfilled card_payment direct_debit pos_purchase booking_paid sale_completed "
    "delivered shipped order_delivered order_shipped bezahlt bestellung kauf achat commande vente compra pedido "
    "invoice rechnung facture factura fattura vendita venta venda zakup verkauf billed bought_items pos_sale",
    "order_refunded": "refund refunded charge_refunded chargeback credit_note credit money_back card_refund erstattung "
    "gutschrift remboursement avoir reembolso rimborso credit_memo creditnote refund_order refunded_order "
    "rueckerstattung nota_de_credito nota_di_credito note_de_credit creditnota kreditnota korekta rueckzahlung "
    "rechnungskorrektur stornorechnung",
    "order_cancelled": "cancel cancelled canceled void voided order_canceled storno stornierung annulation cancelado",
    "return_requested": "return returned",
    "account_created": "signup sign_up signed_up register registered registration new_customer user_created",
    "signed_in": "login log_in logged_in",
    "account_deleted": "delete_account account_closed churned left",
    "page_viewed": "pageview page_view page view visit visited session session_start screen screen_view",
    "product_viewed": "view_item product_view viewed_product",
    "product_added": "add_to_cart added_to_cart addtocart cart",
    "product_removed": "remove_from_cart removed_from_cart removefromcart",
    "wishlist_product_added": "add_to_wishlist wishlist favorite favourite fav",
    "products_searched": "search searched view_search_results",
    "payment_info_entered": "add_payment_info",
    "checkout_started": "begin_checkout checkout_begun",
    "subscription_started": "subscribe subscribed contract contract_signed",
    "subscription_cancelled": "unsubscribe_plan subscription_canceled contract_ended cancellation",
    "support_ticket_opened": "ticket ticket_created ticket_opened complaint case support_request enquiry inquiry",
    "support_ticket_resolved": "ticket_solved ticket_closed solved resolved case_closed",
    "email_delivered": "email email_sent mail newsletter_sent received_email sent_email",
    "email_opened": "open opened email_open opened_email",
    "email_link_clicked": "click clicked email_click email_clicked clicked_email",
    "email_bounced": "bounce bounced hard_bounce soft_bounce bounced_email",
    "unsubscribed": "unsubscribe unsub opt_out opted_out",
    "survey_answered": "survey nps feedback rating",
    "product_reviewed": "review reviewed",
}
_WORDS: Final = {word: kind for kind, words in _MEANT.items() for word in words.split()}
_BILLS: Final = frozenset((
    "invoice", "credit_note", "credit_memo", "refund", "purchase", "sale", "rechnung", "gutschrift", "facture",
    "factura", "fattura",
))  # fmt: skip
_NO_BILL: Final = frozenset((
    "no", "not", "failed", "void", "voided", "draft", "cancelled", "canceled", "declined", "unpaid", "pending",
    "proforma",
))  # fmt: skip
STATES: Final = frozenset(("open", "opened", "new", "closed", "solved", "resolved", "left", "visited"))
"""In which something is: beside amounts or tickets they say of no event what it was."""
_MOST: Final = 3
_LIKENESS: Final = 0.6


def meant_kind(kind: str) -> str | None:
    """What a word commonly means; of bills and what takes them back also behind other words (``sales_invoice``)."""
    if kind in _WORDS:
        return _WORDS[kind]
    words = kind.split("_")
    bill = next((text for i in range(1, len(words)) if (text := "_".join(words[i:])) in _BILLS), None)
    return _WORDS[bill] if bill is not None and not _NO_BILL.intersection(words) else None


def nearest_kinds(kind: str, known: Collection[str], beside: str | None = None) -> list[str]:
    """Up to three of the ``known`` kinds: what the word commonly means first (``beside`` others), then those spelled
    alike."""
    meant = beside or meant_kind(kind)
    first = [meant] if meant is not None and meant in known else []
    alike = get_close_matches(kind, sorted(known), _MOST, _LIKENESS)
    shared = [other for other in sorted(known) if set(other.split("_")) & set(kind.split("_"))]
    found: list[str] = list(dict.fromkeys([*first, *alike, *shared]))
    return found[:_MOST]

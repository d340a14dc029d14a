"""Names of events to kinds: those of the published vocabularies need no configuration.

Sources: Segment's specs "Ecommerce", "Email", "B2B SaaS", "Live Chat", "Mobile", "Native Mobile Spec", the names that
the e-commerce spec had in its first version, and Google's "Recommended events" of GA4. Most are past tense as they
stand and become kinds by their letters alone; here is what the policies call by another name.
"""

from functools import lru_cache
from typing import Final

from streams.imports.kinds import kind_of

IDENTIFIED: Final = "identified"
PAGE_VIEWED: Final = "page_viewed"
SCREEN_VIEWED: Final = "screen_viewed"
GROUP_JOINED: Final = "group_joined"

KIND_OF_TYPE: Final = {
    "identify": IDENTIFIED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
    "group": GROUP_JOINED,
}
"""The kinds of what has no name of an event."""

_RENAMED: Final = {
    "product_added_to_wishlist": "wishlist_product_added",
    "product_removed_from_wishlist": "wishlist_product_removed",
    "wishlist_product_added_to_cart": "product_added",
    "live_chat_conversation_started": "live_chat_started",
    "live_chat_conversation_ended": "live_chat_ended",
    "signed_up": "account_created",
    "email_unsubscribed": "unsubscribed",
    "unsubscribed_from_email": "unsubscribed",
    "order_canceled": "order_cancelled",
    "subscription_canceled": "subscription_cancelled",
    "cart_shared": "product_shared",
    # The first version of the e-commerce spec named the verb first.
    "viewed_product_category": "product_list_viewed",
    "viewed_product_list": "product_list_viewed",
    "viewed_product": "product_viewed",
    "searched_products": "products_searched",
    "clicked_product": "product_clicked",
    "added_product": "product_added",
    "removed_product": "product_removed",
    "added_product_to_wishlist": "wishlist_product_added",
    "viewed_cart": "cart_viewed",
    "started_checkout": "checkout_started",
    "started_order": "checkout_started",
    "viewed_checkout_step": "checkout_step_viewed",
    "completed_checkout_step": "checkout_step_completed",
    "entered_payment_info": "payment_info_entered",
    "completed_order": "order_completed",
    "updated_order": "order_updated",
    "refunded_order": "order_refunded",
    "cancelled_order": "order_cancelled",
    "viewed_promotion": "promotion_viewed",
    "clicked_promotion": "promotion_clicked",
    "entered_coupon": "coupon_entered",
    "applied_coupon": "coupon_applied",
    "denied_coupon": "coupon_denied",
    "shared_product": "product_shared",
    "reviewed_product": "product_reviewed",
    # A page or a screen that is tracked by hand.
    "viewed_page": PAGE_VIEWED,
    "viewed_screen": SCREEN_VIEWED,
    # Google's recommended events of GA4, as they are called by people who had that first.
    "purchase": "order_completed",
    "in_app_purchase": "order_completed",
    "refund": "order_refunded",
    "page_view": PAGE_VIEWED,
    "screen_view": SCREEN_VIEWED,
    "view_item": "product_viewed",
    "view_item_list": "product_list_viewed",
    "select_item": "product_clicked",
    "view_search_results": "products_searched",
    "search": "products_searched",
    "add_to_cart": "product_added",
    "remove_from_cart": "product_removed",
    "view_cart": "cart_viewed",
    "add_to_wishlist": "wishlist_product_added",
    "begin_checkout": "checkout_started",
    "add_payment_info": "payment_info_entered",
    "view_promotion": "promotion_viewed",
    "select_promotion": "promotion_clicked",
    "sign_up": "account_created",
    "login": "signed_in",
    "share": "product_shared",
}


@lru_cache(maxsize=4096)
def kind_of_event(name: str) -> str:
    """The kind that an event of this name has; empty where it has no letter or digit."""
    kind = kind_of(name)
    return _RENAMED.get(kind, kind)

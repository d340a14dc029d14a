"""A touchpoint as the model sees it."""

from typing import NamedTuple

import numpy as np

from processors.row.layout import NONE


class Contact(NamedTuple):
    """What one touchpoint says. Money in minor units of the policy's currency."""

    at: int  # occurred_at, ms
    flags: int  # meaning of the kind; PURCHASE only where the amount counts as one
    weight: float  # engagement
    amount_minor: int
    event: np.uint64  # hash of the event id
    category: int = 0  # index of rules.CATEGORIES
    bond: int = 0  # index of rules.BONDS
    bond_weight: float = 0.0
    trust: int = -1  # index of rules.TRUST_FACTORS; -1: none
    trust_sign: int = 0
    cost_minor: int = 0
    margin_minor: int = 0  # of a purchase
    discount_minor: int = 0
    order: np.uint64 = np.uint64(0)  # XXH64 of the order id; 0: none
    satisfaction: float = np.nan
    term_until: int = NONE  # how long what it opens or renews binds, see processors.row.terms
    varieties: np.uint64 = np.uint64(0)  # of a purchase: a bit for each category, or article where none is told

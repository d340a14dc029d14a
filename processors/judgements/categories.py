"""The six kinds of relationship: which one a customer has, and which one fits.

The six after A. Osterwalder & Y. Pigneur, "Business Model Generation", 2010, customer relationships.
"""

from typing import Final

from processors.compiled import compiled_leaf
from processors.policy.rules import Rules
from processors.row.layout import NONE, Row
from processors.row.sums import SUM_MIX

PERSONAL: Final = 1  # as rules.CATEGORIES
DEDICATED: Final = 2
SELF_SERVICE: Final = 3
AUTOMATED: Final = 4
COMMUNITY: Final = 5
CO_CREATION: Final = 6
CATEGORY_COUNT: Final = 6
CATEGORY_NOT_KNOWN: Final = 7

# Why a category is recommended; self-service has two reasons.
RECOMMENDATIONS: Final = (
    "",
    "questions and problems are frequent, and the margin pays for people",
    "of high value, and in two-way contact",
    "the margin is thin",
    "much is known, and contact is scarce",
    "gives more than it takes, in the community",
    "gives more than it takes, by creating",
    "the margin does not pay for the contact given",
    "nothing is known but purchases or a passing visit",
)
UNPAID: Final = 7
UNKNOWN_NEEDS: Final = 8
_SOUGHT: Final = 3  # contacts that tell how somebody who has not bought likes to be served; one look does not


@compiled_leaf
def _is_known(row: Row) -> bool:
    """Whether there is anything to go by: data given, on record, something given, or contact that the customer sought.

    That somebody bought, or passed by, says nothing of how to serve them.
    """
    return bool(
        row.disclosures > 0
        or row.last_record_at != NONE
        or row.last_contribution_at != NONE
        or row.two_way > 0
        or row.chosen >= (1 if row.purchases > 0 else _SOUGHT)
    )


@compiled_leaf
def mix_of(row: Row, category: int) -> float:
    """Faded contacts of a category, as of the row's ``last_at``."""
    return float(row.sums[SUM_MIX + category])


@compiled_leaf
def observed_category(row: Row) -> int:
    """The category with most of the faded contact, the first where two have as much; 0: there was none."""
    found, most = 0, 0.0
    for category in range(1, CATEGORY_COUNT + 1):
        contacts = mix_of(row, category)
        if contacts > most:
            found, most = category, contacts
    return found


@compiled_leaf
def recommended_category(row: Row, rules: Rules, is_high: bool, is_communal: bool, often: bool) -> tuple[int, int]:
    """(category, why: an index of RECOMMENDATIONS). ``often``: whether there is two-way contact often enough."""
    if is_high and often:
        return DEDICATED, DEDICATED
    if is_communal:
        category = CO_CREATION if mix_of(row, CO_CREATION) > mix_of(row, COMMUNITY) else COMMUNITY
        return category, category
    # Marketing serves nobody who buys; with somebody who never did it is all that there is.
    cost = row.cost_minor - (row.marketing_minor if row.purchases > 0 else 0)
    paid = row.margin_minor >= cost
    if often and paid:
        return PERSONAL, PERSONAL
    amounts = row.spend_minor - row.refunded_minor
    if amounts > 0 and row.margin_minor < rules.thin_margin * amounts:
        return SELF_SERVICE, SELF_SERVICE
    if not paid:
        return SELF_SERVICE, UNPAID
    if rules.version > 1 and not _is_known(row):
        return CATEGORY_NOT_KNOWN, UNKNOWN_NEEDS
    return AUTOMATED, AUTOMATED

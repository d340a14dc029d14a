"""Slots: where the decoder puts the fields of the log's records. One table of slots serves every type of record.

Those of a touchpoint follow the list of its fields; the ones that the engine reads have names here.
"""

from typing import Final

from schemas.fields import FIELDS, slots_of

TOUCHPOINT_SLOTS: Final = slots_of(FIELDS)
SLOTS: Final = len(TOUCHPOINT_SLOTS)

EVENT_ID: Final = TOUCHPOINT_SLOTS["event_id"]
CUSTOMER_ID: Final = TOUCHPOINT_SLOTS["customer_id"]
ANONYMOUS_ID: Final = TOUCHPOINT_SLOTS["anonymous_id"]
OCCURRED_AT: Final = TOUCHPOINT_SLOTS["occurred_at"]
RECEIVED_AT: Final = TOUCHPOINT_SLOTS["received_at"]
KIND: Final = TOUCHPOINT_SLOTS["kind"]
CHANNEL: Final = TOUCHPOINT_SLOTS["channel"]
AMOUNT_MINOR: Final = TOUCHPOINT_SLOTS["amount_minor"]
CURRENCY: Final = TOUCHPOINT_SLOTS["currency"]
COST_MINOR: Final = TOUCHPOINT_SLOTS["cost_minor"]
MARGIN_MINOR: Final = TOUCHPOINT_SLOTS["margin_minor"]
ORDER_ID: Final = TOUCHPOINT_SLOTS["order_id"]
LINES: Final = TOUCHPOINT_SLOTS["lines"]
SATISFACTION: Final = TOUCHPOINT_SLOTS["satisfaction"]
PROPERTIES: Final = TOUCHPOINT_SLOTS["properties"]
IMPORT_ID: Final = TOUCHPOINT_SLOTS["import_id"]
KNOWN: Final = TOUCHPOINT_SLOTS["known"]
IS_ACCOUNT: Final = TOUCHPOINT_SLOTS["is_account"]
TICK_AT: Final = 0

POLICY_TEXT: Final = 0
POLICY_HASH: Final = 1

LINK_FROM: Final = 0
LINK_INTO: Final = 1
LINK_AT: Final = 2
LINK_FROM_ANONYMOUS: Final = 3
LINK_TRUSTED: Final = 4

MERGE_ID: Final = 0
MERGE_FROM: Final = 1
MERGE_INTO: Final = 2
MERGE_AT: Final = 3
MERGE_ROW: Final = 4

FORWARD_FIELDS: Final = (
    "partition",
    "offset",
    "ordinal",
    "edition",
    "what",
    "at",
    "from",
    "from_space",
    "into",
    "into_space",
    "made_by",
    "trusted",
    "body",
)
(
    FORWARD_PARTITION,
    FORWARD_OFFSET,
    FORWARD_ORDINAL,
    FORWARD_EDITION,
    FORWARD_WHAT,
    FORWARD_AT,
    FORWARD_FROM,
    FORWARD_FROM_SPACE,
    FORWARD_INTO,
    FORWARD_INTO_SPACE,
    FORWARD_BY,
    FORWARD_TRUSTED,
    FORWARD_BODY,
) = range(len(FORWARD_FIELDS))
FORWARD_SLOTS: Final[dict[str, int]] = {name: slot for slot, name in enumerate(FORWARD_FIELDS)}

TICK_SLOTS: Final[dict[str, int]] = {"at": TICK_AT}
POLICY_SLOTS: Final[dict[str, int]] = {"text": POLICY_TEXT, "hash": POLICY_HASH}
LINK_SLOTS: Final[dict[str, int]] = {
    "from": LINK_FROM,
    "into": LINK_INTO,
    "at": LINK_AT,
    "from_anonymous": LINK_FROM_ANONYMOUS,
    "trusted": LINK_TRUSTED,
}
MERGE_SLOTS: Final[dict[str, int]] = {
    "id": MERGE_ID,
    "from": MERGE_FROM,
    "into": MERGE_INTO,
    "at": MERGE_AT,
    "row": MERGE_ROW,
}

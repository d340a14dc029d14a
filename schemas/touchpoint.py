"""Slots: where the decoder puts the fields of the log's records. One table of slots serves every type of record."""

from typing import Final

EVENT_ID: Final = 0
CUSTOMER_ID: Final = 1
ANONYMOUS_ID: Final = 2
OCCURRED_AT: Final = 3
RECEIVED_AT: Final = 4
KIND: Final = 5
CHANNEL: Final = 6
AMOUNT_MINOR: Final = 7
CURRENCY: Final = 8
COST_MINOR: Final = 9
MARGIN_MINOR: Final = 10
CAMPAIGN: Final = 11
ORDER_ID: Final = 12
LINES: Final = 13
AGENT_ID: Final = 14
SATISFACTION: Final = 15
PROPERTIES: Final = 16
SLOTS: Final = 17

TICK_AT: Final = 0

POLICY_TEXT: Final = 0
POLICY_HASH: Final = 1

LINK_FROM: Final = 0
LINK_INTO: Final = 1
LINK_AT: Final = 2

MERGE_ID: Final = 0
MERGE_FROM: Final = 1
MERGE_INTO: Final = 2
MERGE_AT: Final = 3
MERGE_ROW: Final = 4

TOUCHPOINT_SLOTS: Final[dict[str, int]] = {
    "event_id": EVENT_ID,
    "customer_id": CUSTOMER_ID,
    "anonymous_id": ANONYMOUS_ID,
    "occurred_at": OCCURRED_AT,
    "received_at": RECEIVED_AT,
    "kind": KIND,
    "channel": CHANNEL,
    "amount_minor": AMOUNT_MINOR,
    "currency": CURRENCY,
    "cost_minor": COST_MINOR,
    "margin_minor": MARGIN_MINOR,
    "campaign": CAMPAIGN,
    "order_id": ORDER_ID,
    "lines": LINES,
    "agent_id": AGENT_ID,
    "satisfaction": SATISFACTION,
    "properties": PROPERTIES,
}
TICK_SLOTS: Final[dict[str, int]] = {"at": TICK_AT}
POLICY_SLOTS: Final[dict[str, int]] = {"text": POLICY_TEXT, "hash": POLICY_HASH}
LINK_SLOTS: Final[dict[str, int]] = {"from": LINK_FROM, "into": LINK_INTO, "at": LINK_AT}
MERGE_SLOTS: Final[dict[str, int]] = {
    "id": MERGE_ID,
    "from": MERGE_FROM,
    "into": MERGE_INTO,
    "at": MERGE_AT,
    "row": MERGE_ROW,
}

"""How long the fields of a touchpoint may be, in bytes of UTF-8 or of their Avro encoding, whoever sends it.

Without limits one valid event of three megabytes would be carried into every fact that names it as its evidence, and
end where a message of a topic has its own. Engine and imports refuse what is longer, in the same words.
"""

from typing import Final

from schemas.touchpoint import TOUCHPOINT_SLOTS

LONGEST: Final[dict[str, int]] = {
    "event_id": 255,
    "customer_id": 255,
    "anonymous_id": 255,
    "kind": 128,
    "channel": 128,
    "campaign": 128,
    "order_id": 128,
    "agent_id": 128,
    "import_id": 128,
    "currency": 3,
    "lines": 64 << 10,
    "properties": 32 << 10,
}
"""Field to bytes; lines and properties are meant together, in Avro's encoding."""

FIRST_CODE: Final = 64
"""A field's reason code is this and its slot; codes below are those of ``schemas.reasons`` and of the engine."""


def reason_of(field: str) -> str:
    """The reason of rejects for a field that is too long."""
    return f"long_{field}"


def detail_of(field: str) -> str:
    """The same in words."""
    encoded = " in Avro's encoding, all together" if field in ("lines", "properties") else ""
    return f"{field} is longer than {LONGEST[field]} bytes{encoded}"


LONG_REASONS: Final = {FIRST_CODE + TOUCHPOINT_SLOTS[field]: reason_of(field) for field in LONGEST}
LONG_DETAILS: Final = {FIRST_CODE + TOUCHPOINT_SLOTS[field]: detail_of(field) for field in LONGEST}

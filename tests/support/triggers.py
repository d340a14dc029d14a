"""Triggers as the topic has them."""

import hashlib
from typing import Any, Final

from schemas.registry import FileRegistry
from streams.delivery.trigger import Trigger, TriggerReader
from streams.log.messages import message

REGISTRY: Final = FileRegistry()
AT: Final = 1_796_013_231_000


def trigger_message(number: int = 0, **fields: Any) -> bytes:
    """One whose fields are as told; the id is made of its number."""
    value: dict[str, Any] = {
        "id": hashlib.md5(str(number).encode()).hexdigest(),
        "rule": "win_back",
        "customer_id": "13167",
        "at": AT + number,
        "known_at": AT + number,
        "transition_id": None,
        "stage": "dissolution",
        "from_stage": "commitment",
        "cause": "silence",
        "value_tier": "middle",
        "category": "automated_service",
        "next_step": "win_back_with_attention",
        "risk": 0.71,
        "expected_margin_minor": 11_732,
        "currency": "USD",
        "evidence_purchases": 50,
        "evidence_last_purchase_at": AT - 86_400_000,
        "policy_hash": "2ff8ef30",
        **fields,
    }
    return message(REGISTRY, "Trigger", value)


def trigger(number: int = 0, offset: int = 0, **fields: Any) -> Trigger:
    """The same, read."""
    return TriggerReader(REGISTRY).read(trigger_message(number, **fields), offset)

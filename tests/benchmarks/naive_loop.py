"""The loop that the engine is measured against: fastavro and dataclasses, doing the same work in plain Python.

Decode every field, find the customer, recognise retries, decay, count purchase days, judge the stage, compute when
silence ends the relationship, keep that in a heap, and let ticks end what is due. Facts are counted, not built.
"""

import heapq
import io
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import fastavro

from processors.policy.policy import Policy
from schemas.registry import FileRegistry

DAY_MS: Final = 86_400_000
_HALF_LIFE_MS: Final = 90 * DAY_MS
_INITIATIVE: Final = {
    "product_viewed": 0.3,
    "products_searched": 0.5,
    "product_added": 1.0,
    "order_completed": 3.0,
    "account_created": 2.0,
    "product_reviewed": 2.0,
}
_TIES: Final = {"account_created", "product_reviewed"}


@dataclass
class Customer:
    """What is known of one customer."""

    first_at: int = 2**63
    last_at: int = -1
    first_purchase_at: int = -1
    last_purchase_at: int = -1
    last_sign_at: int = -1
    last_tie_at: int = -1
    spend_minor: int = 0
    interaction: float = 0.0
    engagement: float = 0.0
    touchpoints: int = 0
    days: set[int] = field(default_factory=set)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=16))
    stage: str = "none"
    episode_at: int = -1
    due_at: int = 2**63


class NaiveLoop:
    """State of all customers; ``apply`` takes one record's value."""

    def __init__(self, policy: Policy) -> None:
        registry = FileRegistry()
        self._schemas = {i: fastavro.parse_schema(registry.schema(i)) for i in registry.ids()}
        self._tick = registry.id_of("Tick")
        self._rules = policy.rules
        self.customers: dict[str, Customer] = {}
        self.due: list[tuple[int, str]] = []
        self.transitions = 0

    def apply(self, value: bytes) -> None:
        """Decode and apply one record."""
        schema_id = int.from_bytes(value[1:5], "big")
        record: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schemas[schema_id], None)
        if schema_id == self._tick:
            self._pass_time(int(record["at"].timestamp() * 1000))
            return
        name = record["customer_id"] or record["anonymous_id"]
        customer = self.customers.get(name)
        if customer is None:
            customer = self.customers[name] = Customer()
        if record["event_id"] in customer.recent:
            return
        at = int(record["occurred_at"].timestamp() * 1000)
        if customer.due_at <= at:
            self._move(customer, "dissolution")
            customer.due_at = 2**63
        customer.recent.append(record["event_id"])
        self._absorb(customer, record, at)
        self._judge(customer, at)
        self._schedule(name, customer)

    def _absorb(self, customer: Customer, record: Any, at: int) -> None:
        kind = record["kind"]
        fade = 2.0 ** (-(at - customer.last_at) / _HALF_LIFE_MS) if customer.touchpoints else 0.0
        customer.interaction = customer.interaction * fade + 1.0
        customer.engagement = customer.engagement * fade + _INITIATIVE.get(kind, 0.1)
        customer.touchpoints += 1
        customer.first_at = min(customer.first_at, at)
        customer.last_at = max(customer.last_at, at)
        if kind in _INITIATIVE:
            if customer.stage == "dissolution":
                customer.episode_at = at
                self._move(customer, "exploration")
            customer.last_sign_at = max(customer.last_sign_at, at)
        if kind in _TIES:
            customer.last_tie_at = max(customer.last_tie_at, at)
        if kind == "order_completed" and record["amount_minor"]:
            if customer.first_purchase_at < 0:
                customer.first_purchase_at = at
            customer.last_purchase_at = max(customer.last_purchase_at, at)
            customer.spend_minor += record["amount_minor"]
            customer.days.add(at // DAY_MS)

    def _judge(self, customer: Customer, at: int) -> None:
        if customer.stage == "dissolution":
            return
        first = customer.episode_at // DAY_MS
        weeks = len({(day + 3) // 7 for day in customer.days if day >= first})
        if weeks >= 6 or (weeks >= 3 and customer.last_tie_at >= customer.episode_at):
            stage = "commitment"
        elif customer.last_sign_at >= 0:
            stage = "exploration"
        else:
            stage = "awareness"
        if stage != customer.stage:
            self._move(customer, stage)

    def _schedule(self, name: str, customer: Customer) -> None:
        if customer.stage in {"none", "dissolution"}:
            return
        if customer.last_purchase_at >= customer.episode_at and customer.last_purchase_at >= 0:
            rules = self._rules
            x = len(customer.days) - 1
            recency = (customer.last_purchase_at - customer.first_purchase_at) / rules.unit_ms
            odds = (1 - rules.threshold) * (rules.b + x) / (rules.threshold * rules.a)
            age = math.exp(math.log(rules.alpha + recency) + math.log(odds) / (rules.r + x)) - rules.alpha
            due = max(customer.last_purchase_at, customer.first_purchase_at + math.ceil(age * rules.unit_ms))
        elif customer.last_sign_at >= 0:
            due = customer.last_sign_at + self._rules.hiatus_ms
        else:
            return
        if due != customer.due_at:
            customer.due_at = due
            heapq.heappush(self.due, (due, name))

    def _pass_time(self, until: int) -> None:
        while self.due and self.due[0][0] <= until:
            due, name = heapq.heappop(self.due)
            customer = self.customers[name]
            if customer.due_at == due:
                self._move(customer, "dissolution")
                customer.due_at = 2**63

    def _move(self, customer: Customer, stage: str) -> None:
        customer.stage = stage
        self.transitions += 1

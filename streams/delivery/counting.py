"""What delivery counts, for Prometheus."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from streams.delivery.outbox import Outcome


class DeliveryMetrics:
    """One set of metrics; none is global."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self._attempts: Final = Counter(
            "relasi_delivery_attempts",
            "What became of deliveries when they were attempted or looked at, by endpoint, state and HTTP status.",
            ("endpoint", "state", "status"),
            registry=self.registry,
        )
        self._held: Final = Gauge(
            "relasi_deliveries_rows", "Deliveries by endpoint and state.", ("endpoint", "state"), registry=self.registry
        )
        self._unreadable: Final = Counter(
            "relasi_unreadable_triggers", "Messages of the topic that are no triggers.", registry=self.registry
        )

    def counted(self, outcome: Outcome) -> None:
        """An attempt, or a look that settled it without one."""
        self._attempts.labels(outcome.endpoint, outcome.state, str(outcome.status)).inc()

    def unreadable(self) -> None:
        """A message that is no trigger."""
        self._unreadable.inc()

    def hold(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """How many there are, of each endpoint in which state."""
        for endpoint, states in counts.items():
            for state, count in states.items():
                self._held.labels(endpoint, state).set(count)

    def page(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)

"""What a collector counts, for Prometheus."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Counts:
    """One set of metrics; none is global."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self.events: Final = Counter(
            "relasi_collector_events", "Events by source and what became of them.", ("source", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.requests: Final = Counter(
            "relasi_collector_requests", "Requests by status and code.", ("status", "code"), registry=self.registry
        )
        self.waiting: Final = Gauge(
            "relasi_collector_waiting_bytes", "Bytes of requests that are not in the log yet.", registry=self.registry
        )
        self.seconds: Final = Histogram(
            "relasi_collector_append_seconds", "From a request that was read to the log that has it.",
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip

    def count(self, source: str, outcomes: Mapping[str, int]) -> None:
        """Add the events of a request."""
        for outcome, number in outcomes.items():
            self.events.labels(source, outcome).inc(number)

    def page(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)

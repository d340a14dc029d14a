"""What a worker's partitions are like now, for whoever looks at /metrics."""

from collections.abc import Callable, Mapping

from processors.row.layout import NONE
from streams.clock import Clock
from streams.kafka.tenure import Tenure
from streams.metrics import Metrics


class Gauges:
    """Remembers which partitions it showed, to show no more of those that are gone."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._shown: set[int] = set()

    def set(self, tenures: Mapping[int, Tenure], lag: Callable[[Tenure], int]) -> None:
        """Set them; ``lag``: records of the log that a partition has not processed."""
        metrics, now = self._metrics, self._clock.now_ms()
        for number in self._shown - tenures.keys():
            metrics.forget(number)
        self._shown = set(tenures)
        for number, tenure in tenures.items():
            partition, label = tenure.partition, str(number)
            metrics.lag.labels(label).set(lag(tenure))
            metrics.customers.labels(label).set(partition.customers)
            metrics.memory.labels(label).set(partition.memory_bytes())
            if partition.time != NONE:
                metrics.tick_age.labels(label).set((now - partition.time) / 1000)

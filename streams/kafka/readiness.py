"""Why no work can be done now: what /readyz says, from the first moment of a process on."""

import structlog

from streams.kafka.learning import Learning
from streams.kafka.producer import Producer
from streams.kafka.reporting import Reporting
from streams.kafka.worker import Worker
from streams.settings import Settings

NO_BROKER = "Kafka is unreachable (RELASI_BROKER)"
NO_REPORTS = "ClickHouse is unreachable (RELASI_CLICKHOUSE)"
SLOW_REPORTS = "ClickHouse does not answer (RELASI_CLICKHOUSE)"
NO_REGISTRY = "the schema registry is unreachable (RELASI_REGISTRY)"

log = structlog.get_logger()


class Readiness:
    """``worker``: None until there is one."""

    def __init__(self, settings: Settings, reporting: Reporting, learning: Learning) -> None:
        self.worker: Worker | None = None
        self._settings = settings
        self._reporting = reporting
        self._learning = learning
        self._no_broker = False

    def broker_unreachable(self, why: str) -> None:
        """Note it, and say so in one line."""
        self._no_broker = True
        log.warning("broker unreachable", setting="RELASI_BROKER", broker=self._settings.broker, why=why)

    def broker_reachable(self) -> None:
        """Note it, and say so where it was not."""
        if self._no_broker:
            log.info("broker reachable again", broker=self._settings.broker)
        self._no_broker = False

    async def look_for_broker(self, producer: Producer) -> None:
        """Ask whether one answers; where it did before, its absence is said once."""
        if await producer.reachable():
            self.broker_reachable()
            if self.worker is not None:
                await self.worker.look()
        elif not self._no_broker:
            self.broker_unreachable("no broker answers")

    def not_ready(self) -> str:
        """The reason; empty when work can be done."""
        return self.dependency() or ("starting" if self.worker is None else self.worker.not_ready())

    def dependency(self) -> str:
        """What is not there that work depends on; empty where all is."""
        if self._no_broker:
            return NO_BROKER
        if self._reporting.failing:
            return NO_REPORTS
        if self._reporting.slow:
            return SLOW_REPORTS
        if self._learning.failing:
            return NO_REGISTRY
        return ""

    def refresh(self) -> None:
        """Set the gauges."""
        if self.worker is not None:
            self.worker.refresh()

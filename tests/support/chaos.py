"""Workers, a broker and a server that are killed, paused and stopped while data flows, in an order drawn by seed."""

import random
import signal
import threading
from collections.abc import Callable
from typing import Final

from support.clickhouse_supervised import SupervisedServer
from support.kafka_workers import Installation, Supervised, Worker

SESSION: Final = 6
"""Seconds of silence after which a worker counts as dead."""
STORM: Final = {"session_seconds": SESSION, "checkpoint_seconds": 0.25, "fetch_bytes": 65_536}
"""Settings that give many chances to err: short checkpoints, small fetches."""


class Chaos(Supervised):
    """Does what it is told to in an order, to workers and with pauses drawn by ``seed``."""

    def __init__(self, made: Installation, seed: int, workers: int) -> None:
        super().__init__(made, workers)
        self._draw = random.Random(seed)
        self._wait = threading.Event()

    def run(self, deeds: list[Callable[[], None]]) -> None:
        """Every deed, some seconds apart; who has ended is started again before the next."""
        self._draw.shuffle(deeds)
        for deed in deeds:
            self._wait.wait(self._draw.uniform(0.3, 4))
            self.revive()
            deed()
        self.revive()

    def _one(self) -> Worker:
        return self._draw.choice(self.workers)

    def kill(self) -> None:
        """End a worker at once."""
        self._one().kill()

    def pause(self) -> None:
        """Stop a worker for longer than the session: it is a zombie when it goes on."""
        worker = self._one()
        worker.signal(signal.SIGSTOP)
        self._wait.wait(SESSION + self._draw.uniform(1, 4))
        worker.signal(signal.SIGCONT)

    def lose_broker(self) -> None:
        """Kill the broker, and start it again after some seconds."""
        self.broker.kill()
        self._wait.wait(self._draw.uniform(1, 4))
        self.broker.start()

    def lose_server(self, server: SupervisedServer) -> None:
        """Kill the server in the middle of whatever it does; its supervisor starts it again after some seconds."""
        server.kill(stay_down=True)
        self._wait.wait(self._draw.uniform(1, 4))
        server.start()

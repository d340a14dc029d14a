"""Structured logs of a long-running process, those of the libraries included. No customer id is ever passed to them."""

import logging
import sys
from typing import Any

import structlog


def configure(form: str) -> None:
    """Log to standard error; ``form``: json or text."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    _quieten()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _quieten() -> None:
    # What they say at every rebalance or reconnection would drown what an operator has to see.
    libraries = ("aiokafka.consumer", "aiokafka.producer", "asyncio", "faust", "mode")
    for name in (*libraries, "streams.kafka.transport", "streams.kafka.store"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # They tell of every attempt, with a traceback; we say in one line what came of it.
    for name in ("aiokafka", "clickhouse_driver", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

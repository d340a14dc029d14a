"""Settings of the Kafka shell: ``relasi.toml``, and for each setting an environment variable that goes before it."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from processors import toml
from streams.texts import read_text

FILE: Final = "relasi.toml"
PREFIX: Final = "RELASI_"
_DATA: Final = Path("relasi-data")
CLOCK: Final = "clock"
LOG: Final = "log"
ENDPOINTS: Final = "endpoints"
"""The table of those who are sent triggers (``streams/delivery/endpoints.py``)."""
SOURCES: Final = "sources"
"""The table of those who may send to the collector (``streams/collector/sources.py``)."""


class SettingsError(ValueError):
    """A setting that can't be used; says which, where it was found, and what it should look like."""


def _option(default: Any, meaning: str, check: Callable[[Any], bool] | None = None, form: str = "") -> Any:
    return field(default=default, metadata={"meaning": meaning, "check": check, "form": form})


def _positive(value: Any) -> bool:
    return bool(value > 0)


def _named(value: str) -> bool:
    return bool(value) and all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in value)


@dataclass(frozen=True)
class Settings:
    """What a worker, and whoever else speaks to the broker, has to know."""

    broker: str = _option(
        "kafka://127.0.0.1:9092",
        "where Kafka is; several brokers are separated by ;",
        lambda value: all(part.startswith("kafka://") and len(part) > 8 for part in value.split(";")),
        "kafka://host:port",
    )
    clickhouse: str = _option(
        "",
        "where the reports go; empty: nowhere",
        lambda value: not value or value.startswith("clickhouse://"),
        "clickhouse://user:password@host:port/database?http_port=8123",
    )
    prefix: str = _option("relasi", "with what the names of topics begin", _named, "letters, digits, . _ -")
    group: str = _option("relasi", "the consumer group of the workers", _named, "letters, digits, . _ -")
    web_port: int = _option(
        6066, "port of /metrics, /livez and /readyz; 0: any free one", lambda value: 0 <= value < 65536, "a port"
    )
    web_host: str = _option("127.0.0.1", "address that /metrics is served on", bool, "an address")
    data: Path = field(
        default=_DATA, metadata={"meaning": "directory for what a command needs on disk while it runs", "check": None}
    )
    ticks: str = _option(
        CLOCK,
        "clock: the owner of a partition lets time pass; log: only ticks in the log do",
        lambda value: value in (CLOCK, LOG),
        "clock or log",
    )
    partitions: int = _option(4, "partitions of every topic, as long as it does not exist", _positive, "1 or more")
    replication: int = _option(1, "copies of every topic", _positive, "1 or more")
    standby: int = _option(
        0, "workers that keep a copy of a partition's checkpoint ready", lambda value: value >= 0, "0 or more"
    )
    registry: str = _option("", "URL of a schema registry; empty: the schemas that come with Relasi")
    tick_seconds: float = _option(1.0, "between two ticks of a partition", _positive, "more than 0")
    checkpoint_seconds: float = _option(2.0, "between two checkpoints of a partition", _positive, "more than 0")
    idle_seconds: float = _option(
        60.0,
        "between two checkpoints of a partition in which only time passes: so old may its committed offset be",
        lambda value: value >= 0,
        "0 or more",
    )
    profile_seconds: float = _option(
        30.0, "between two reports of a customer's profile", lambda value: value >= 0, "0 or more"
    )
    fetch_bytes: int = _option(4 << 20, "of one partition in one fetch", lambda value: value >= 1024, "1024 or more")
    waiting_bytes: int = _option(
        32 << 20, "of a partition that may wait to go out before reading stops", _positive, "1 or more"
    )
    hot_rows: int = _option(
        65_536,
        "customers of a partition, those touched last, whose rows stand in full (2 KB each) in memory",
        lambda value: value >= 4,
        "4 or more",
    )
    window: int = _option(
        4_194_304,
        "event identities that a partition remembers to recognise retries; counts for one without a checkpoint",
        lambda value: 1 <= value <= 1 << 28,
        "1 to 268435456",
    )
    session_seconds: float = _option(10.0, "of silence after which a worker counts as dead", _positive, "more than 0")
    log_format: str = _option("json", "json or text", lambda value: value in ("json", "text"), "json or text")

    @property
    def servers(self) -> list[str]:
        """The brokers as host:port."""
        return [part.removeprefix("kafka://").rstrip("/") for part in self.broker.split(";")]


def _converted(name: str, kind: Any, raw: Any, where: str) -> Any:
    form = f"{where}: {name} is {raw!r}"
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise SettingsError(f"{form}; write a text or a number")
    if kind is int and isinstance(raw, float):
        raise SettingsError(f"{form}; write a whole number")
    try:
        return kind(raw)
    except ValueError as error:
        raise SettingsError(f"{form}; write {'a whole number' if kind is int else 'a number'}") from error


def load(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the file (``relasi.toml`` here, where there is one) and the environment. Raises SettingsError."""
    environment = os.environ if environment is None else environment
    path, written = _written(file)
    known = {option.name for option in fields(Settings)}
    if unknown := sorted(written.keys() - known - {SOURCES, ENDPOINTS}):
        raise SettingsError(f"{path}: no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for option in fields(Settings):
        variable = PREFIX + option.name.upper()
        if variable in environment:
            raw, where = environment[variable], f"environment variable {variable}"
        elif option.name in written:
            raw, where = written[option.name], str(path)
        else:
            continue
        value = _converted(option.name, option.type, raw, where)
        check = option.metadata["check"]
        if check is not None and not check(value):
            raise SettingsError(f"{where}: {option.name} is {raw!r}; write {option.metadata['form']}")
        values[option.name] = value
    return Settings(**values)


def load_sources(file: Path | None = None, *, new: bool = False) -> tuple[object, str]:
    """(the table ``sources`` of the file, empty where it has none; the file's name). Raises SettingsError.

    ``new``: a file that is named and not there yet is empty, and no mistake.
    """
    if new and file is not None and not file.exists():
        return {}, str(file)
    path, written = _written(file)
    return written.get(SOURCES, {}), str(path)


def document(file: Path | None = None) -> dict[str, Any]:
    """The file as it stands; empty where none is named and there is none. Raises SettingsError."""
    return _written(file)[1]


def _written(file: Path | None) -> tuple[Path, dict[str, Any]]:
    path = Path(FILE) if file is None else file
    return path, _read(path) if file is not None or path.exists() else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return toml.loads(read_text(path))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from error

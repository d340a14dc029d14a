"""A trigger as marketing automation is told it, read from a message of the topic."""

import io
from typing import Any, Final, NamedTuple

import fastavro

from schemas.registry import Registry, RegistryError, UnknownSchema
from schemas.wire import NotFramedError, unframe

SENT: Final = "sent"
WITHDRAWN: Final = "withdrawn"
RECORD: Final = "Trigger"


class UnreadableTrigger(ValueError):
    """A message that is no trigger; says why. What can't be read can't be sent, and never will be."""


class Trigger(NamedTuple):
    """One message of ``relasi.triggers.v1``; instants in ms since 1970, money in minor units of ``currency``.

    The fields and what they mean: ``schemas/records/trigger.2.avsc``. ``sequence`` is its offset in the topic: greater
    for what was said later of the same customer, since a customer's messages stand in one partition.
    """

    sequence: int
    id: str
    rule: str
    namespace: str
    customer_id: str
    at: int
    known_at: int
    outcome: str = SENT
    takes_back: str | None = None
    valid_until: int | None = None
    channel: str = ""
    transactional: bool = False
    quiet_hours: str = ""
    zone: str = ""
    stage: str = ""
    from_stage: str = ""
    cause: str = ""
    value_tier: str = ""
    category: str = ""
    next_step: str = ""
    risk: float | None = None
    expected_margin_minor: int | None = None
    currency: str = ""
    transition_id: str | None = None
    evidence_event_id: str = ""
    evidence_purchases: int | None = None
    evidence_last_purchase_at: int | None = None
    policy_hash: str = ""
    payload: dict[str, str] = {}  # noqa: RUF012  (never written to)

    @property
    def customer(self) -> str:
        """Namespace and id: the same text in two namespaces is two customers."""
        return f"{self.namespace}:{self.customer_id}"


_OWN: Final = frozenset(Trigger._fields) - {"sequence"}


def as_millis(schema: Any) -> Any:
    """The schema with instants as plain longs: fastavro would make datetimes of them, which hold fewer years."""
    if isinstance(schema, list):
        return [as_millis(branch) for branch in schema]
    if isinstance(schema, dict):
        return {key: as_millis(value) for key, value in schema.items() if key != "logicalType"}
    return schema


class TriggerReader:
    """Reads messages, whichever version of the record they were written with."""

    def __init__(self, registry: Registry) -> None:
        self._registry: Final = registry
        self._schemas: dict[int, Any] = {}
        self._mine: Final = self._parsed(registry.id_of(RECORD))

    def _parsed(self, schema_id: int) -> Any:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = fastavro.parse_schema(as_millis(self._registry.schema(schema_id)))
        return self._schemas[schema_id]

    def read(self, message: bytes | None, offset: int) -> Trigger:
        """The trigger of a message at an offset.

        Raises UnreadableTrigger, and RegistryError where its schema can't be had now.
        """
        if message is None:
            raise UnreadableTrigger("the message is empty")
        try:
            schema_id, body = unframe(message)
            if self._registry.named(schema_id) != RECORD:
                raise UnreadableTrigger(f"schema id {schema_id} is not of a {RECORD}")
            read: Any = fastavro.schemaless_reader
            value: dict[str, Any] = read(io.BytesIO(body), self._parsed(schema_id), self._mine)
        except UnknownSchema as error:
            raise UnreadableTrigger(str(error)) from error
        except (RegistryError, UnreadableTrigger):
            raise
        except NotFramedError as error:
            raise UnreadableTrigger(str(error)) from error
        except Exception as error:  # fastavro raises whatever the damaged bytes lead it to
            raise UnreadableTrigger(f"{type(error).__name__}: {error}") from error
        return Trigger(sequence=offset, **{name: value[name] for name in _OWN})

"""What a registry has answered in one process. The one way in which either shell comes to know a schema id.

An id is asked for when a record with it is met, whatever subject it belongs to, so no list of ids can be old. What a
schema makes of an id is kept for good, since no schema changes under its id; that the registry has none is not.
"""

from collections.abc import Sequence
from typing import Final

from schemas.known import TYPE_UNKNOWN, Known, look_up
from schemas.registry import Registry

UNKNOWN_MS: Final = 1_000
"""For so long an id that the registry does not have stays unknown to a partition; then the next record asks again.

A registry that lags behind, or a schema that is registered a moment late, costs the records of a second, and bytes that
are no messages of ours cost a question a second.
"""


class Answers:
    """May be used from several threads: at worst the registry is asked twice."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[int, Known] = {}

    def known(self) -> Sequence[Known]:
        """All that is known by now: what a new partition begins with."""
        return list(self._known.values())

    def ask(self, schema_id: int) -> Known:
        """What an id stands for. Waits for the registry. Raises RegistryError where it gives no answer."""
        known = self._known.get(schema_id) or look_up(self._registry, schema_id)
        if known.kind != TYPE_UNKNOWN:
            self._known[schema_id] = known
        return known

"""What a partition knows of schema ids, and the texts that its rejects name by number."""

from collections.abc import Iterable
from typing import Final

from schemas.known import TYPE_UNKNOWN, Known
from schemas.plans import Plans, plans_of

MOST_UNKNOWN: Final = 256
"""So many ids that the registry does not have are kept in mind; bytes that are no messages can look like any number."""


class Schemas:
    """``known`` and ``plans`` are replaced when something is learned, never changed; ``details`` only grows."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.known: dict[int, Known] = {each.schema_id: each for each in known}
        self.details: list[str] = []
        self._numbers: dict[str, int] = {}
        self._unknown: dict[int, int] = {}
        self.plans: Plans = plans_of(self.known.values(), self.number_of)

    def number_of(self, detail: str) -> int:
        """The number of a text, counted from 1."""
        if detail not in self._numbers:
            self.details.append(detail)
            self._numbers[detail] = len(self.details)
        return self._numbers[detail]

    def learn(self, known: Known, now: int) -> None:
        """Take in what is known of an id at the instant ``now`` (ms of whatever clock the shell has)."""
        if len(self._unknown) >= MOST_UNKNOWN:
            self.forget_unknown(now + 1)
        self._unknown.pop(known.schema_id, None)
        if known.kind == TYPE_UNKNOWN:
            self._unknown[known.schema_id] = now
        self._put({**self.known, known.schema_id: known})

    def forget_unknown(self, before: int) -> None:
        """Forget the ids of which it was learned before an instant that the registry does not have them."""
        gone = {key for key, since in self._unknown.items() if since < before}
        if gone:
            self._unknown = {key: since for key, since in self._unknown.items() if key not in gone}
            self._put({key: each for key, each in self.known.items() if key not in gone})

    def _put(self, known: dict[int, Known]) -> None:
        self.known = known
        self.plans = plans_of(known.values(), self.number_of)

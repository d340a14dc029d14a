"""How the customers of a partition are called, for whoever makes something of facts while the partition goes on.

Within a tenure the number, the namespace and the id of a customer never change, and room for more is a copy: what a
table holds of those who have a number at a moment is the same ever after.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from streams.engine.rows import Table, id_slices, namespaces_of

Numbers = npt.NDArray[np.int64]


class Naming(Protocol):
    """What names customers by their numbers: a partition, or how it stood at a moment."""

    @property
    def number(self) -> int:
        """Of the partition."""

    @property
    def epoch(self) -> int:
        """Of its log."""

    @property
    def table(self) -> Table:
        """``table.ids`` has the bytes of all ids."""

    def ids(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Where in ``table.ids`` the ids of customers begin, and their lengths in bytes."""

    def namespaces(self, numbers: Numbers) -> Numbers:
        """In which namespaces the ids of customers are."""


@dataclass(frozen=True)
class Named:
    """The customers who had a number at a moment. See ``Naming``."""

    number: int
    epoch: int
    table: Table

    def ids(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Where in ``table.ids`` the ids of customers begin, and their lengths in bytes."""
        return id_slices(self.table, numbers)

    def namespaces(self, numbers: Numbers) -> Numbers:
        """In which namespaces the ids of customers are."""
        return namespaces_of(self.table, numbers)

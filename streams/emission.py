"""What came of several fetches, in the forms in which it goes into the reports."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.facts import judgements_table, meanings_table, policies_table, rejects_table, transitions_table
from streams.history import History, history_of
from streams.storing import Origin, Rows


@dataclass(frozen=True)
class Emission:
    """Tables of the reports (None: no rows), and the accepted touchpoints by the schemas of their bodies."""

    policies: pa.Table | None
    meanings: pa.Table | None
    history: list[History]
    transitions: pa.Table | None
    judgements: pa.Table | None
    rejects: pa.Table | None
    origin: Origin

    def facts(self) -> list[Rows]:
        """All that is reported, touchpoints and rejects aside, in the order in which to store it."""
        named = {
            "policies_raw": self.policies,
            "meanings_raw": self.meanings,
            "transitions_raw": self.transitions,
            "judgements_raw": self.judgements,
        }
        return [Rows(name, rows) for name, rows in named.items() if rows is not None]


def emission(applied: Sequence[Applied], partition: Partition, source: str) -> Emission:
    """Everything that came of these fetches of one partition; ``source``: the topic that they were read from."""
    changes = [change for each in applied for change in each.policies]
    moved = [each for each in applied if len(each.facts)]
    judged = [each for each in applied if len(each.judged)]
    return Emission(
        policies=policies_table(changes) if changes else None,
        meanings=meanings_table(changes) if changes else None,
        history=history_of(applied),
        transitions=transitions_table(moved, partition) if moved else None,
        judgements=judgements_table(judged, partition) if judged else None,
        rejects=rejects_of(applied, source),
        origin=Origin(source, partition.number, partition.time),
    )


def rejects_of(applied: Sequence[Applied], source: str) -> pa.Table | None:
    """The rejects of these fetches; None: there are none."""
    return joined([rejects_table(each, source) for each in applied if len(each.rejects)])


def joined(tables: Sequence[pa.Table]) -> pa.Table | None:
    """The rows of all of them; None: no rows."""
    return pa.concat_tables(tables) if tables else None

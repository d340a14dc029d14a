"""Whether what chDB says it stored is on disk.

Measured with chDB 4.4.0 (engine 26.9.2): when a write fails in the middle of an insert (ENOSPC, EFBIG, EIO), the engine
reports success all the same, and the part that it publishes is cut short; after a restart it is quietly set aside.
Its streaming insert (``send_insert``) even swallows the refusal of an insert for which there is no room. So we insert
by INSERT … SELECT, and after every insert have the engine itself compare the new parts with their checksums: 1.5 ms
for a small part, 0.5 ms per megabyte. Merged parts are looked at as well. When one of those is cut short, the parts
that it was made from are still there for eight minutes, and the engine goes back to them when it is started again.
"""

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from streams.reports.errors import ReportsError

_ACTIVE: Final = """
SELECT name, level FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND active
"""
_ALL_ACTIVE: Final = "SELECT table, name FROM system.parts WHERE database = currentDatabase() AND active"
_VANISHED: Final = "NO_SUCH_DATA_PART"

Run = Callable[[str, dict[str, str]], pa.Table]


class Parts:
    """Remembers which parts of each table have been seen whole."""

    def __init__(self, run: Run) -> None:
        """``run`` executes one statement and returns its result; it raises ReportsError."""
        self._run = run
        self._whole: dict[str, set[str]] = {}

    def trust(self, tables: list[str]) -> None:
        """Take the parts that are there for whole: the engine compared the sizes of their files when it loaded them."""
        self._whole = {table: set() for table in tables}
        found = self._run(_ALL_ACTIVE, {})
        for table, name in zip(*(found[of].to_pylist() for of in ("table", "name")), strict=True):
            if table in self._whole:
                self._whole[table].add(name)

    def verify(self, table: str) -> int:
        """Check the parts that are new; how many there are.

        Raises ReportsError when one is damaged, after dropping it if it was ours.
        """
        active = self._active(table)
        for name in active.keys() - self._whole.get(table, set()):
            damage = self._damage(table, name)
            if not damage:
                continue
            if active[name] == 0:
                self._run(f"ALTER TABLE {table} DROP PART '{name}'", {})
                raise ReportsError(f"{table}: rows did not reach the disk whole ({damage}); is it full?")
            raise ReportsError(
                f"{table}: a merge did not reach the disk whole ({damage}); is it full? "
                "Stop this process and make room: the next start goes back to the parts before the merge"
            )
        self._whole[table] = set(active)
        return len(active)

    def _active(self, table: str) -> dict[str, int]:
        """Level by name of the active parts; level 0 are those written by inserts."""
        found = self._run(_ACTIVE, {"table": table})
        return dict(zip(found["name"].to_pylist(), found["level"].to_pylist(), strict=True))

    def _damage(self, table: str, name: str) -> str:
        """What is wrong with a part; empty when it is whole, or was merged into another one just now."""
        try:
            verdict = self._run(f"CHECK TABLE {table} PART '{name}' SETTINGS check_query_single_value_result = 0", {})
        except ReportsError as error:
            if _VANISHED in str(error):
                return ""
            return str(error)
        rows = verdict.to_pylist()
        return "; ".join(row["message"] or "damaged" for row in rows if not row["is_passed"])

"""What is to be delivered, was, or could not be: one SQLite file a partition of the topic of triggers.

It is written before a trigger is acknowledged, and after each attempt. ``synchronous=FULL``: what it said is there
after a power cut. A crash between an attempt and its entry repeats the attempt, under the same id and with the same
body.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"
GONE: Final = "gone"
EXPIRED: Final = "expired"
TAKEN_BACK: Final = "withdrawn"
UNSENDABLE: Final = "unsendable"

LAYOUT: Final = 1
_BUSY_SECONDS: Final = 30.0
_SCHEMA: Final = f"""
CREATE TABLE deliveries (
    endpoint TEXT NOT NULL, id TEXT NOT NULL, customer TEXT NOT NULL, sequence INTEGER NOT NULL, rule TEXT NOT NULL,
    body BLOB NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL, valid_until INTEGER, quiet_hours TEXT NOT NULL,
    zone TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL,
    status INTEGER NOT NULL, why TEXT NOT NULL, changed_at INTEGER NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (endpoint, id)
) WITHOUT ROWID;
CREATE INDEX waiting ON deliveries (endpoint, due_at, sequence) WHERE state = '{WAITING}';
CREATE INDEX lanes ON deliveries (endpoint, customer, sequence) WHERE state = '{WAITING}' AND attempts = 0;
CREATE INDEX by_trigger ON deliveries (id);
CREATE INDEX untold ON deliveries (told) WHERE told = 0;
CREATE TABLE disabled (endpoint TEXT PRIMARY KEY, at INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (source TEXT PRIMARY KEY, next_offset INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {LAYOUT};
"""


class OutboxDamaged(Exception):
    """The file can't be used; says what to do."""


class New(NamedTuple):
    """A delivery as it comes in. Instants in ms; ``quiet_hours`` is empty for what is exempt from them."""

    endpoint: str
    id: str
    customer: str
    sequence: int
    rule: str
    body: bytes
    path: str
    at: int
    valid_until: int | None
    quiet_hours: str
    zone: str
    state: str = WAITING
    why: str = ""


class Delivery(NamedTuple):
    """One that waits. ``attempts``: made so far."""

    endpoint: str
    id: str
    customer: str
    sequence: int
    rule: str
    body: bytes
    path: str
    at: int
    valid_until: int | None
    quiet_hours: str
    zone: str
    attempts: int


class Outcome(NamedTuple):
    """What became of a delivery at ``at``. ``due_at``: when it is tried again, where it still waits."""

    endpoint: str
    id: str
    state: str
    attempts: int
    due_at: int
    status: int
    why: str
    at: int


class Told(NamedTuple):
    """A delivery as others are told of it. ``customer``: namespace and id."""

    endpoint: str
    id: str
    customer: str
    rule: str
    at: int
    state: str
    attempts: int
    due_at: int
    status: int
    why: str
    changed_at: int


class Seen(NamedTuple):
    """What an endpoint's lane sees of an outbox. ``disabled``: why nothing goes there any more; None: it does.

    ``next_due_at``: when the next one that waits is due; None: none waits.
    """

    disabled: str | None
    due: list[Delivery]
    next_due_at: int | None


_NEW: Final = ", ".join(New._fields)
_DELIVERY: Final = ", ".join(Delivery._fields)
_TOLD: Final = ", ".join(Told._fields)


class Outbox:
    """A connection to the file, which is made when it is missing; used in one thread.

    Raises OutboxDamaged where it can't be read, and sqlite3.Error where a write finds no room.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # autocommit: transactions begin and end where ``_transaction`` says.
            self._db: Final = sqlite3.connect(
                path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._create()
        except sqlite3.DatabaseError as error:
            raise OutboxDamaged(
                f"{path} can't be read ({error}); move it away: it is made anew from the topics"
            ) from error

    def _create(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        elif version != LAYOUT:
            raise OutboxDamaged(f"{self.path} has layout {version}, and this release reads {LAYOUT}; use the newer one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def take_in(self, new: Sequence[New], withdrawn: Sequence[str], source: str, next_offset: int, now: int) -> None:
        """What a part of a topic gave, and up to where it was read: all of it or nothing, durably.

        What is there already stays as it is: it was said again. ``withdrawn``: ids of triggers that are not to be sent.
        """
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO deliveries ({_NEW}, attempts, due_at, status, changed_at, told)"
                f" VALUES ({', '.join('?' * len(New._fields))}, 0, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
                ((*each, each.at, now, int(each.state == WAITING)) for each in new),
            )
            self._db.executemany(
                "UPDATE deliveries SET state = ?, changed_at = ?, told = 0 WHERE id = ? AND state = ?",
                ((TAKEN_BACK, now, trigger, WAITING) for trigger in withdrawn),
            )
            self._put_position(source, next_offset)

    def _put_position(self, source: str, next_offset: int) -> None:
        self._db.execute(
            "INSERT INTO positions VALUES (?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
            (source, next_offset),
        )

    def position(self, source: str) -> int:
        """Up to where a part of a topic was taken in; 0: nothing was."""
        row = self._db.execute("SELECT next_offset FROM positions WHERE source = ?", (source,)).fetchone()
        return int(row[0]) if row else 0

    def look(self, endpoint: str, now: int, most: int) -> Seen:
        """All that a lane has to know, at one go: each way to the outbox's thread and back waits for others' there."""
        disabled = self.disabled(endpoint)
        if disabled is not None:
            return Seen(disabled, [], None)
        due = self.due(endpoint, now, most)
        return Seen(None, due, self.next_due(endpoint) if len(due) < most else now)

    def due(self, endpoint: str, now: int, most: int) -> list[Delivery]:
        """Deliveries whose time it is, the one that waits longest first.

        Of a customer no first attempt comes before that of a trigger that was said earlier, if that one is due too.
        """
        rows = self._db.execute(
            f"SELECT {_DELIVERY} FROM deliveries AS d WHERE endpoint = ? AND state = '{WAITING}' AND due_at <= ?"
            " AND (attempts > 0 OR NOT EXISTS (SELECT 1 FROM deliveries AS e WHERE e.endpoint = d.endpoint"
            f" AND e.customer = d.customer AND e.state = '{WAITING}' AND e.attempts = 0 AND e.sequence < d.sequence"
            " AND e.due_at <= ?)) ORDER BY due_at, sequence LIMIT ?",
            (endpoint, now, now, most),
        )
        return [Delivery(*row) for row in rows]

    def still_waits(self, delivery: Delivery) -> bool:
        """Whether nothing has taken it back since it was read."""
        row = self._db.execute(
            "SELECT 1 FROM deliveries WHERE endpoint = ? AND id = ? AND state = ?",
            (delivery.endpoint, delivery.id, WAITING),
        ).fetchone()
        return row is not None

    def next_due(self, endpoint: str) -> int | None:
        """When the next one that waits is due; None: none waits."""
        (at,) = self._db.execute(
            f"SELECT min(due_at) FROM deliveries WHERE endpoint = ? AND state = '{WAITING}'", (endpoint,)
        ).fetchone()
        return None if at is None else int(at)

    def waiting(self, endpoint: str) -> int:
        """How many wait."""
        (count,) = self._db.execute(
            f"SELECT count(*) FROM deliveries WHERE endpoint = ? AND state = '{WAITING}'", (endpoint,)
        ).fetchone()
        return int(count)

    def enter(self, outcomes: Iterable[Outcome]) -> None:
        """What became of deliveries, durably. What was taken back while it was on its way is what it became."""
        with self._transaction():
            self._db.executemany(
                "UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, status = ?, why = ?, changed_at = ?,"
                f" told = 0 WHERE endpoint = ? AND id = ? AND (state = '{WAITING}' OR ? = '{DELIVERED}')",
                (
                    (*each[2:6], each.why[:1000], each.at, each.endpoint, each.id, each.state)  # as in the statement
                    for each in outcomes
                ),
            )

    def disable(self, endpoint: str, at: int, why: str) -> None:
        """The receiver wants nothing any more: all that waits for it becomes a dead letter."""
        with self._transaction():
            self._db.execute("INSERT INTO disabled VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (endpoint, at, why))
            self._db.execute(
                "UPDATE deliveries SET state = ?, why = ?, changed_at = ?, told = 0 WHERE endpoint = ? AND state = ?",
                (GONE, why, at, endpoint, WAITING),
            )

    def disabled(self, endpoint: str) -> str | None:
        """Why nothing goes to an endpoint any more; None: it does."""
        row = self._db.execute("SELECT why FROM disabled WHERE endpoint = ?", (endpoint,)).fetchone()
        return None if row is None else str(row[0])

    def replay(self, now: int, endpoint: str | None = None, trigger: str | None = None) -> int:
        """Try dead letters again, with all their attempts, under the same ids; returns how many."""
        where, values = ["state IN (?, ?)", "length(body) > 0"], [FAILED, GONE]
        for column, value in (("endpoint", endpoint), ("id", trigger)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        with self._transaction():
            found = self._db.execute(
                "UPDATE deliveries SET state = ?, attempts = 0, due_at = ?, changed_at = ?, told = 0"
                f" WHERE {' AND '.join(where)}",
                (WAITING, now, now, *values),
            )
            self._db.execute("DELETE FROM disabled WHERE ? IS NULL OR endpoint = ?", (endpoint, endpoint))
        return found.rowcount

    def counts(self) -> list[tuple[str, str, int]]:
        """Endpoint, state, and how many deliveries are in it."""
        rows = self._db.execute("SELECT endpoint, state, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1, 2")
        return [(str(endpoint), str(state), int(count)) for endpoint, state, count in rows]

    def untold(self, most: int = 10_000) -> list[Told]:
        """What changed and the reports were not told yet."""
        return [
            Told(*row) for row in self._db.execute(f"SELECT {_TOLD} FROM deliveries WHERE told = 0 LIMIT ?", (most,))
        ]

    def tell(self, told: Iterable[Told]) -> None:
        """The reports have these. What changed meanwhile is told again."""
        with self._transaction():
            self._db.executemany(
                "UPDATE deliveries SET told = 1"
                " WHERE endpoint = ? AND id = ? AND state = ? AND attempts = ? AND changed_at = ?",
                ((each.endpoint, each.id, each.state, each.attempts, each.changed_at) for each in told),
            )

    def learn(self, told: Sequence[Told], source: str, next_offset: int) -> None:
        """What another process said became of deliveries while it had them; what is settled here stays so."""
        with self._transaction():
            self._db.executemany(
                "UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, status = ?, why = ?, changed_at = ?,"
                f" told = 1 WHERE endpoint = ? AND id = ? AND state = '{WAITING}' AND attempts <= ?",
                (
                    (*each[5:], each.endpoint, each.id, each.attempts)  # from the state on
                    for each in told
                ),
            )
            self._put_position(source, next_offset)

    def forget(self, before: int) -> int:
        """Drop what was settled before an instant, ms, and told; returns how many. Dead letters stay."""
        with self._transaction():
            gone = self._db.execute(
                "DELETE FROM deliveries WHERE told = 1 AND changed_at < ? AND state IN (?, ?, ?)",
                (before, DELIVERED, EXPIRED, TAKEN_BACK),
            )
        return gone.rowcount

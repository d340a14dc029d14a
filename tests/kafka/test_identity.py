"""One identity of an event over broker and server: profiles and views count the same, as in the embedded shell."""

import random
from pathlib import Path
from typing import Any

from support.identities import counted, expected, purchase, write
from support.kafka_workers import Install


def files() -> list[list[dict[str, Any]]]:
    """Files in which identities repeat, also in another namespace, with another time or another amount."""
    chance = random.Random(7)
    made = [[purchase(f"e{n}", "ann", f"2024-01-{n + 1:02}T00:00:00Z", 10) for n in range(18)]]
    made.append([purchase("e0", "ann", "2023-12-31T19:00:00Z", 10)])
    for _ in range(2):
        rows = []
        for _ in range(150):
            who, hidden = chance.choice(["ann", "bob", "cem", "dan"]), chance.random() < 0.4
            at = f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T12:00:00Z"
            event, amount = f"e{chance.randint(0, 40)}", chance.randint(1, 9)
            rows.append(purchase(event, None if hidden else who, at, amount, visitor=who if hidden else None))
        made.append(rows)
    return made


def test_profile_and_view_count_each_event_once(install: Install, tmp_path: Path) -> None:
    made = install()
    worker = made.start()
    worker.wait_ready()
    told = files()
    for number, rows in enumerate(told):
        made.must("produce", str(write(tmp_path / f"{number}.csv", rows)), "--as-arrived")
        made.settle()
    assert made.stop_all() == [0]
    assert counted(made.sink) == expected(told)


def test_what_counts_twice_for_want_of_memory_counts_twice_in_the_view(install: Install, tmp_path: Path) -> None:
    first, second = files()[:2]
    made = install()
    for number, rows in enumerate([first, second]):
        # No worker has stored the first yet, so that the second cannot be known, and imported ones are not remembered.
        said = made.must("produce", str(write(tmp_path / f"{number}.csv", rows)), "--as-arrived")
        assert "known already" not in said
    made.start().wait_ready()
    made.settle()
    assert made.stop_all() == [0]
    assert counted(made.sink) == {("known", "ann"): (19, 19_000)}

"""A switch waits for what an edition's workers have on its way to each other, and for nothing else."""

from collections.abc import Sequence

import pytest
from support.linked import ev
from support.messages import framed, tick

from schemas.registry import FileRegistry
from streams.kafka.settling import sent_under, settle

FORWARD = FileRegistry().id_of("Forward")


def sent(edition: int, **fields: object) -> bytes:
    told = {"partition": 3, "offset": 70_000, "ordinal": 1, "edition": edition, "what": 2, "at": 0, "from": "a"}
    rest = {"from_space": 1, "into": "u", "into_space": 0, "made_by": 0, "trusted": True, "body": b""}
    return framed("Forward", {**told, **rest, **fields})


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (sent(2), True),
        (sent(1), False),
        (sent(200), False),
        (sent(2)[:7], False),
        (ev("e", "u:1", "buy", 1), False),
        (tick(1), False),
        (b"", False),
        (b"\0\0", False),
        (None, False),
    ],
)
def test_what_was_sent_under_an_edition(message: bytes | None, found: bool) -> None:
    assert sent_under(message, 2, FORWARD) == found


def test_it_waits_as_long_as_something_comes_of_something() -> None:
    waited: list[Sequence[int]] = []
    log = iter([(14, 22), (15, 23), (99, 99)])
    last = iter([(12, 20), (12, 23), (12, 23)])
    settle((10, 20), waited.append, lambda: next(log), lambda begins, ends: next(last))
    assert waited == [(10, 20), (12, 20), (12, 23)]

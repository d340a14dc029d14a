"""The thread that delivers: it reads what the rows' file says, also when another edition's takes its place."""

from functools import partial
from pathlib import Path
from typing import Final

from support.receivers import Receiver, receiving
from support.running import until
from support.triggers import REGISTRY, trigger_message

from schemas.bodies import bodies_of
from streams.delivery.endpoints import endpoints_of
from streams.embedded.appending import append_messages
from streams.embedded.delivering import DeliveryThread
from streams.embedded.rows_file import FILE_NAME, RowsFile
from streams.outputs.triggers import TOPIC

LONG_AGO: Final = 1_700_000_000_000


def said(directory: Path, *numbers: int) -> None:
    messages = bodies_of([trigger_message(i, at=LONG_AGO + i) for i in numbers])
    with RowsFile(directory) as file, file.transaction():
        append_messages(file, TOPIC.named(), 0, None, messages, LONG_AGO)


def got(receiver: Receiver, count: int) -> bool:
    return len(receiver.ids()) >= count


def test_triggers_of_a_file_that_takes_the_place_of_another_are_delivered_too(tmp_path: Path) -> None:
    data, after = tmp_path / "data", tmp_path / "after"
    data.mkdir()
    after.mkdir()
    said(data, 1, 2)
    # The next edition says the second one again, under the same id, and one of its own before it.
    said(after, 7, 2)
    secret = tmp_path / "secret"
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with receiving() as receiver:
        table = {"crm": {"url": receiver.url, "allow": ["127.0.0.1"], "secrets": {"signing": f"file:{secret}"}}}
        with DeliveryThread(data, endpoints_of({"endpoints": table}, "relasi.toml"), REGISTRY) as thread:
            until(partial(got, receiver, 2))
            (after / FILE_NAME).replace(data / FILE_NAME)
            until(partial(got, receiver, 3))
            said(data, 9)
            until(partial(got, receiver, 4))
            thread.check()
        assert all(len(bodies) == 1 for bodies in receiver.ids().values())
        assert len(receiver.received) == 4

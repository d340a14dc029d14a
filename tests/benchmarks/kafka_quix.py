"""A Quix Streams application for comparison: python kafka_quix.py SERVERS TOPIC GROUP DIRECTORY SCHEMA.

Runs in an environment of its own. Its state, with a changelog, keeps four fields of each customer.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any, Final

import fastavro
from quixstreams import Application  # type: ignore[import-not-found]  # only in the environment made for it

HEADER: Final = 5


def main() -> None:
    """Run until the process is ended."""
    servers, topic_name, group, directory, schema_file = sys.argv[1:]
    schema = fastavro.parse_schema(json.loads(Path(schema_file).read_text()))
    app = Application(
        broker_address=servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=directory,
        loglevel="WARNING",
    )
    topic = app.topic(topic_name, key_deserializer="str", value_deserializer="bytes")

    def remember(message: bytes, state: Any) -> None:
        if message[:HEADER] != b"\0\0\0\0\1":
            return
        touchpoint: Any = fastavro.schemaless_reader(io.BytesIO(message[HEADER:]), schema, None)
        known = state.get("customer")
        count, spent = (known["count"], known["spent"]) if known else (0, 0)
        state.set(
            "customer",
            {
                "count": count + 1,
                "spent": spent + (touchpoint["amount_minor"] or 0),
                "last_at": touchpoint["occurred_at"].timestamp(),
                "last_kind": touchpoint["kind"],
            },
        )

    app.dataframe(topic).update(remember, stateful=True)
    app.run()


if __name__ == "__main__":
    main()

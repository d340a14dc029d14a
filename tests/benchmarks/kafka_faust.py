"""A plain Faust worker for comparison: python kafka_faust.py SERVERS TOPIC GROUP DIRECTORY SCHEMA.

What Faust's own guide leads one to write: an agent over a topic, a table, the values decoded with fastavro. It keeps
four fields of each customer.
"""

import io
import json
import sys
from typing import Any, Final

import fastavro
import faust
import uvloop

HEADER: Final = 5
PARTITIONS: Final = 4


def main() -> None:
    """Run until the process is ended."""
    servers, topic_name, group, directory, schema_file = sys.argv[1:]
    with open(schema_file) as file:  # noqa: PTH123  (as the guide does)
        schema = fastavro.parse_schema(json.load(file))
    app = faust.App(
        group,
        broker=f"kafka://{servers}",
        datadir=directory,
        store="memory://",
        topic_partitions=PARTITIONS,
        # The broker no longer speaks the version of the request that Faust creates topics with.
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
    )
    topic = app.topic(topic_name, key_serializer="raw", value_serializer="raw")
    customers = app.Table("customers", partitions=PARTITIONS)

    @app.agent(topic)
    async def touchpoints(stream: Any) -> None:
        async for message in stream:
            if message[:HEADER] != b"\0\0\0\0\1":
                continue
            touchpoint: Any = fastavro.schemaless_reader(io.BytesIO(message[HEADER:]), schema, None)
            known = customers.get(touchpoint["customer_id"])
            count, spent = (known["count"], known["spent"]) if known else (0, 0)
            customers[touchpoint["customer_id"]] = {
                "count": count + 1,
                "spent": spent + (touchpoint["amount_minor"] or 0),
                "last_at": touchpoint["occurred_at"].timestamp(),
                "last_kind": touchpoint["kind"],
            }

    uvloop.install()
    faust.Worker(app, loglevel="warning").execute_from_commandline()


if __name__ == "__main__":
    main()

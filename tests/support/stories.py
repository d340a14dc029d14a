"""Stories as text for tests, and the log that a story becomes."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np

from streams.log.batches import SPAN_START, SPAN_STOP, Fetch
from streams.log.records import (
    HEAD_CELLS,
    HEAD_KEY,
    HEAD_KEY_SIZE,
    HEAD_NEXT,
    HEAD_VALUE,
    HEAD_VALUE_SIZE,
    next_record,
)
from streams.stories.parse import parse
from streams.stories.story import Story
from support.messages import REGISTRY

ORDER: Final = 'at = 2025-01-06T09:00:00Z\nkind = "order_completed"\namount = 80.00'


def story_text(
    *touchpoints: str, expect: str = "at = 2025-02-01", name: str = "a story", policy: str = "commerce"
) -> str:
    """A story whose touchpoints and expectations are given as the lines of their tables; one order by default."""
    head = f'name = "{name}"\npolicy = "{policy}"\nwhy = "because"\n'
    tables = [f"[[touchpoints]]\n{lines}\n" for lines in touchpoints or (ORDER,)]
    return head + "".join(tables) + f"[expect]\n{expect}\n"


def touched(at: str, kind: str, more: str = "") -> str:
    return f'at = {at}\nkind = "{kind}"\n{more}'


def story_of(*touchpoints: str, **parts: str) -> Story:
    return parse(story_text(*touchpoints, **parts), Path())


def records_of(fetch: Fetch) -> Iterator[tuple[bytes | None, str, dict[str, Any]]]:
    """(key, name of the record, its values) of a fetch, read by another implementation of Avro."""
    head = np.zeros(HEAD_CELLS, np.int64)
    for span in fetch.spans:
        at, stop = int(span[SPAN_START]), int(span[SPAN_STOP])
        while at < stop:
            assert next_record(fetch.buffer, at, stop, head) == 0
            key, value = (
                None if size < 0 else fetch.buffer[start : start + size].tobytes()
                for start, size in (head[[HEAD_KEY, HEAD_KEY_SIZE]], head[[HEAD_VALUE, HEAD_VALUE_SIZE]])
            )
            assert value is not None
            schema_id = int.from_bytes(value[1:5], "big")
            yield key, REGISTRY.named(schema_id), _decoded(value[5:], schema_id)
            at = int(head[HEAD_NEXT])


def _decoded(body: bytes, schema_id: int) -> dict[str, Any]:
    schema = fastavro.parse_schema(REGISTRY.schema(schema_id))
    decoded: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
    return dict(decoded)

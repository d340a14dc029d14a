"""Arrow tables through a connection of clickhouse-driver, in blocks that hold no Python object per value.

The driver's own insert takes lists of Python values. What it does around them, the statement, the settings, progress,
errors and compression, is used as it is; only the columns of a block are written here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from clickhouse_driver import Client, defines
from clickhouse_driver.block import BlockInfo, ColumnOrientedBlock
from clickhouse_driver.columns.service import write_column
from clickhouse_driver.errors import TypeMismatchError
from clickhouse_driver.protocol import ClientPacketTypes
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str, write_binary_uint8

from streams.reports.native import Encoder, UnfitError, encoder

_BLOCK_BYTES: Final = 16 * 2**20


def insert(client: Client, sql: str, rows: pa.Table, settings: Mapping[str, object]) -> None:
    """Execute an INSERT of columns that ``rows`` has. Raises what ``Client.execute`` raises, and leaves the same."""
    with client.disconnect_on_error(sql, settings):
        connection = client.connection
        connection.send_query(sql)
        connection.send_external_tables(None)
        heads = client.receive_sample_block().columns_with_types
        encoders = [encoder(spec, rows.schema.field(name).type) for name, spec in heads]
        for block in _blocks(rows):
            _send(connection, block, heads, encoders)
            client.receive_profile_events()
        # A block without columns means that no more will come.
        connection.send_data(ColumnOrientedBlock())
        client.receive_profile_events()
        client.receive_end_of_insert_query()


def _blocks(rows: pa.Table) -> Iterator[pa.Table]:
    """Rows in pieces of about _BLOCK_BYTES: the driver holds a block, and then also what it is compressed to."""
    at_once = max(1, _BLOCK_BYTES * rows.num_rows // max(rows.nbytes, 1))
    for start in range(0, rows.num_rows, at_once):
        yield rows.slice(start, at_once)


def _send(connection: Any, block: pa.Table, heads: list[tuple[str, str]], encoders: list[Encoder | None]) -> None:
    """Write a packet of data, as ``Connection.send_data`` and ``BlockOutputStream.write`` do."""
    revision = connection.server_info.used_revision
    write_varint(ClientPacketTypes.DATA, connection.fout)
    if revision >= defines.DBMS_MIN_REVISION_WITH_TEMPORARY_TABLES:
        write_binary_str("", connection.fout)
    stream = connection.block_out
    out = stream.fout
    if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
        BlockInfo().write(out)
    write_varint(len(heads), out)
    write_varint(block.num_rows, out)
    for (name, spec), known in zip(heads, encoders, strict=True):
        write_binary_str(name, out)
        write_binary_str(spec, out)
        if revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION:
            write_binary_uint8(0, out)
        _write(connection.context, name, spec, known, _array(block.column(name)), out)
    stream.finalize()


def _write(context: Any, name: str, spec: str, known: Encoder | None, array: pa.Array, out: Any) -> None:
    if known is None:
        write_column(context, name, spec, array.to_pylist(), out)
        return
    out.write(known.prefix)
    try:
        for piece in known.values(array):
            out.write(piece)
    except UnfitError as error:
        raise TypeMismatchError(f"column {name}, {spec}: {error}") from error


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

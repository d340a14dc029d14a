"""Orders of a file that were bought and cancelled: no purchases, as the view ``cancelled_orders`` has them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_DAY_MS: Final = 86_400_000
_KEY: Final = "order"

Read = Callable[[], Iterable[pa.RecordBatch]]


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    found = batch.schema.get_field_index(name)
    return pa.nulls(batch.num_rows, pa.string()) if found < 0 else batch.column(found).cast(pa.string())


def _keys(batch: pa.RecordBatch) -> pa.Array:
    """Whose order each row tells of, and which; null where it names none."""
    visitor = pc.binary_join_element_wise("anonymous", _column(batch, "anonymous_id"), "\0")
    customer = pc.coalesce(_column(batch, "customer_id"), visitor)
    order = _column(batch, "order_id")
    return pc.binary_join_element_wise(customer, pc.if_else(pc.equal(order, ""), None, order), "\0")


def _of_kinds(batch: pa.RecordBatch, kinds: pa.Array) -> pa.Array:
    return pc.is_in(batch.column("kind"), value_set=kinds)


def _cancelled(read: Read, kinds: pa.Array) -> pa.Array:
    """The orders of which a cancellation is told."""
    found = [pc.unique(_keys(batch.filter(_of_kinds(batch, kinds)))) for batch in read()]
    return pc.drop_null(pc.unique(pa.chunked_array(found, pa.string()).combine_chunks()))


def _bought_on_one_day(read: Read, orders: pa.Array, kinds: pa.Array) -> pa.Array:
    """Those of ``orders`` whose purchases lie on one day: no renewals of one subscription."""
    tables = []
    for batch in read():
        positive = pc.greater_equal(batch.column("amount_minor"), 0).fill_null(True)
        keys = _keys(batch)
        bought = pc.and_(pc.and_(_of_kinds(batch, kinds), positive), pc.is_in(keys, value_set=orders))
        day = pa.array(batch.column("occurred_at").to_numpy(zero_copy_only=False) // _DAY_MS)
        tables.append(pa.table({_KEY: keys, "day": day}).filter(bought))
    days = pa.concat_tables(tables).group_by([_KEY, "day"]).aggregate([]).group_by(_KEY).aggregate([("day", "count")])
    return days.filter(pc.equal(days.column("day_count"), 1)).column(_KEY).combine_chunks()


def without_cancelled(read: Read, kinds: Collection[str], cancelling: Collection[str]) -> Iterator[pa.RecordBatch]:
    """The batches of ``read``, in which what tells of a cancelled order has no kind, so that its time still counts.

    ``read`` is called up to three times; ``kinds`` are purchases, ``cancelling`` cancellations.
    """
    orders = _cancelled(read, pa.array(sorted(cancelling), pa.string())) if cancelling else pa.array([], pa.string())
    if len(orders):
        orders = _bought_on_one_day(read, orders, pa.array(sorted(kinds), pa.string()))
    for batch in read():
        if not len(orders):
            yield batch
            continue
        place = batch.schema.get_field_index("kind")
        kept = pc.if_else(pc.is_in(_keys(batch), value_set=orders), None, batch.column(place))
        yield batch.set_column(place, batch.schema.field(place).with_nullable(True), kept)

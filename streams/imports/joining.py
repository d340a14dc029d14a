"""Lines and properties of several rows as those of one, in Avro's binary encoding."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from streams.imports.canonical import NO_ENTRIES
from streams.imports.nested import long_bytes, map_bytes
from streams.imports.samples import lines_of, map_of

DISCOUNT: Final = "discount"


def joined_lines(bodies: Sequence[bytes]) -> bytes:
    """All lines of these arrays in one, the same whatever their order."""
    some = [body for body in bodies if body != NO_ENTRIES]
    if len(some) < 2:
        return some[0] if some else NO_ENTRIES
    count = 0
    items = []
    for body in some:
        number, start = _long(body)
        count += number
        items.append(body[start:-1])
    return long_bytes(count) + b"".join(sorted(items)) + NO_ENTRIES


def _long(body: bytes) -> tuple[int, int]:
    """(the count that an array begins with, the place after it); our own arrays are one block."""
    value = shift = at = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value >> 1, at


def joined_properties(bodies: Sequence[bytes], *, once: bool = False) -> bytes:
    """The properties of these rows together: of each name the first value; discounts in money are added up, but for
    those of the whole order which each row repeats (``once``)."""
    if all(body == bodies[0] for body in bodies) and (len(bodies) == 1 or bodies[0] == NO_ENTRIES):
        return bodies[0]
    maps = [map_of(body) for body in bodies]
    whole: dict[str, str] = {}
    for each in maps:
        whole = each | whole
    if DISCOUNT in whole:
        whole[DISCOUNT] = _discount([each.get(DISCOUNT) for each in maps], whole[DISCOUNT], once=once)
    return map_bytes(whole)


def _discount(told: Sequence[str | None], otherwise: str, *, once: bool) -> str:
    if once and len(set(told)) == 1:
        return otherwise
    try:
        values = [Decimal(text) for text in told if text is not None]
    except InvalidOperation:
        # Per cent, which are those of the order where all lines have the same.
        return otherwise
    return format(sum(values, Decimal(0)), "f")


def skus_of(body: bytes) -> frozenset[str]:
    """The articles in an array of lines."""
    return frozenset() if body == NO_ENTRIES else frozenset(line["sku"] for line in lines_of(body))


def lines_in_total(bodies: Sequence[bytes]) -> int | None:
    """What the lines of these arrays cost together, minor units; None where they don't say."""
    amounts = [line["amount_minor"] for body in bodies if body != NO_ENTRIES for line in lines_of(body)]
    return None if not amounts or None in amounts else sum(amounts)

"""Local times to instants: zones of the IANA database, offsets, and the few abbreviations that mean one zone only.

Where clocks go back, the first of the two instants is meant; where they go forward, a time that no clock showed is read
by the offset before the gap (RFC 5545, section 3.3.5).
"""

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.mapping import is_zone

_ABBREVIATIONS: Final = {
    "Z": "UTC", "UT": "UTC", "UTC": "UTC", "GMT": "UTC", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "WET": "+00:00",
    "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00", "MEZ": "+01:00", "MESZ": "+02:00", "EET": "+02:00",
    "EEST": "+03:00", "MSK": "+03:00", "WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00", "JST": "+09:00",
    "KST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00",
}  # fmt: skip
"""Those of North America as RFC 5322 (section 4.3) defines them; others only where nobody else uses the letters."""

Millis = npt.NDArray[np.int64]


@cache
def zone_of(name: str) -> str | None:
    """The zone or offset that a name means, as Arrow takes it; None where it is none that we know."""
    bare = name.strip().strip("[]()").strip()
    if bare.upper() in _ABBREVIATIONS:
        return _ABBREVIATIONS[bare.upper()]
    return bare if is_zone(bare) else None


def to_utc(local: Millis, zone: str) -> Millis:
    """Instants (ms since 1970) of local times, given as if they were UTC."""
    if zone == "UTC" or not len(local):
        return local
    clock = pa.array(local, pa.timestamp("ms"))
    found = pc.assume_timezone(clock, zone, ambiguous="earliest", nonexistent="latest")
    instants = _millis(found)
    gap = _millis(pc.local_timestamp(found)) != local
    if gap.any():
        before = pc.assume_timezone(clock.filter(pa.array(gap)), zone, ambiguous="earliest", nonexistent="earliest")
        offset = _millis(pc.local_timestamp(before)) - _millis(before)
        instants = instants.copy()
        instants[gap] = local[gap] - offset
    return instants


def _millis(array: Any) -> Millis:
    millis: Millis = array.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return millis

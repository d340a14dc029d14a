"""All decode programs of the log's records in one array, as the compiled loop wants them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.known import TYPE_TOUCHPOINT, Known, look_up_all, own_touchpoint
from schemas.plan import compile_plan
from schemas.registry import Registry
from schemas.touchpoint import TOUCHPOINT_SLOTS


class Plans(NamedTuple):
    """``ids``: sorted wire schema ids; for each its type and the start of its program in ``ops`` (-1: none).

    ``plain``: 0 for touchpoints that are read, and stored, only after they were written anew in our own schema, whose
    program stands at the beginning of ``ops``. ``details``: number of the text that says why there is none.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8]
    plain: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int32]
    ops: npt.NDArray[np.int32]
    details: npt.NDArray[np.int32]


def plans_of(schemas: Iterable[Known], number_of: Callable[[str], int] = lambda _: 0) -> Plans:
    """The programs of these schemas; of those that can't be read there is none.

    ``number_of`` gives the number under which the text is kept that says why.
    """
    known = sorted(schemas, key=lambda each: each.schema_id)
    programs = [compile_plan(own_touchpoint(), TOUCHPOINT_SLOTS)]
    starts, size = [], programs[0].size
    for each in known:
        starts.append(-1 if each.program is None else size)
        if each.translation is not None:
            starts[-1] = 0
        if each.program is not None:
            programs.append(each.program)
            size += each.program.size
    return Plans(
        np.array([each.schema_id for each in known], np.int32),
        np.array([each.kind for each in known], np.int8),
        np.array([each.kind == TYPE_TOUCHPOINT and each.translation is None for each in known], np.int8),
        np.array(starts, np.int32),
        np.concatenate(programs),
        np.array([number_of(each.problem) if each.problem else 0 for each in known], np.int32),
    )


def build_plans(registry: Registry, ids: Iterable[int] | None = None) -> Plans:
    """Plans of the given schema ids, or of all that the registry lists. Raises RegistryError."""
    return plans_of(look_up_all(registry, ids))

"""What a plan refuses, and what it resolves."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pytest

from schemas.known import TYPE_UNREADABLE, look_up
from schemas.plan import PlanError, compile_plan
from schemas.plans import build_plans
from schemas.registry import FileRegistry
from schemas.touchpoint import SLOTS, TOUCHPOINT_SLOTS

TOUCHPOINT: Final = FileRegistry().schema(FileRegistry().id_of("Touchpoint"))


def record(*kinds: Any, **attributes: Any) -> dict[str, Any]:
    fields = [{"name": f"field{i}", "type": kind} for i, kind in enumerate(kinds)]
    return {"type": "record", "name": "Top", "fields": fields, **attributes}


NODE: Final = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
EMPTY: Final = {"type": "record", "name": "Empty", "fields": [{"name": "nothing", "type": "null"}]}


def nested(depth: int) -> Any:
    return {"type": "array", "items": nested(depth - 1)} if depth else "long"


def doubling(depth: int) -> Any:
    """A small text that stands for 2 ** depth fields."""
    if depth == 0:
        return {"type": "record", "name": "N0", "fields": [{"name": "x", "type": "long"}]}
    fields = [{"name": "a", "type": doubling(depth - 1)}, {"name": "b", "type": f"N{depth - 1}"}]
    return {"type": "record", "name": f"N{depth}", "fields": fields}


@pytest.mark.parametrize(
    ("schema", "slots", "says"),
    [
        (record(NODE), {}, "field 'field0' of 'Top': type 'Node' contains itself"),
        (record({"type": "array", "items": "null"}), {}, "items of zero bytes"),
        (record({"type": "array", "items": EMPTY}), {}, "items of zero bytes"),
        (record({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}), {}, "items of zero bytes"),
        (record("nowhere"), {}, "type 'nowhere' is not defined"),
        (record({"type": 5}), {}, "5 is not an Avro type"),
        (record(["null", ["null", "long"]]), {}, "union stands directly in a union"),
        (record(["long", "string"]), {"field0": 0}, "its union mixes bytes and integer"),
        (record(["null", "double", "long"]), {"field0": 0}, "its union mixes double and integer"),
        (record(nested(80)), {}, "nested deeper than 64"),
        (record(doubling(15)), {}, "expands to more than 65,536 cells"),
        (record({"type": "fixed", "name": "F", "size": 1 << 40}), {}, "larger than any message"),
        ("long", {}, "only records"),
        ({"type": "enum", "name": "E", "symbols": ["a"]}, {}, "only records"),
    ],
)
def test_what_is_refused(schema: Any, slots: Mapping[str, int], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        compile_plan(schema, slots)


@pytest.mark.parametrize(("written", "lands"), [("string", "bytes"), (["null", "double"], "double"), ("null", "null")])
def test_a_field_of_another_kind_than_is_read_is_refused(written: Any, lands: str) -> None:
    fields = [{**f, "type": written} if f["name"] == "amount_minor" else f for f in TOUCHPOINT["fields"]]
    with pytest.raises(PlanError, match=f"'amount_minor' of 'Touchpoint': it lands as {lands}, but is read as integer"):
        compile_plan({**TOUCHPOINT, "fields": fields}, TOUCHPOINT_SLOTS, TOUCHPOINT)


def test_names_are_resolved_in_their_namespaces() -> None:
    inner = {"type": "fixed", "name": "Id", "namespace": "other", "size": 3}
    outer = {"type": "fixed", "name": "Id", "size": 5}
    schema = record(inner, outer, "other.Id", "Id", "mine.Id", namespace="mine")
    ops = compile_plan(schema, {}).reshape(-1, 4)
    assert ops[:-1, 3].tolist() == [3, 5, 3, 5, 5]


def test_the_slots_are_a_permutation() -> None:
    assert sorted(TOUCHPOINT_SLOTS.values()) == list(range(SLOTS))
    assert list(TOUCHPOINT_SLOTS) == [field["name"] for field in TOUCHPOINT["fields"]]


def test_all_plans_of_the_log() -> None:
    registry = FileRegistry()
    plans = build_plans(registry)
    assert plans.ids.tolist() == registry.ids()
    named = {"Touchpoint": 1, "Tick": 2, "Policy": 3, "Link": 4, "Merge": 5, "Forward": 7}
    types = [named.get(registry.named(schema_id), TYPE_UNREADABLE) for schema_id in registry.ids()]
    assert plans.types.tolist() == types
    assert ((plans.starts == -1) == (plans.types == TYPE_UNREADABLE)).all()
    assert plans.ops.dtype == np.int32
    newest = plans.starts[registry.ids().index(registry.id_of("Touchpoint"))]
    alone = compile_plan(TOUCHPOINT, TOUCHPOINT_SLOTS)
    assert plans.ops[newest : newest + alone.size].tolist() == alone.tolist()


class Foreign(FileRegistry):
    """A registry with a Touchpoint of somebody else."""

    def schema(self, schema_id: int) -> dict[str, Any]:
        return {**super().schema(1), "namespace": "somebody.else"}


def test_a_record_of_another_namespace_is_not_the_logs() -> None:
    plans = build_plans(Foreign(), [1])
    assert (plans.types.tolist(), plans.starts.tolist()) == ([TYPE_UNREADABLE], [-1])
    assert "its record is named 'somebody.else.Touchpoint'" in look_up(Foreign(), 1).problem

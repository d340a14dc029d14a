"""Paths into nested values: ``properties.total``, ``items[0].sku``, ``params[key=value].double_value``, ``items[]``.

``[key=text]`` is the element of an array whose member ``key`` is that text, ``[]`` is the array itself. Where a member
is not in such an element but in its ``value``, it is meant there; and where a path ends in an object of typed values of
which one is given (``{"string_value": null, "int_value": 5}``, as BigQuery exports them), it is that one.
"""

import re
from functools import cache
from typing import Any, Final, NamedTuple

_STEP: Final = re.compile(r"(?:^|\.)(?P<name>[^.\[\]]+)|\[(?P<key>[^\[\]=]+)=(?P<text>[^\[\]]*)\]|\[(?P<place>-?\d*)\]")
_TYPED: Final = "_value"


class Step(NamedTuple):
    """One step: a member's ``name``, an element's ``place``, or the element whose member ``name`` is ``text``."""

    name: str | None
    place: int | None = None
    text: str | None = None


@cache
def steps_of(path: str) -> tuple[Step, ...] | None:
    """The steps of a path; None where it is none."""
    steps, at = [], 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or found.end() == at:
            return None
        if found["name"] is not None:
            steps.append(Step(found["name"].strip()))
        elif found["key"] is not None:
            steps.append(Step(found["key"].strip(), None, found["text"].strip()))
        elif found["place"]:
            steps.append(Step(None, int(found["place"])))
        at = found.end()
    if not steps or steps[0].name is None or steps[0].text is not None:
        return None
    return tuple(steps)


def root_of(path: str) -> str | None:
    """The column that a path leads into; None where the name is no path beyond a column."""
    steps = steps_of(path)
    if steps is None or (len(steps) == 1 and not path.endswith("[]")):
        return None
    return steps[0].name


def value_at(value: Any, steps: tuple[Step, ...]) -> Any:
    """What the steps lead to in a value of JSON; None where they lead nowhere."""
    chosen = False
    for step in steps:
        if step.text is not None:
            value = _element(value, step)
            chosen = True
        elif step.place is not None:
            value = _at(value, step.place)
        elif isinstance(value, dict):
            inner = value.get("value") if chosen and step.name not in value else None
            value = (inner if isinstance(inner, dict) else value).get(step.name)
        else:
            return None
        if value is None:
            return None
    return _untyped(value)


def _element(value: Any, step: Step) -> Any:
    if not isinstance(value, list):
        return None
    return next((one for one in value if isinstance(one, dict) and str(one.get(step.name)) == step.text), None)


def _at(value: Any, place: int) -> Any:
    if not isinstance(value, list) or not -len(value) <= place < len(value):
        return None
    return value[place]


def _untyped(value: Any) -> Any:
    """A typed value of BigQuery as what it holds; an element that was chosen, as its value."""
    if isinstance(value, dict):
        if set(value) == {"key", "value"}:
            return _untyped(value["value"])
        if value and all(str(name).endswith(_TYPED) for name in value):
            return next((one for one in value.values() if one is not None), None)
    return value

"""Mappings in TOML files, checked, each problem with its line."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from processors import toml
from processors.policy.keys import line_of
from streams.imports.mapped import COMPUTED, FILL, ITEM, PREFIX, SNAPSHOT, TIMES, Mapping, Rule
from streams.imports.mapping_checks import problems_of
from streams.imports.problems import MappingProblem
from streams.policies import PRESETS
from streams.texts import read_text

_KEYS: Final = (
    "columns, constants, computed, values, kinds, satisfaction, lines, touchpoints, nothing, skip, optional, names, "
    "header, format, delimiter, encoding, sheet, fill, snapshot, policy, about, time_format, timezone, decimal and "
    "keep_extra"
)
_TEXTS: Final = ("format", "delimiter", "decimal", "timezone", "encoding", "skip", "sheet", "policy", "about")
_TRUTHS: Final = ("header", "keep_extra", "optional")


def read_mapping(path: Path) -> Mapping:
    """The mapping in a TOML file. Raises ``MappingProblem`` with every problem, each with file, line and key."""
    try:
        text = read_text(path)
    except OSError as error:
        raise MappingProblem([f"{path}: cannot be read ({error.strerror}); --mapping takes a TOML file"]) from error
    except UnicodeDecodeError as error:
        raise MappingProblem([f"{path}: not TOML: {error}"]) from error
    return mapping_of(text, str(path))


def mapping_of(text: str, name: str) -> Mapping:
    """The mapping that a TOML text says; ``name`` is what problems call it."""
    try:
        table = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingProblem([f"{name}: not TOML: {error}"]) from error
    mapping, problems = _from_table(table)
    problems += list(problems_of(mapping))
    if problems:
        raise MappingProblem([f"{name}: {problem} (line {_line(text, problem)})" for problem in problems])
    return mapping


def _line(text: str, problem: str) -> int:
    """The line of the key that a problem begins with."""
    key = problem.partition(": ")[0]
    first, _, rest = key.partition(".")
    return line_of(text, (first, rest) if rest else (first,))


def _from_table(table: dict[str, Any]) -> tuple[Mapping, list[str]]:
    problems: list[str] = []
    found: dict[str, Any] = {}
    values: dict[str, dict[str, str]] = {}
    for key, value in table.items():
        if key == "columns":
            found["columns"], computed = _columns(key, value, problems)
            found["computed"] = found.get("computed", {}) | computed
        elif key in ("kinds", "satisfaction"):
            values["kind" if key == "kinds" else key] = _texts(key, value, problems)
        elif key == "values":
            values |= _tables(key, value, problems)
        elif key in _READERS:
            name, reader = _READERS[key]
            found[name] = found.get(name, {}) | reader(key, value, problems) if key == "computed" else reader(
                key, value, problems)  # fmt: skip
        elif key in _TRUTHS:
            found[key] = _typed(key, value, bool, "true or false", problems)
        elif key in _TEXTS:
            found[key] = _typed(key, value, str, "a text", problems)
        else:
            problems.append(f"{key}: not a key of a mapping; known are {_KEYS}")
    if found.get("policy") not in (None, *PRESETS):
        problems.append(f"policy: expected one of {', '.join(PRESETS)}")
        del found["policy"]
    if "names" in found and "header" not in found:
        found["header"] = False
    if values:
        found["values"] = values
    return Mapping(**{key: value for key, value in found.items() if value is not None}), problems


def _typed(key: str, value: object, kind: type, wanted: str, problems: list[str]) -> object:
    if isinstance(value, kind):
        return value
    problems.append(f"{key}: expected {wanted}")
    return None


def _list(key: str, value: object, problems: list[str]) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    problems.append(f"{key}: expected a list of texts")
    return None


def _texts(key: str, value: object, problems: list[str]) -> dict[str, str]:
    if not isinstance(value, dict):
        problems.append(f"{key}: expected a table of field = text")
        return {}
    texts: dict[str, str] = {}
    for name, entry in value.items():
        if isinstance(entry, dict) and name == "properties":
            texts.update(_texts(f"{key}.{name}", {PREFIX + inner: text for inner, text in entry.items()}, problems))
        elif isinstance(entry, bool) or not isinstance(entry, str | int | float):
            problems.append(f"{key}.{name}: expected a text")
        else:
            texts[name] = str(entry)
    return texts


def _columns(key: str, value: object, problems: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """(field to column, field to expression); of several columns, the first that has a value."""
    if not isinstance(value, dict):
        problems.append(f"{key}: expected a table of field = column")
        return {}, {}
    computed: dict[str, str] = {}
    texts: dict[str, Any] = {}
    for name, entry in value.items():
        if isinstance(entry, list) and entry and all(isinstance(one, str) for one in entry):
            computed[name] = f"coalesce({', '.join(f'`{one}`' for one in entry)})"
        elif isinstance(entry, str) and entry.startswith(COMPUTED):
            computed[name] = entry.removeprefix(COMPUTED)
        else:
            texts[name] = entry
    return _texts(key, texts, problems), computed


def _tables(key: str, value: object, problems: list[str]) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        problems.append(f"{key}: expected a table for each field, such as [values.kind]")
        return {}
    return {name: _texts(f"{key}.{name}", entry, problems) for name, entry in value.items()}


def _items(key: str, value: object, known: tuple[str, ...], problems: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if not isinstance(value, dict):
        problems.append(f"{key}: expected a table of {', '.join(known)}")
        return {}
    for name, entry in value.items():
        if name not in known:
            problems.append(f"{key}.{name}: not a part of {key}; known are {', '.join(known)}")
        elif isinstance(entry, str):
            found[name] = (entry,)
        elif isinstance(entry, list) and entry and all(isinstance(one, str) for one in entry):
            found[name] = tuple(entry)
        else:
            problems.append(f"{key}.{name}: expected the name of a member, or a list of such")
    return found


def _rules(key: str, value: object, problems: list[str]) -> tuple[Rule, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        problems.append(f"{key}: expected [[touchpoints]], a table for each touchpoint that a row makes")
        return ()
    return tuple(_rule(f"{key}.{i}", dict(entry), problems) for i, entry in enumerate(value))


def _rule(key: str, entry: dict[str, Any], problems: list[str]) -> Rule:
    when = _typed(f"{key}.when", entry.pop("when"), str, "a condition", problems) if "when" in entry else None
    each = _typed(f"{key}.each", entry.pop("each"), str, "a path to an array", problems) if "each" in entry else None
    constants = _texts(f"{key}.constants", entry.pop("constants", {}), problems)
    columns, computed = _columns(key, entry, problems)
    if "kind" in columns:
        # A kind is what a touchpoint is, not where it stands.
        constants["kind"] = columns.pop("kind")
    return Rule(
        columns, constants, computed, when if isinstance(when, str) else None, each if isinstance(each, str) else None
    )


def _times(key: str, value: object, problems: list[str]) -> dict[str, str]:
    return dict.fromkeys(TIMES, value) if isinstance(value, str) else _texts(key, value, problems)


_READERS: Final[dict[str, tuple[str, Callable[[str, object, list[str]], Any]]]] = {
    "constants": ("constants", _texts),
    "computed": ("computed", _texts),
    "time_format": ("time_formats", _times),
    "names": ("names", _list),
    "nothing": ("nothing", _list),
    "lines": ("lines", lambda key, value, problems: _items(key, value, ITEM, problems)),
    "fill": ("fill", lambda key, value, problems: _items(key, value, FILL, problems)),
    "snapshot": ("snapshot", lambda key, value, problems: _items(key, value, SNAPSHOT, problems)),
    "touchpoints": ("touchpoints", _rules),
}

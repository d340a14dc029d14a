"""Settings of a policy that can be used one by one, but not together."""

from collections.abc import Mapping
from typing import Any, Final

from processors.policy.keys import Path, Problem, problem
from processors.policy.settings import KEYS, OPTIONAL, TARGETS, leaves

# Of each pair the first must be less than the second.
_ORDERED: Final[tuple[tuple[Path, Path], ...]] = (
    (("value", "middle"), ("value", "high")),
    (("satisfaction", "low"), ("satisfaction", "high")),
    (("bond", "weak"), ("bond", "strong")),
)


def check_contradictions(text: str, document: Mapping[str, Any]) -> list[Problem]:
    """What contradicts what, where the values themselves can be used; each on the line of the key to change."""
    given = dict(leaves(document))
    usable = {path: value for path, value in given.items() if path in KEYS and KEYS[path].accepts(value)}
    return _order(text, given, usable) + _targets(text, given) + _immediate_silence(text, usable)


def _order(text: str, given: Mapping[Path, Any], usable: Mapping[Path, Any]) -> list[Problem]:
    problems = []
    for low, high in _ORDERED:
        if any(path in given and path not in usable for path in (low, high)):
            continue  # told already
        least, most = (usable.get(path, OPTIONAL[path][1]) for path in (low, high))
        if least >= most:
            at, other, word, value, limit = (
                (low, high, "below", least, most) if low in usable else (high, low, "above", most, least)
            )
            default = "" if other in usable else ", its default"
            problems.append(problem(text, at, f"= {value}: must be {word} {'.'.join(other)} = {limit}{default}"))
    return problems


def _targets(text: str, given: Mapping[Path, Any]) -> list[Problem]:
    outside, inside = TARGETS
    if outside not in given or inside not in given:
        return []
    return [problem(text, inside, f"and {'.'.join(outside)} exclude each other: choose one")]


def _immediate_silence(text: str, usable: Mapping[Path, Any]) -> list[Problem]:
    """The trap: right after a purchase P(alive) is only (b + x) / (a + b + x), least at the first that counts."""
    a, b, threshold = (usable.get(("churn", name)) for name in ("a", "b", "threshold"))
    if a is None or b is None or threshold is None or threshold < b / (a + b):
        return []
    told = (
        f"= {threshold} would end a relationship at the moment of its purchase: right after one, P(alive) is only "
        f"b / (a + b) = {b / (a + b):.4f} with these parameters; choose a lower threshold"
    )
    return [problem(text, ("churn", "threshold"), told)]

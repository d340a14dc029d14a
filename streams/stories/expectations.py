"""What a story may expect, in which words, and where the answer stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from processors.judgements.catalogue import NEEDS, RISKS, STEPS, TIERS
from processors.lifecycle.facts import CAUSES
from processors.lifecycle.stages import STAGES
from processors.policy.policy import exponent
from processors.policy.rules import CATEGORIES, TRUST_FACTORS
from streams.stories.story import Expected, Within

NONE: Final = "none"
NOT_KNOWN: Final = "not_known"  # where a story says none, it means that


@dataclass(frozen=True)
class Expectation:
    """One key of ``expect``: the words that it allows, and the column of ``profiles`` that answers.

    ``place``: which entry of a column that is a list. ``several``: the whole list is compared, as a set. One that
    allows no words is a number. ``number``: the column that answers where a number is expected in place of a word.
    ``is_money``: that number is in minor units of the policy's currency, and expected in major units.
    """

    allowed: tuple[str, ...]
    column: str
    place: int | None = None
    several: bool = False
    number: str = ""
    is_money: bool = False

    def answer(self, profile: Mapping[str, Any]) -> Expected:
        """What the profile says, in the words of a story; an empty text is none."""
        value = profile[self.column]
        if not self.allowed:
            return self._figure(profile, self.column)
        if self.several:
            return tuple(value)
        return str(value if self.place is None else value[self.place]) or NONE

    def figure(self, profile: Mapping[str, Any]) -> Within | None:
        """The number that the profile says beside a word; None: it says none."""
        return self._figure(profile, self.number) if self.number else None

    def _figure(self, profile: Mapping[str, Any], column: str) -> Within:
        value = profile[column]
        found = value / 10 ** exponent(profile["currency"]) if self.is_money else value
        return Within(found, found)


@dataclass(frozen=True)
class Published:
    """A key of ``expect`` that lists a column of ``transitions``, in the order of publication."""

    allowed: tuple[str, ...]
    column: str


_STAGES: Final = STAGES[1:]
_REASONS: Final = ("core_failure", "better_alternative", "life_stage", "neglect", "explicit", "unknown", NONE)

PUBLISHED: Final = {"path": Published(_STAGES, "to_stage"), "causes": Published(CAUSES, "cause")}

TRIGGERS: Final = "triggers"
"""The key of ``expect`` that lists what rules of the policy did: tables of rule, outcome and, where it matters, at."""

EXPECTATIONS: Final = {
    "stage": Expectation(_STAGES, "stage"),
    "dissolution.by": Expectation(("customer", "firm", "both", NONE), "ended_by"),
    "dissolution.reason": Expectation(_REASONS, "end_reason"),
    "let_go": Expectation(
        ("deal_seeker", "norm_violator", "high_maintenance", "out_of_target"), "let_go", several=True
    ),
    "bond.type": Expectation(("intellectual", "emotional", "both", NONE), "bond_type"),
    "bond.strength": Expectation(("strong", "weak", NONE), "bond_strength"),
    "relationship": Expectation(("exchange", "communal"), "relationship_type"),
    "involvement": Expectation(("situational", "enduring"), "involvement"),
    "category.observed": Expectation(CATEGORIES, "observed_category"),
    "category.recommended": Expectation((*CATEGORIES, NOT_KNOWN), "recommended_category"),
    "motivation": Expectation(("acquisition", "retention", "expansion"), "motivation"),
    "next_step": Expectation(STEPS[1:], "next_step"),
    "tier": Expectation((*TIERS[1:], NONE), "value_tier"),
    "need": Expectation((*NEEDS[1:], NONE), "need"),
    "risk": Expectation((*RISKS[1:], NONE), "risk_band", number="churn_risk"),
    "p_alive": Expectation((), "p_alive"),
    "value": Expectation((), "clv_minor", is_money=True),
    **{f"commitment.{by}": Expectation((), f"commitment_{by}") for by in ("contribution", "investment", "consistency")},
    **{
        f"trust.{factor}": Expectation(("positive", "negative", NONE), "trust_signs", place)
        for place, factor in enumerate(TRUST_FACTORS)
    },
}


def tables() -> dict[str, tuple[str, ...]]:
    """The tables among the keys of ``expect``, such as ``bond``, each with its keys."""
    found: dict[str, tuple[str, ...]] = {}
    for key in EXPECTATIONS:
        table, _, inner = key.partition(".")
        if inner:
            found[table] = (*found.get(table, ()), inner)
    return found

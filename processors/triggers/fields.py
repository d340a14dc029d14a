"""What the condition of a rule can ask of a customer: every field, its type, and the column of ``profiles`` behind it.

A condition is computed over an array of numbers, one for each field, at the field's place: what is not known is nan,
a truth is 0 or 1, a word is its place among the words of the field. ``processors.triggers.loading`` fills the array.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from processors.judgements.catalogue import (
    BOND_STRENGTH,
    BOND_TYPE,
    INVOLVEMENT,
    JUDGEMENT_NAMES,
    JUDGEMENT_WORDS,
    LET_GO,
    LET_GO_NAMES,
    NEEDS,
    RELATIONSHIP,
    SIGNS,
    TIERS,
    TRUST,
)
from processors.judgements.categories import RECOMMENDATIONS
from processors.lifecycle.stages import STAGES
from processors.policy.rules import CATEGORIES, TRUST_FACTORS
from processors.row.layout import FACTORS, TRAITS

NUMBER: Final = "a number"
TRUTH: Final = "true or false"
WORD: Final = "a word"
TEXT: Final = "a text"
_MS_PER_DAY: Final = 86_400_000.0


@dataclass(frozen=True)
class Field:
    """``sql``: the same over a row of the view ``profiles``, null where it is not known; empty: no report has it.

    ``words``: of a word, all that it can be, each at its number; the first may be empty, and is then called none.
    ``figures``: whether it takes the numbers of ``processors.judgements.standing``.
    """

    name: str
    type: str
    sql: str
    words: tuple[str, ...] = ()
    figures: bool = False


def _numbers(names: str, *, figures: bool = False) -> list[Field]:
    return [Field(name, NUMBER, f"toFloat64({name})", figures=figures) for name in names.split()]


def _word(name: str, words: tuple[str, ...], sql: str = "") -> Field:
    return Field(name, WORD, sql or name, words, figures=True)


def _age(name: str, later: str, earlier: str, *, figures: bool = False) -> Field:
    """Days from one instant to another."""
    distance = f"toUnixTimestamp64Milli({later}) - toUnixTimestamp64Milli({earlier})"
    return Field(name, NUMBER, f"toFloat64({distance}) / {_MS_PER_DAY}", figures=figures)


AFFECTION: Final = (BOND_STRENGTH, BOND_TYPE, RELATIONSHIP, INVOLVEMENT, *range(TRUST, TRUST + FACTORS))
"""The judgements that are told without the rest of the figures: see ``judge.judge_affection``."""
CHANNELS: Final = ("internal", "email", "sms", "push")
"""Of a rule; what is internal reaches no customer, and needs no consent."""

# Their order is that in which ``loading`` writes.
PLAIN: Final = (
    *_numbers("touchpoints purchases purchase_days spend_minor margin_minor cost_minor refunded_minor discounted"),
    *_numbers("gifts two_way outbound individual referrals complaints unmapped disclosures returned_orders"),
    *_numbers("episode active_months"),
    Field("win_back", TRUTH, "toUInt8(win_back)"),
    Field("stage", WORD, "stage", STAGES),
    _age("days_since_first", "as_of", "first_at"),
    _age("days_since_last", "as_of", "last_at"),
    _age("days_since_first_purchase", "as_of", "first_purchase_at"),
    _age("days_since_last_purchase", "as_of", "last_purchase_at"),
    _age("days_in_stage", "as_of", "stage_since"),
    _age("days_until_due", "next_due_at", "as_of"),
    *(Field(f"consent_{channel}", TRUTH, f"has(consent, '{channel}')") for channel in CHANNELS[1:]),
)
_JUDGED: Final = [
    (name, words)
    for name, words in zip(JUDGEMENT_NAMES, JUDGEMENT_WORDS, strict=True)
    if name != JUDGEMENT_NAMES[LET_GO] and not name.startswith("trust_")
]
FIGURES: Final = (
    *_numbers("p_alive churn_risk expected_value_minor clv_minor interaction engagement", figures=True),
    *_numbers("commitment_contribution commitment_investment commitment_consistency", figures=True),
    *_numbers("bond_intellectual bond_emotional giving exchanges interest_long interest_short", figures=True),
    *_numbers("two_way_per_quarter individualisation", figures=True),
    *_numbers(" ".join(f"trust_{name}" for name in TRUST_FACTORS), figures=True),
    *_numbers(" ".join(f"mix_{name}" for name in CATEGORIES[1:]), figures=True),
    *_numbers(" ".join(f"{name}_cost_minor" for name in LET_GO_NAMES), figures=True),
    _age("days_since_end", "as_of", "end_at", figures=True),
    *(_word(name, words) for name, words in _JUDGED),
    *(_word(f"trust_sign_{name}", SIGNS, f"trust_signs[{i}]") for i, name in enumerate(TRUST_FACTORS, 1)),
    _word("recommendation_reason", RECOMMENDATIONS),
    _word("segment", tuple(f"{tier}/{need}" for tier in TIERS for need in NEEDS)),
    *(Field(f"let_go_{name}", TRUTH, f"has(let_go, '{name}')", figures=True) for name in LET_GO_NAMES),
)
FIELDS: Final = (*PLAIN, *FIGURES)
PLACES: Final = {field.name: place for place, field in enumerate(FIELDS)}
AFFECTION_PLACES: Final = tuple(
    PLACES[f"trust_sign_{TRUST_FACTORS[which - TRUST]}" if TRUST <= which < TRUST + FACTORS else JUDGEMENT_NAMES[which]]
    for which in AFFECTION
)
BEFORE: Final = len(FIELDS)
AFTER: Final = len(FIELDS) + 1
"""Behind the fields: what the rule's own subject was and is, where a change made it fire."""
FIRST_TRAIT: Final = len(FIELDS) + 2
"""Behind those the properties that the policy names, in its order."""
VALUES: Final = FIRST_TRAIT + TRAITS


def changed(words: tuple[str, ...]) -> dict[str, tuple[int, Field]]:
    """The two fields of a rule that a change of its subject makes fire, and their places."""
    return {
        "before": (BEFORE, Field("before", WORD, "", words)),
        "after": (AFTER, Field("after", WORD, "", words)),
    }


_TYPES: Final = {"string": TEXT, "number": NUMBER, "boolean": TRUTH}


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def properties(declared: Mapping[str, str]) -> dict[str, tuple[int, Field]]:
    """The customer's own properties that a policy declares, by name: their places and fields."""
    found = {}
    for i, (name, kind) in enumerate(declared.items()):
        sql = f"if(mapContains(properties, {quoted(name)}), properties[{quoted(name)}], NULL)"
        found[name] = (FIRST_TRAIT + i, Field(f"properties.{name}", _TYPES[kind], sql))
    return found

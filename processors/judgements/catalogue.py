"""Which judgements there are, in what order a row holds them, and the words of their values."""

from typing import Final

from processors.policy.rules import CATEGORIES, TRUST_FACTORS
from processors.row.layout import JUDGEMENT_ROOM

RISK: Final = 0
TIER: Final = 1
NEED: Final = 2
MOTIVATION: Final = 3
STEP: Final = 4
OBSERVED: Final = 5
RECOMMENDED: Final = 6
BOND_TYPE: Final = 7
BOND_STRENGTH: Final = 8
RELATIONSHIP: Final = 9
INVOLVEMENT: Final = 10
TRUST: Final = 11  # of factor f at TRUST + f
LET_GO: Final = 18
ENDED_BY: Final = 19
REASON: Final = 20
JUDGEMENT_COUNT: Final = 21

RISKS: Final = ("", "low", "high")
TIERS: Final = ("", "low", "middle", "high", "not_known")
NEEDS: Final = ("", "convenience", "price", "advice", "belonging", "not_known")
MOTIVATIONS: Final = ("", "acquisition", "retention", "expansion")
BOND_TYPES: Final = ("", "none", "intellectual", "emotional", "both")
STRENGTHS: Final = ("", "none", "weak", "strong")
RELATIONSHIPS: Final = ("", "exchange", "communal")
INVOLVEMENTS: Final = ("", "situational", "enduring")
SIGNS: Final = ("", "none", "positive", "negative")
ENDERS: Final = ("", "customer", "firm", "both")
REASONS: Final = ("", "core_failure", "better_alternative", "life_stage", "neglect", "explicit", "unknown")
STEPS: Final = (
    "",
    "introduce",
    "invite_to_buy",
    "answer_question",
    "resolve_complaint",
    "win_back_with_apology",
    "win_back_with_offer",
    "win_back_with_attention",
    "let_rest",
    "let_go",
    "call_personally",
    "remind",
    "thank_and_keep",
    "invite_to_community",
    "offer_membership",
    "recommend_related",
)
CATEGORY_WORDS: Final = ("", *CATEGORIES[1:])
RECOMMENDED_WORDS: Final = (*CATEGORY_WORDS, "not_known")

# Bits of LET_GO. Zero is both "not judged yet" and "nobody to let go".
DEAL_SEEKER: Final = 1
NORM_VIOLATOR: Final = 2
HIGH_MAINTENANCE: Final = 4
OUT_OF_TARGET: Final = 8
LET_GO_NAMES: Final = ("deal_seeker", "norm_violator", "high_maintenance", "out_of_target")


def let_go_names(bits: int) -> list[str]:
    """The reasons to let a customer go that a judgement's value holds."""
    return [name for i, name in enumerate(LET_GO_NAMES) if bits >> i & 1]


LET_GO_WORDS: Final = tuple("+".join(let_go_names(bits)) for bits in range(16))

JUDGEMENT_NAMES: Final = (
    "risk_band",
    "value_tier",
    "need",
    "motivation",
    "next_step",
    "observed_category",
    "recommended_category",
    "bond_type",
    "bond_strength",
    "relationship_type",
    "involvement",
    *(f"trust_{name}" for name in TRUST_FACTORS),
    "let_go",
    "ended_by",
    "end_reason",
)
# The words of each judgement's values; the first is that of a value that was not judged yet, or is not there.
JUDGEMENT_WORDS: Final = (
    RISKS,
    TIERS,
    NEEDS,
    MOTIVATIONS,
    STEPS,
    CATEGORY_WORDS,
    RECOMMENDED_WORDS,
    BOND_TYPES,
    STRENGTHS,
    RELATIONSHIPS,
    INVOLVEMENTS,
    *(SIGNS for _ in TRUST_FACTORS),
    LET_GO_WORDS,
    ENDERS,
    REASONS,
)
# What stands before the first judgement, and is not news when that finds it: one number for each of layout.JUDGEMENTS.
# By policies of version 1 a tier was low, and a need convenience, where there was nothing to go by.
_UNKNOWN: Final = (RISK, OBSERVED, RECOMMENDED, LET_GO, ENDED_BY, REASON)
_NOT_KNOWN: Final = {TIER: TIERS.index("not_known"), NEED: NEEDS.index("not_known")}
NEUTRAL_1: Final = tuple(int(which < JUDGEMENT_COUNT and which not in _UNKNOWN) for which in range(JUDGEMENT_ROOM))
NEUTRAL: Final = tuple(_NOT_KNOWN.get(which, NEUTRAL_1[which]) for which in range(JUDGEMENT_ROOM))

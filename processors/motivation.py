"""What the firm wants of a relationship now, and the next best step towards it."""

from typing import Final

from processors.bonds import COMMUNAL
from processors.categories import DEDICATED, PERSONAL
from processors.compiled import compiled_leaf
from processors.dissolution import BETTER_ALTERNATIVE, BY_CUSTOMER, CORE_FAILURE, LIFE_STAGE, NEGLECT
from processors.layout import NEVER, NONE, QUESTIONS, Row
from processors.questions import IS_COMPLAINT
from processors.stages import AWARENESS, DISSOLUTION
from processors.ties import open_ties

ACQUISITION: Final = 1  # as judgements.MOTIVATIONS
RETENTION: Final = 2
EXPANSION: Final = 3

INTRODUCE: Final = 1  # as judgements.STEPS
INVITE_TO_BUY: Final = 2
ANSWER_QUESTION: Final = 3
RESOLVE_COMPLAINT: Final = 4
APOLOGISE: Final = 5
OFFER: Final = 6
PAY_ATTENTION: Final = 7
LET_REST: Final = 8
LET_GO: Final = 9
CALL: Final = 10
REMIND: Final = 11
THANK: Final = 12
INVITE_TO_COMMUNITY: Final = 13
OFFER_MEMBERSHIP: Final = 14
RECOMMEND: Final = 15


@compiled_leaf
def motivation(row: Row, at_risk: bool, is_high: bool) -> int:
    """Acquisition before any purchase; retention in dissolution, at risk, or of high value; otherwise expansion."""
    if row.purchases == 0:
        return ACQUISITION
    return RETENTION if row.stage == DISSOLUTION or at_risk or is_high else EXPANSION


@compiled_leaf
def open_matter(row: Row) -> int:
    """The step that an unresolved complaint or an unanswered question asks for; 0: nothing is open."""
    step = 0
    for i in range(QUESTIONS):
        if row.question_at[i] == NONE or row.question_at[i] < row.episode_at:
            continue
        if int(row.question_complaint[i]) & IS_COMPLAINT and row.question_resolved_at[i] == NEVER:
            return RESOLVE_COMPLAINT
        if row.question_answered_at[i] == NEVER:
            step = ANSWER_QUESTION
    return step


@compiled_leaf
def _after_the_end(by: int, reason: int) -> int:
    if by != BY_CUSTOMER or reason == LIFE_STAGE:
        return LET_REST
    if reason == CORE_FAILURE:
        return APOLOGISE
    return OFFER if reason == BETTER_ALTERNATIVE else PAY_ATTENTION if reason == NEGLECT else REMIND


@compiled_leaf
def next_step(
    row: Row, wanted: int, at_risk: bool, let_go: int, relationship: int, recommended: int, by: int, reason: int
) -> int:
    """The next best step. ``wanted``: the motivation; the other arguments as judged."""
    if row.stage == DISSOLUTION:
        return LET_GO if let_go != 0 else _after_the_end(by, reason)
    matter = open_matter(row)
    if matter != 0:
        return matter
    if wanted == ACQUISITION:
        return INTRODUCE if row.stage <= AWARENESS else INVITE_TO_BUY
    if let_go != 0:
        return LET_GO
    if wanted == RETENTION:
        if not at_risk:
            return THANK
        in_person = recommended in (PERSONAL, DEDICATED)
        return CALL if in_person else REMIND
    if relationship == COMMUNAL:
        return INVITE_TO_COMMUNITY
    return OFFER_MEMBERSHIP if open_ties(row) == 0 else RECOMMEND

"""What the firm wants of a relationship now, and the next best step towards it."""

from typing import Final

from processors.compiled import compiled_leaf
from processors.judgements.bonds import COMMUNAL
from processors.judgements.categories import DEDICATED, PERSONAL
from processors.lifecycle.dissolution import BETTER_ALTERNATIVE, BY_CUSTOMER, CORE_FAILURE, LIFE_STAGE, NEGLECT
from processors.lifecycle.stages import AWARENESS, DISSOLUTION
from processors.lifecycle.ties import is_member, open_ties
from processors.row.layout import NEVER, NONE, QUESTIONS, Row
from processors.row.outreach import wants_no_mail
from processors.row.questions import IS_COMPLAINT

MOTIVE_ACQUISITION: Final = 1  # as judgements.MOTIVATIONS
MOTIVE_RETENTION: Final = 2
MOTIVE_EXPANSION: Final = 3

STEP_INTRODUCE: Final = 1  # as judgements.STEPS
STEP_INVITE_TO_BUY: Final = 2
STEP_ANSWER_QUESTION: Final = 3
STEP_RESOLVE_COMPLAINT: Final = 4
STEP_APOLOGISE: Final = 5
STEP_OFFER: Final = 6
STEP_PAY_ATTENTION: Final = 7
STEP_LET_REST: Final = 8
STEP_LET_GO: Final = 9
STEP_CALL: Final = 10
STEP_REMIND: Final = 11
STEP_THANK: Final = 12
STEP_INVITE_TO_COMMUNITY: Final = 13
STEP_OFFER_MEMBERSHIP: Final = 14
STEP_RECOMMEND: Final = 15
_WRITTEN: Final = (
    STEP_INTRODUCE,
    STEP_INVITE_TO_BUY,
    STEP_APOLOGISE,
    STEP_OFFER,
    STEP_PAY_ATTENTION,
    STEP_REMIND,
    STEP_INVITE_TO_COMMUNITY,
    STEP_OFFER_MEMBERSHIP,
    STEP_RECOMMEND,
)


@compiled_leaf
def motivation(row: Row, at_risk: bool, is_high: bool) -> int:
    """Acquisition before any purchase; retention in dissolution, at risk, or of high value; otherwise expansion."""
    if row.purchases == 0:
        return MOTIVE_ACQUISITION
    return MOTIVE_RETENTION if row.stage == DISSOLUTION or at_risk or is_high else MOTIVE_EXPANSION


@compiled_leaf
def open_matter(row: Row) -> int:
    """The step that an unresolved complaint or an unanswered question asks for; 0: nothing is open."""
    step = 0
    for i in range(QUESTIONS):
        if row.question_at[i] == NONE or row.question_at[i] < row.episode_at:
            continue
        if int(row.question_complaint[i]) & IS_COMPLAINT and row.question_resolved_at[i] == NEVER:
            return STEP_RESOLVE_COMPLAINT
        if row.question_answered_at[i] == NEVER:
            step = STEP_ANSWER_QUESTION
    return step


@compiled_leaf
def _after_the_end(by: int, reason: int) -> int:
    if by != BY_CUSTOMER or reason == LIFE_STAGE:
        return STEP_LET_REST
    if reason == CORE_FAILURE:
        return STEP_APOLOGISE
    return STEP_OFFER if reason == BETTER_ALTERNATIVE else STEP_PAY_ATTENTION if reason == NEGLECT else STEP_REMIND


@compiled_leaf
def next_step(
    row: Row,
    wanted: int,
    at_risk: bool,
    let_go: int,
    relationship: int,
    recommended: int,
    by: int,
    reason: int,
    in_peace: bool,
) -> int:
    """The next best step. ``wanted``: the motivation; ``in_peace``: who has left is; the other arguments as judged.

    Who asked not to be written to is left in peace where the step is a message of marketing. What is asked is answered,
    what went wrong is put right, and people of the firm may call.
    """
    if in_peace:
        return STEP_LET_REST
    step = _fitting_step(row, wanted, at_risk, let_go, relationship, recommended, by, reason)
    return STEP_LET_REST if step in _WRITTEN and wants_no_mail(row) else step


@compiled_leaf
def _fitting_step(
    row: Row, wanted: int, at_risk: bool, let_go: int, relationship: int, recommended: int, by: int, reason: int
) -> int:
    """The step that fits a relationship, whether or not it may be taken."""
    if row.stage == DISSOLUTION:
        return STEP_LET_GO if let_go != 0 else _after_the_end(by, reason)
    matter = open_matter(row)
    if matter != 0:
        return matter
    if wanted == MOTIVE_ACQUISITION:
        return STEP_INTRODUCE if row.stage <= AWARENESS else STEP_INVITE_TO_BUY
    if let_go != 0:
        return STEP_LET_GO
    if wanted == MOTIVE_RETENTION:
        if not at_risk:
            return STEP_THANK
        in_person = recommended in (PERSONAL, DEDICATED)
        return STEP_CALL if in_person else STEP_REMIND
    if relationship == COMMUNAL:
        return STEP_INVITE_TO_COMMUNITY
    return STEP_RECOMMEND if open_ties(row) > 0 or is_member(row) else STEP_OFFER_MEMBERSHIP

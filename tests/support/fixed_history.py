"""A fixed history with every kind of correction in it; run as a module, it prints the ids of its facts."""

import numpy as np

from support.relationship import (
    BLOCK,
    CONTACTED,
    LEAVE,
    ORDER,
    REVIEW,
    SIGN_UP,
    VISIT,
    Relationship,
    at_day,
    policy,
    touch,
)

ARRIVALS = [
    *[(10, VISIT), (3, CONTACTED), (6, VISIT), (20, ORDER), (21, SIGN_UP), (160, ORDER), (90, ORDER)],
    *[(170, LEAVE), (180, ORDER), (175, VISIT), (600, VISIT), (650, CONTACTED), (240, ORDER), (590, VISIT)],
    *[(700, BLOCK), (690, LEAVE), (1500, ORDER), (1400, REVIEW), (1507, ORDER), (1514, ORDER)],
]


def fixed_history() -> list[tuple[int, ...]]:
    """(id, stage, instant, cause, superseded …) of each fact of the history, a change of policy included."""
    relationship = Relationship(policy(model="mbgnbd").rules)
    for number, (day, flags) in enumerate(ARRIVALS):
        relationship.meet(touch(day, flags, number))
    relationship.judge_by(policy(commitment_weeks=50, consistency_weeks=60).rules)
    relationship.tick(at_day(1_600))
    relationship.meet(touch(1_520, ORDER, 99))
    relationship.tick(at_day(9_000))
    return [(f.id, f.to_stage, f.at, f.cause, *f.supersedes) for f in relationship.facts]


if __name__ == "__main__":
    # Arithmetic of 64 bits wraps round on purpose; only plain numpy remarks on it.
    with np.errstate(over="ignore"):
        for fact in fixed_history():
            print(*fact)

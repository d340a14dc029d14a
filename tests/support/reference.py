"""The rules of the stages in plain Python, over lists of touchpoints in order of time: slow, and easy to believe."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from processors.policy.rules import BG, CONTRIBUTION, CUSTOMER, CUSTOMER_EXIT, FIRM_EXIT, INVESTMENT, PURCHASE, Rules
from support.relationship import DAY, Touch

AWARENESS, EXPLORATION, COMMITMENT, DISSOLUTION = 1, 2, 3, 4
FOREVER: Final = math.inf
Path = list[tuple[int, int, float]]  # (episode, stage, instant in ms)
EXITS: Final = CUSTOMER_EXIT | FIRM_EXIT


@dataclass
class Episode:
    """A beginning of the relationship: its touchpoints, and when it came to which stage."""

    touches: list[Touch] = field(default_factory=list)
    entered: dict[int, float] = field(default_factory=dict)


def week_of(at: int) -> int:
    """Number of the week, from Monday on; 1970-01-01 was a Thursday."""
    return (at // DAY + 3) // 7


def crossing(rules: Rules, purchases: list[int]) -> float:
    """T* as the issue gives it, for these purchase instants."""
    x = len({at // DAY for at in purchases}) - 1
    t_x = (max(purchases) - min(purchases)) / rules.unit_ms
    survived = rules.b + x
    if rules.model == BG:
        survived -= 1
        if x == 0:
            return FOREVER
    odds = (1 - rules.threshold) * survived / (rules.threshold * rules.a)
    age: float = (rules.alpha + t_x) * odds ** (1 / (rules.r + x)) - rules.alpha
    silent: int = math.ceil(age * rules.unit_ms)
    return max(max(purchases), min(purchases) + silent)


def lasting(steps: Iterable[tuple[int, int, float]]) -> Path:
    """Stages and episodes that lasted longer than no time at all, in order; episodes are numbered anew."""
    episodes: dict[int, list[tuple[int, float]]] = {}
    for episode, stage, at in sorted(steps):
        episodes.setdefault(episode, []).append((stage, at))
    path: Path = []
    for entered in episodes.values():
        lasted = [step for i, step in enumerate(entered) if all(step[1] < later for _, later in entered[i + 1 :])]
        # An episode that begins by a return begins alive: an end alone is all that is left of one that did not last.
        if not path or lasted[0][0] != DISSOLUTION:
            number = path[-1][0] + 1 if path else 1
            path += [(number, stage, at) for stage, at in lasted]
    return path


class History:
    """What became of a customer, by touchpoints that are handed over in order of time."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.purchases: list[int] = []
        self.episodes = [Episode()]

    def silence(self) -> float:
        """When silence ends the current episode."""
        now = self.episodes[-1].touches
        if any(t.flags & PURCHASE for t in now):
            return crossing(self.rules, self.purchases)
        initiatives = [t.at for t in now if t.flags & CUSTOMER]
        return max(initiatives) + self.rules.hiatus_ms if initiatives else FOREVER

    def pass_time(self, until: float, *, included: bool) -> None:
        """End the current episode where its silence lasts until then."""
        now = self.episodes[-1].entered
        end = self.silence()
        if DISSOLUTION not in now and now and (end < until or (included and end == until)):
            now[DISSOLUTION] = end

    def committed(self) -> bool:
        """Whether the current episode has what commitment asks for."""
        now = self.episodes[-1].touches
        taken = {week_of(t.at) for episode in self.episodes[:-1] for t in episode.touches if t.flags & PURCHASE}
        weeks = {week_of(t.at) for t in now if t.flags & PURCHASE} - taken
        invested = any(t.flags & (INVESTMENT | CONTRIBUTION) for t in now)
        enough = self.rules.commitment_weeks if invested else self.rules.consistency_weeks
        return bool(len(weeks) >= min(enough, self.rules.consistency_weeks))

    def add(self, touch: Touch) -> None:
        """One more touchpoint, not older than the ones before."""
        self.pass_time(touch.at, included=False)
        if DISSOLUTION in self.episodes[-1].entered:
            if not touch.flags & CUSTOMER or touch.at <= self.episodes[-1].entered[DISSOLUTION]:
                return
            self.episodes.append(Episode())
        now = self.episodes[-1]
        now.touches.append(touch)
        if touch.flags & PURCHASE:
            self.purchases.append(touch.at)
        if touch.flags & EXITS:
            now.entered[DISSOLUTION] = touch.at
        elif self.committed():
            now.entered.setdefault(COMMITMENT, touch.at)
        elif touch.flags & CUSTOMER:
            now.entered.setdefault(EXPLORATION, touch.at)
        elif len(self.episodes) == 1 and not now.entered:
            now.entered[AWARENESS] = touch.at

    def path(self) -> Path:
        """(episode, stage, instant) of each stage that lasted."""
        return lasting([(n, *step) for n, episode in enumerate(self.episodes, 1) for step in episode.entered.items()])

    def returns(self) -> set[Touch]:
        """The initiatives that opened the episodes after the first."""
        return {next(t for t in episode.touches if t.flags & CUSTOMER) for episode in self.episodes[1:]}


def in_order(touches: list[Touch]) -> list[Touch]:
    """By instant; of one instant, exits come last."""
    return sorted(touches, key=lambda t: (t.at, bool(t.flags & EXITS)))


def history(touches: list[Touch], rules: Rules, until: float = FOREVER) -> History:
    """What became of a customer with these touchpoints, by ``until``."""
    told = History(rules)
    for touch in in_order(touches):
        told.add(touch)
    told.pass_time(until, included=True)
    return told


def is_within_limits(arrived: list[Touch], rules: Rules, episodes: int = 2) -> bool:
    """Whether corrections promise to get this order of arrival right (see processors/lifecycle/corrections.py).

    There are never more than ``episodes``, and no touchpoint puts an end before an initiative that was known: a return
    is new only if it is the newest initiative, or the one that was the return until then is no longer one. Of exits
    that follow a late initiative, no more than one was known, and none in its millisecond.
    """
    before: set[Touch] = set()
    for count, newest in enumerate(arrived):
        told = history(arrived[: count + 1], rules)
        returns = told.returns()
        known = [touch for touch in arrived[:count] if touch.flags & CUSTOMER]
        moved = newest in returns and any(touch.at > newest.at for touch in known)
        if len(told.episodes) > episodes or not returns <= before | {newest}:
            return False
        if moved and len(returns) > len(before):
            return False
        later_exits = [touch for touch in arrived[:count] if touch.flags & EXITS and touch.at >= newest.at]
        late = any(touch.at > newest.at for touch in arrived[:count])
        same_instant = late and any(touch.at == newest.at for touch in later_exits)
        if newest.flags & CUSTOMER and (len(later_exits) > 1 or same_instant):
            return False
        before = returns
    return True

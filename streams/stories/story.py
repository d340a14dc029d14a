"""What a story is once it is checked, and what is said of one that is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processors.policy.policy import Policy

Told = str | int | float | Mapping[str, str]


@dataclass(frozen=True)
class Within:
    """A number from ``low`` to ``high``, both included; an answer is one whose ends are equal."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4g}" if self.low == self.high else f"{self.low:.4g} to {self.high:.4g}"


Expected = str | tuple[str, ...] | Within


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a story's file: its dotted key, empty where it concerns the whole, and what is."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key} {self.message}" if self.key else self.message


class StoryError(ValueError):
    """A file that is no story; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Touchpoint:
    """A touchpoint of a story: what it tells, by the names of ``schemas.fields.FIELDS``.

    Instants in ms since 1970 (UTC), money in minor units of ``currency``, properties as a mapping of texts. What the
    story leaves out and has no default is missing. ``alias``: not empty where it is none, but an explicit link of that
    known id with the customer's.
    """

    told: Mapping[str, Told]
    alias: str = ""

    @property
    def customer(self) -> str:
        """Whose it is."""
        return str(self.told["customer_id" if self.is_known else "anonymous_id"])

    @property
    def is_known(self) -> bool:
        """Whether it names a known customer."""
        return "customer_id" in self.told

    @property
    def at(self) -> int:
        """When it happened, in ms since 1970 (UTC)."""
        at = self.told["occurred_at"]
        assert isinstance(at, int)
        return at

    @property
    def kind(self) -> str:
        """What happened, in snake_case."""
        return str(self.told["kind"])


@dataclass(frozen=True)
class Story:
    """A checked story: ``touchpoints`` in the order of arrival, ``expected`` by key, judged of ``customer`` at ``at``.

    The keys are those of ``expectations.EXPECTATIONS``; an expected list is a tuple.
    """

    name: str
    why: str
    policy: Policy
    touchpoints: tuple[Touchpoint, ...]
    at: int
    customer: str
    expected: Mapping[str, Expected]

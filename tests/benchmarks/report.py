"""How a benchmark's figures are shown, and held against their bars."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure, with its bar where it has one."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the bar is met; true without one."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def line(self) -> str:
        """The figure as a line of the report."""
        number = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:,.{self.digits}f}"
        bar = ""
        if self.at_least is not None:
            bar = f"at least {self.at_least:g}: {'met' if self.met else 'MISSED'}"
        elif self.at_most is not None:
            bar = f"at most {self.at_most:g}: {'met' if self.met else 'MISSED'}"
        return f"  {self.name:<44} {number:>12} {self.unit:<9} {bar}".rstrip()

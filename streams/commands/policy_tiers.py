"""Limits of the value tiers as quantiles of what the customers are worth, for a policy whose defaults do not fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from processors.policy.policy import Policy, exponent
from streams.commands.held import FAILED, SettingsProblem, policy_from
from streams.commands.terminal import Terminal
from streams.fitting.store import PolicyEditError, write_table
from streams.reports.sink import Sink

# Who has never bought is in no tier, and would pull every limit towards zero. A profile that no record has touched
# since the currency of the policy changed still tells its value in the old one.
VALUES: Final = (
    "SELECT quantilesExactInclusive({middle:Float64}, {high:Float64})(clv_minor) AS limits, count() AS buyers "
    "FROM profiles WHERE purchases > 0 AND currency = {currency:String}"
)


def tiers(sink: Sink, policy: Policy, quantiles: Sequence[float], write: Path | None, terminal: Terminal) -> int:
    """Print the limits, and store them where asked. 0: done; 1: the values give no limits.

    ``policy`` is the one in force, in whose currency values are told. Raises SettingsProblem where the quantiles or
    the policy to write can't be used; nothing is written then.
    """
    lower, upper = quantiles
    _require_usable(policy, lower, upper, write)
    middle, high, buyers = _limits(sink, policy.currency, lower, upper)
    if not buyers:
        terminal.note(f"relasi: nobody has bought anything in {policy.currency} yet, so there are no values")
        return FAILED
    decimals = exponent(policy.currency)
    terminal.say(f"{buyers:,} buyers, limits in {policy.currency}")
    for name, limit, share in (("middle", middle, lower), ("high", high, upper)):
        terminal.say(f"  {name:<8}{limit:>14,.{decimals}f}   {share:.0%} of the buyers are worth less")
    if not 0 < middle < high:
        terminal.note("relasi: these limits make no three tiers; both must be above zero and differ")
        return FAILED
    if write is not None:
        try:
            write_table(write, "value", {"middle": middle, "high": high})
        except PolicyEditError as error:
            raise SettingsProblem(str(error)) from error
        terminal.say(f"{write}: [value] has them now; `relasi policy apply {write}` puts them in force")
    return 0


def _require_usable(policy: Policy, lower: float, upper: float, write: Path | None) -> None:
    if not 0 < lower < upper < 1:
        raise SettingsProblem(f"--quantiles {lower:g} {upper:g}: expected two shares between 0 and 1, the lower first")
    target = policy_from(write)
    if target is not None and target.currency != policy.currency:
        raise SettingsProblem(
            f"{write}: its amounts are in {target.currency}, but values are told in {policy.currency}, the currency "
            "of the policy in force"
        )


def _limits(sink: Sink, currency: str, lower: float, upper: float) -> tuple[float, float, int]:
    """The two limits in major units, to a minor unit, and how many buyers they come from; zeros without any."""
    (row,) = sink.query(VALUES, {"middle": lower, "high": upper, "currency": currency}).to_pylist()
    if not row["buyers"]:
        return 0.0, 0.0, 0
    decimals = exponent(currency)
    middle, high = (round(value / 10**decimals, decimals) for value in row["limits"])
    return middle, high, row["buyers"]

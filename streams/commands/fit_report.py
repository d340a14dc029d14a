"""How ``relasi fit`` shows its estimates."""

import argparse
import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from streams.commands.fit_silence import as_json as silence_as_json
from streams.commands.fit_silence import as_text as silence_as_text
from streams.commands.purchase_log import EPOCH

if TYPE_CHECKING:
    from streams.fitting.estimate import Estimate
    from streams.fitting.segments import Segment
    from streams.fitting.silence import Ends, Rule

_YEAR: Final = {"week": 52.0, "day": 364.0}


def rounded(fitted: "Estimate") -> dict[str, float]:
    """Eight digits: far more than any log determines, few enough to read."""
    return {name: float(f"{value:.8g}") for name, value in fitted.parameters.items()}


def of_a_newcomer(fitted: "Estimate", unit: str) -> float:
    """Repeat purchases to expect of a new customer within 52 weeks; of Gamma-Gamma the spend of one purchase."""
    from processors.models.pareto import pareto_expected
    from processors.models.purchasing import bg_expected, mbg_expected
    from processors.models.spend import expected_spend

    if fitted.model == "gammagamma":
        p, q, gamma = fitted.values
        return expected_spend(p, q, gamma, 0.0, 0.0)
    expected = {"mbgnbd": mbg_expected, "bgnbd": bg_expected, "paretonbd": pareto_expected}[fitted.model]
    first, second, third, fourth = fitted.values
    return expected(first, second, third, fourth, _YEAR[unit])


def as_json(
    fitted: "Estimate",
    segments: "Sequence[Segment] | None",
    args: argparse.Namespace,
    silence: "tuple[Rule, Ends, Ends] | None" = None,
    spend: "Estimate | None" = None,
) -> str:
    """One object on one line; ``segments`` is there where they were asked for, silence and spend where no model was."""
    answer: dict[str, Any] = {
        "model": fitted.model,
        "params": rounded(fitted),
        "log_likelihood": fitted.log_likelihood,
        "customers": fitted.customers,
    }
    if segments is not None:
        answer["segment_by"] = args.segment
        answer["segments"] = [
            {
                "segment": segment.label,
                "customers": segment.customers,
                "repeating": segment.repeating,
                "parameters": segment.parameters,
                "why": segment.why,
                "params": rounded(segment.fitted),
                "of_a_newcomer": of_a_newcomer(segment.fitted, args.unit),
            }
            for segment in segments
        ]
    if args.model is None:
        answer["silence"] = None if silence is None else silence_as_json(silence[0], silence[1])
        answer["spend"] = None if spend is None else {"params": rounded(spend), "customers": spend.customers}
    return json.dumps(answer) + "\n"


def as_text(
    fitted: "Estimate",
    segments: "Sequence[Segment] | None",
    end: int,
    args: argparse.Namespace,
    silence: "tuple[Rule, Ends, Ends] | None" = None,
    spend: "Estimate | None" = None,
) -> str:
    """A few lines for people."""
    until = date.fromordinal(end + EPOCH)
    of_spend = fitted.model == "gammagamma"
    whom = "customers with spend on repeat days" if of_spend else "customers"
    units = "first purchases left out" if of_spend else f"in {args.unit}s"
    lines = [f"{fitted.model}, {fitted.customers:,} {whom} until {until}, {units}"]
    lines += [f"  {name:<6}{value:>14,.6g}" for name, value in rounded(fitted).items()]
    lines.append(f"  log-likelihood {fitted.log_likelihood:,.2f}")
    if segments is not None:
        lines += _table(segments, args)
    if spend is not None:
        lines.append(f"gammagamma, {spend.customers:,} customers with spend on repeat days, first purchases left out")
        lines += [f"  {name:<6}{value:>14,.6g}" for name, value in rounded(spend).items()]
    told = "" if silence is None else silence_as_text(*silence)
    return "\n".join(lines) + "\n" + told


def _table(segments: "Sequence[Segment]", args: argparse.Namespace) -> list[str]:
    names = list(segments[0].fitted.parameters)
    newcomer = "spend" if "gamma" in names else "52 weeks"
    head = ["customers", "again", *names, newcomer]
    wide = max(len(args.segment), *(len(segment.label) for segment in segments))
    lines = [
        f"by {args.segment} of the first purchase ({newcomer}: what to expect of a newcomer)",
        f"  {args.segment:<{wide}}" + "".join(f"{name:>11}" for name in head),
    ]
    for segment in segments:
        values = [*rounded(segment.fitted).values(), of_a_newcomer(segment.fitted, args.unit)]
        numbers = f"{segment.customers:>11,}{segment.repeating:>11,}" + "".join(f"{value:>11,.4g}" for value in values)
        lines.append(f"  {segment.label:<{wide}}{numbers}  {segment.parameters}: {segment.why}")
    return lines

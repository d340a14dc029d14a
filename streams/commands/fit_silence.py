"""What ``relasi fit`` and ``relasi truth`` say of silence: the share of announced ends that came back."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processors import toml
from processors.policy.settings import setting, version_of
from streams.policies import preset_text
from streams.texts import read_text

if TYPE_CHECKING:
    from streams.fitting.estimate import Estimate
    from streams.fitting.purchases import PurchaseDays
    from streams.fitting.silence import Ends, Rule

_DAYS: Final = {"week": 7.0, "day": 1.0}


def rule_of(fitted: "Estimate", unit: str, policy: Path | None) -> "Rule":
    """The rule of silence of a policy, by default the one that comes with Relasi, with fitted parameters."""
    from streams.fitting.silence import Rule

    document = toml.loads(read_text(policy) if policy is not None else preset_text())
    if version_of(document) < 2:
        document = toml.loads(preset_text())
    silence = document["silence"]
    return Rule(
        fitted.model == "bgnbd",
        (fitted.r, fitted.alpha, fitted.a, fitted.b),
        _DAYS[unit],
        float(silence["horizon_days"]),
        float(silence["return_below"]),
        float(silence["life_days"]),
        float(setting(document, "silence", "rhythm")),
        float(setting(document, "silence", "intervals")),
    )


def learnt_silence(rule: "Rule", days: "PurchaseDays", until: int | None) -> "tuple[Rule, Ends, Ends]":
    """The rule recalibrated by the past, and what came of the ends that it and the model alone would have announced."""
    from streams.fitting.silence import AS_MODELLED, ends, learnt, silences_of

    past = silences_of(days, until)
    told = learnt(rule, past)
    return told, ends(told, past), ends(replace(rule, calibration=AS_MODELLED), past)


def as_json(rule: "Rule", came: "Ends") -> dict[str, Any]:
    """The same as a value of JSON."""
    from streams.fitting.silence import BANDS

    return {
        "horizon_days": rule.horizon_days,
        "promised": rule.return_below,
        "announced": came.announced,
        "came_back": None if math.isnan(came.share) else came.share,
        **{band: list(told) for band, told in zip(BANDS, rule.calibration, strict=True)},
    }


def as_text(rule: "Rule", came: "Ends", alone: "Ends") -> str:
    """A line or two for people."""
    line = f"silence: of {came.announced:,} ends that the rule would have announced in the past, "
    line += f"{_share(came)} came back within {rule.horizon_days:g} days; promised {rule.return_below:.1%}\n"
    return line + f"  without calibration {_share(alone)} of {alone.announced:,}\n"


def _share(came: "Ends") -> str:
    return "none" if math.isnan(came.share) else f"{came.share:.1%}"


def settings_of(rule: "Rule") -> dict[str, tuple[float, ...]]:
    """The calibration as keys of a policy's [silence], to five decimals."""
    from streams.fitting.silence import BANDS

    return {
        band: tuple(round(number, 5) + 0.0 for number in told)
        for band, told in zip(BANDS, rule.calibration, strict=True)
    }

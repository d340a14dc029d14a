"""The gamma function's relatives that the standard library lacks: digamma, and a ratio that keeps its digits."""

import math

from processors.compiled import compiled_leaf

# From here on four terms of the asymptotic series give a double's precision, or next to it.
_LARGE = 12.0


@compiled_leaf
def digamma(z: float) -> float:
    """ψ(z) for z > 0: the recurrence up to a large argument, then Abramowitz & Stegun 6.3.18."""
    shifted = 0.0
    while z < _LARGE:
        shifted -= 1.0 / z
        z += 1.0
    s = 1.0 / (z * z)
    series = s * (1.0 / 12.0 - s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * (1.0 / 240.0 - s / 132.0))))
    return shifted + math.log(z) - 0.5 / z - series


@compiled_leaf
def _stirling_rest(z: float) -> float:
    """lnΓ(z) less (z − ½) ln z − z + ½ ln 2π, for large z: Abramowitz & Stegun 6.1.41."""
    s = 1.0 / (z * z)
    return (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / z


@compiled_leaf
def log_gamma_ratio(z: float, more: float) -> float:
    """ln(Γ(z + more) / Γ(z)) for z, more > 0.

    For large z the two log-gammas agree in nearly all their digits, so Stirling's series are subtracted term by term.
    """
    if z < _LARGE:
        return math.lgamma(z + more) - math.lgamma(z)
    logs = (z - 0.5) * math.log1p(more / z) + more * (math.log(z + more) - 1.0)
    return logs + _stirling_rest(z + more) - _stirling_rest(z)

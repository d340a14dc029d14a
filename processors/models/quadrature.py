"""Gauss-Legendre quadrature on a logarithmic scale, for integrands that change fastest where they begin.

An integral over [0, length] becomes one over v, with t = scale·(e^v − 1), cut into equal panels of ``NODES`` points:
resolved near 0 to a fraction of ``scale``, and a horizon a thousand times longer costs two or three panels more. The
integrands of this model are analytic in v in the strip |Im v| < π, so the rule converges geometrically.
"""

import math

import numpy as np

from processors.compiled import compiled_inline

NODES = 10
FEW = 5  # points of a panel where three digits are enough
_x, _w = np.polynomial.legendre.leggauss(NODES)
# On (0, 1).
ABSCISSAE = (_x + 1.0) / 2.0
WEIGHTS = _w / 2.0
_x, _w = np.polynomial.legendre.leggauss(FEW)
FEW_ABSCISSAE = (_x + 1.0) / 2.0
FEW_WEIGHTS = _w / 2.0
# Measured against adaptive integration: wider panels lose the sixth digit, narrower ones only cost time.
_WIDEST_PANEL = 3.0


@compiled_inline
def panels(length: float, scale: float) -> tuple[int, float]:
    """How many panels of which width in v cover [0, ``length``] (> 0 and finite)."""
    whole = math.log1p(length / scale)
    count = max(1, math.ceil(whole / _WIDEST_PANEL))
    return count, whole / count


@compiled_inline
def point(panel: int, node: int, width: float, scale: float) -> tuple[float, float]:
    """(t, weight) of a node: the integral is the sum over all nodes of weight times the integrand at t."""
    v = (panel + ABSCISSAE[node]) * width
    past = math.expm1(v)
    return scale * past, WEIGHTS[node] * width * scale * (past + 1.0)


@compiled_inline
def rough_point(panel: int, node: int, width: float, scale: float) -> tuple[float, float]:
    """The same with FEW points a panel."""
    v = (panel + FEW_ABSCISSAE[node]) * width
    past = math.expm1(v)
    return scale * past, FEW_WEIGHTS[node] * width * scale * (past + 1.0)

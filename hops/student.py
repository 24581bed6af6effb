"""Student's t: how wide limits are that come from few values."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

# Of the expansion in powers of 1/degrees: the powers of x, and what divides their sum.
_TERMS = (
    ({3: 1, 1: 1}, 4),
    ({5: 5, 3: 16, 1: 3}, 96),
    ({7: 3, 5: 19, 3: 17, 1: -15}, 384),
    ({9: 79, 7: 776, 5: 1482, 3: -1920, 1: -945}, 92160),
)


@cache
def quantile(probability: float, degrees: float) -> float:
    """What a t with so many degrees of freedom is below with a probability: M. Abramowitz and I. A.
    Stegun, Handbook of Mathematical Functions, 26.7.5. For a probability of 0.975 to a percent from
    2 degrees on; up to 0.999 to a thousandth from 9."""
    x = NormalDist().inv_cdf(probability)
    return x + sum(
        sum(factor * x**power for power, factor in powers.items()) / divisor / degrees**order
        for order, (powers, divisor) in enumerate(_TERMS, 1)
    )

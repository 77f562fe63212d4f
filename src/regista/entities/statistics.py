"""The little statistics that a verdict needs."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

CONFIDENCE = 0.95


def welch_interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The 95 percent interval of mean(second) - mean(first) for independent samples of two or more, variances unequal.

    Source: B. L. Welch, "The generalization of 'Student's' problem", Biometrika 34 (1947), with Satterthwaite's degrees."""
    a, b = variance(first) / len(first), variance(second) / len(second)
    difference = fmean(second) - fmean(first)
    if a + b == 0:
        return difference, difference
    degrees = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    reach = student_quantile(0.5 + CONFIDENCE / 2, degrees) * math.sqrt(a + b)
    return difference - reach, difference + reach


def normal_interval(difference: float, first_error: float, second_error: float) -> tuple[float, float]:
    """The 95 percent interval of a difference whose two sides have known standard errors."""
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.hypot(first_error, second_error)
    return difference - reach, difference + reach


def student_quantile(probability: float, degrees: float) -> float:
    """The quantile of Student's t; exact for 1 and 2 degrees, within 1 percent for 3 and more at the usual levels.

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.5."""
    if degrees <= 1.5:
        return math.tan(math.pi * (probability - 0.5))
    if degrees <= 2.5:
        spread = 2 * probability - 1
        return spread * math.sqrt(2 / (1 - spread**2))
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))

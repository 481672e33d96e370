"""Powers, to the last bit as Go computes them on amd64.

Python's come from the C library and now and then differ in the last digit, which a rendered number shows. Source:
Go's ``math/pow.go``, ``log.go`` (the method of FreeBSD's ``e_log.c``), ``exp_amd64.s`` (the method of SLEEF, with
fused multiplications).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

_LN2_HIGH: Final = float.fromhex("0x1.62e42feep-1")
_LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
_LOG_ODD: Final = (
    6.666666666666735130e-01,
    2.857142874366239149e-01,
    1.818357216161805012e-01,
    1.479819860511658591e-01,
)
_LOG_EVEN: Final = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
_SQRT_HALF: Final = 7.07106781186547524401e-01

_LOG2_E: Final = 1.4426950408889634073599246810018920
_LN2_UPPER: Final = 0.69314718055966295651160180568695068359375
_LN2_LOWER: Final = 0.28235290563031577122588448175013436025525412068e-12
_EXP_OVERFLOW: Final = 7.09782712893384e02
_EXP_SERIES: Final = tuple(1 / math.factorial(n) for n in (8, 7, 6, 5, 4, 3, 2, 1))


def power(base: float, exponent: float) -> float:
    """``base`` to the ``exponent``."""
    if exponent == 0 or base == 1:
        return 1.0
    if math.isnan(base) or math.isnan(exponent):
        return math.nan
    if base == 0:
        return _power_of_zero(base, exponent)
    if math.isinf(exponent):
        return _power_to_infinity(base, exponent)
    if math.isinf(base):
        return _power_of_zero(1 / base, -exponent)
    if exponent in (1, 0.5, -0.5) and (exponent == 1 or base > 0):
        return base if exponent == 1 else math.sqrt(base) if exponent > 0 else 1 / math.sqrt(base)
    fraction, whole = math.modf(abs(exponent))
    if fraction != 0 and base < 0:
        return math.nan
    if whole >= 2.0**63:
        return _power_to_infinity(base, math.copysign(math.inf, exponent))
    return _finite(base, whole, fraction, exponent < 0)


def _odd(number: float) -> bool:
    return math.isfinite(number) and abs(number) < 2.0**53 and number == math.floor(number) and number % 2 == 1


def _power_of_zero(base: float, exponent: float) -> float:
    signed = math.copysign(1.0, base) if _odd(exponent) else 1.0
    return signed * (math.inf if exponent < 0 else 0.0)


def _power_to_infinity(base: float, exponent: float) -> float:
    if base == -1:
        return 1.0
    return 0.0 if (abs(base) < 1) is (exponent > 0) else math.inf


def _finite(base: float, whole: float, fraction: float, inverse: bool) -> float:
    mantissa, binary = 1.0, 0
    if fraction > 0.5:
        fraction, whole = fraction - 1, whole + 1
    if fraction != 0:
        mantissa = exponential(fraction * logarithm(base))
    square, square_binary = math.frexp(base)
    left = int(whole)
    while left:
        if abs(square_binary) > 1 << 12:
            # Out of range whatever follows.
            binary += square_binary
            break
        if left & 1:
            mantissa *= square
            binary += square_binary
        square *= square
        square_binary *= 2
        if square < 0.5:
            square, square_binary = square + square, square_binary - 1
        left >>= 1
    if inverse:
        mantissa, binary = 1 / mantissa, -binary
    try:
        return math.ldexp(mantissa, binary)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


def logarithm(number: float) -> float:
    """The natural logarithm of a positive finite number."""
    mantissa, binary = math.frexp(number)
    if mantissa < _SQRT_HALF:
        mantissa, binary = mantissa * 2, binary - 1
    f = mantissa - 1
    s = f / (2 + f)
    square = s * s
    fourth = square * square
    series = square * _horner(_LOG_ODD, fourth) + fourth * _horner(_LOG_EVEN, fourth)
    half_square = 0.5 * f * f
    return binary * _LN2_HIGH - ((half_square - (s * (half_square + series) + binary * _LN2_LOW)) - f)


def _horner(coefficients: tuple[float, ...], at: float) -> float:
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = coefficient + at * value
    return value


def exponential(number: float) -> float:
    """E to the ``number``, which is finite."""
    if number > _EXP_OVERFLOW:
        return math.inf
    binary = round(number * _LOG2_E)
    rest = _fused(-float(binary), _LN2_UPPER, number)
    rest = _fused(-float(binary), _LN2_LOWER, rest) * 0.0625
    value = _EXP_SERIES[0]
    for coefficient in _EXP_SERIES[1:]:
        value = _fused(rest, value, coefficient)
    value *= rest
    for _ in range(3):
        value = (2 + value) * value
    return math.ldexp(_fused(2 + value, value, 1.0), binary)


def _fused(left: float, right: float, addend: float) -> float:
    """Product and sum, rounded once."""
    return float(Fraction(left) * Fraction(right) + Fraction(addend))

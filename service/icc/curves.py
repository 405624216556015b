"""Tone curves: with a formula, Y = (aX + b)^g from d on and cX below (ICC.1 10.18, function type 3), or in steps.

Steps are tenths of lightness (CIE L*), one for each value that a picture of 8 bits can hold: finer than anybody sees,
and too coarse for a table to carry anything but a curve.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

CODES: Final[Samples] = np.arange(256) / 255  # what a picture of 8 bits can hold
_VISIBLE: Final = 0.5  # of L*, from black to white 100: half of what anybody sees between two patches


@dataclass(frozen=True)
class Curve:
    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0

    def of(self, codes: Samples) -> Samples:
        """Linear light for stored values, both from 0 to 1."""
        return shape(codes, *self.numbers)

    @property
    def numbers(self) -> tuple[float, float, float, float, float]:
        return self.gamma, self.a, self.b, self.c, self.d

    def rounded(self) -> "Curve":
        """To four places: a fraction of a step of 8 bits, and no room for anything but a number."""
        return Curve(*(round(number, 4) for number in self.numbers))


@dataclass(frozen=True)
class Steps:
    """`tenths` of L*, 256 of them, which never fall."""

    tenths: tuple[int, ...]

    def of(self, codes: Samples) -> Samples:
        light: Samples = np.interp(codes, CODES, self.light)
        return light

    @property
    def light(self) -> Samples:
        """At CODES, to what 16 bits can tell."""
        lightness = np.array(self.tenths) / 10
        light = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)
        exact: Samples = np.rint(light * 65535) / 65535
        return exact


SRGB_CURVE: Final = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1
_NAMED: Final = (
    SRGB_CURVE,
    Curve(563 / 256),  # Adobe RGB (1998) 4.3.4.2
    Curve(1.8),
    Curve(2.2),
    Curve(1.0),
    Curve(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081),  # ITU-R BT.709
    Curve(3.0, 100 / 116, 16 / 116, 2700 / 24389, 0.08),  # L*, as eciRGB v2 has it
)


def shape(
    codes: Samples, gamma: float, a: float, b: float, c: float, d: float, e: float = 0.0, f: float = 0.0
) -> Samples:
    """Function type 4 of ICC.1 10.18, of which the others are special cases, from 0 to 1 whatever the numbers are."""
    with np.errstate(all="ignore"):
        power = np.maximum(a * codes + b, 0) ** gamma + e
        light: Samples = np.nan_to_num(np.where(codes >= d, power, c * codes + f), nan=0.0)
    return np.clip(light, 0, 1)


def fitted(samples: Samples, *own: Curve) -> Curve | Steps | None:
    """A curve that shows the same tones as `samples` (at CODES, 0 to 1), one of its `own` perhaps.

    Steps where no formula does; None for what falls anywhere.
    """
    candidates = [*(curve.rounded() for curve in own), *_NAMED, *_powers(samples)]
    found = [(difference(curve.of(CODES), samples), curve) for curve in candidates]
    away, best = min(found, key=lambda each: each[0])
    if away <= _VISIBLE:
        return best
    tenths = np.rint(10 * _lightness(samples)).astype(int)
    return Steps(tuple(tenths.tolist())) if (np.diff(tenths) >= 0).all() else None


def same(one: Curve | Steps, other: Curve | Steps) -> bool:
    return difference(one.of(CODES), other.of(CODES)) <= _VISIBLE


def difference(one: Samples, other: Samples) -> float:
    """The largest difference in lightness (CIE L*) between two curves."""
    return float(np.abs(_lightness(one) - _lightness(other)).max())


def _lightness(light: Samples) -> Samples:
    return np.where(light > 216 / 24389, 116 * np.cbrt(light) - 16, light * 24389 / 27)


def _powers(samples: Samples) -> Iterator[Curve]:
    """The power that fits the middle tones best, where there is one; a camera's table is often just that."""
    middle = (samples > 0.01) & (samples < 0.99) & (CODES > 0)
    if middle.sum() > 8:
        logs = np.log(CODES[middle])
        gamma = float((np.log(samples[middle]) * logs).sum() / (logs * logs).sum())
        if 0.5 < gamma < 4:
            yield Curve(round(gamma, 4))

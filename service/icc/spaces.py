"""RGB spaces by their primaries, adapted to D50, and their curves."""

from dataclasses import dataclass
from typing import Final

from service.icc.curves import SRGB_CURVE, Curve, Steps, same

XYZ = tuple[float, float, float]

D50: Final[XYZ] = (0.9642, 1.0, 0.8249)  # the profile connection space's white (ICC.1 7.2.16)
_NEAR: Final = 0.002
_ADAPTED: Final = (  # from D65, by Bradford
    *(1.04788, 0.02292, -0.05022),
    *(0.02959, 0.99048, -0.01707),
    *(-0.00925, 0.01508, 0.75168),
)
_AS_IT_IS: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Space:
    """`primaries`: red, green and blue; `adaptation`: the matrix from the space's own white to D50, row by row; `term`:
    its word in Color Space (0028,2002), where PS3.3 C.11.15.1.2 has one."""

    name: str
    primaries: tuple[XYZ, XYZ, XYZ]
    curves: tuple[Curve | Steps, Curve | Steps, Curve | Steps]
    adaptation: tuple[float, ...] = _AS_IT_IS
    term: str | None = None

    def is_like(self, other: "Space") -> bool:
        """Whether nobody could tell the colours of the two apart."""
        pairs = zip(sum(self.primaries, ()), sum(other.primaries, ()), strict=True)
        near = all(abs(one - two) <= _NEAR for one, two in pairs)
        return near and all(same(one, two) for one, two in zip(self.curves, other.curves, strict=True))


SRGB: Final = Space(
    "sRGB",
    ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
    (SRGB_CURVE,) * 3,
    _ADAPTED,
    "SRGB",
)
ADOBE_RGB: Final = Space(
    "Adobe RGB (1998)",
    ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    (Curve(563 / 256),) * 3,
    _ADAPTED,
    "ADOBERGB",
)
DISPLAY_P3: Final = Space(
    "Display P3",
    ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    (SRGB_CURVE,) * 3,
    _ADAPTED,
)
ROMM_RGB: Final = Space(
    "ROMM RGB",
    ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491)),
    (Curve(1.8),) * 3,
    term="ROMMRGB",
)
KNOWN: Final = (SRGB, ADOBE_RGB, DISPLAY_P3, ROMM_RGB)
CUSTOM: Final = "RGB"  # the name of a space that is none of these

"""What the numbers of a picture mean: the source's colour profile as it may leave (PS3.3 C.11.15)."""

from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from service.codes import value_in
from service.icc import SRGB, Space, Unfit, read_space, to_srgb, written
from service.pixels.colours import Image

CONVERTED: Final = "converted to sRGB"


@dataclass(frozen=True)
class Colours:
    """`space`: what the pixels are in, None where nobody says so; `note`: what became of the source's profile, for
    the record, empty where it had none; `is_converted`: whether the pixels were, because the profile could not stay.
    """

    space: Space | None = None
    note: str = ""
    is_converted: bool = False


UNKNOWN: Final = Colours()


def settle(rgb: Image, grey: bool, profile: bytes | None) -> tuple[Image, Colours]:
    """The picture with what its profile says of it.

    A profile that is a matrix and curves is understood, and the pixels stay. Colours of any other that can be read
    are converted, because a wrong profile, or none, would show others. Grey values are what they are: the standard
    has no profile for them.
    """
    if not profile:
        return rgb, UNKNOWN
    if grey:
        return rgb, Colours(note="left out: the picture is grey")
    try:
        space = read_space(profile)
    except Unfit as reason:
        converted = to_srgb(rgb, profile)
        if converted is None:
            return rgb, Colours(note=f"left out: {reason}")
        return converted, Colours(SRGB, CONVERTED, is_converted=True)
    return rgb, Colours(space, space.name)


def stated(ds: Dataset) -> bytes | None:
    """ICC Profile (0028,2000) of a data set that nobody vouches for."""
    value = value_in(ds, "ICCProfile")
    return value if isinstance(value, bytes) else None


def state(ds: Dataset, space: Space | None) -> None:
    """Write ICC Profile and the Color Space that goes with it (PS3.3 C.11.15.1.2); nothing where it is not known."""
    if space is None:
        return
    ds.add_new("ICCProfile", "OB", written(space))
    ds.pop("ColorSpace", None)
    if space.term is not None:
        ds.ColorSpace = space.term

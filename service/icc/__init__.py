"""Colour profiles (ICC.1, ISO 15076-1): understood as numbers, and written anew with nothing else in them.

    space = read_space(profile)             # Unfit for whatever is no matrix with curves that have a formula
    written(space)                          # a profile as PS3.3 C.11.15 wants it, with our own texts alone
    space.term                              # Color Space (0028,2002) where the standard has a word for it
    to_srgb(rgb, profile)                   # colours of any other profile as sRGB, by littleCMS
    problems(profile)                       # what else stands in a profile than `written` writes

A profile of a camera or a screen carries names, dates, serial numbers and private tags. Of a profile that describes
RGB by three primaries and a curve each, which is what cameras, phones and picture editors embed, nothing is copied:
a known space is written from its own definition, another one from its numbers to four places, and a curve that has no
formula in tenths of lightness. Tables between spaces are not understood: there the pixels must be converted.
"""

from service.icc.checking import problems
from service.icc.converting import is_readable, to_srgb
from service.icc.curves import Curve, Steps
from service.icc.reading import Unfit, read_space
from service.icc.spaces import ADOBE_RGB, DISPLAY_P3, KNOWN, ROMM_RGB, SRGB, Space
from service.icc.writing import written

__all__ = [
    "ADOBE_RGB",
    "DISPLAY_P3",
    "KNOWN",
    "ROMM_RGB",
    "SRGB",
    "Curve",
    "Space",
    "Steps",
    "Unfit",
    "is_readable",
    "problems",
    "read_space",
    "to_srgb",
    "written",
]

"""The words of a map, for who writes it, reads it, and checks it."""

from typing import Final

from service.codes import Code

SERIES_NUMBER: Final = 9001
CONTENT_LABEL: Final = "MAP"
SCHEME: Final = "99VERAGATE"
LABELS: Final = {1: "Synthetic pixels", 2: "Preserved original pixels"}  # by segment number
TYPES: Final = {1: "SYNTHETIC", 2: "PRESERVED"}
CATEGORY: Final = Code("309825002", "SCT", "Spatial and Relational Concept")
FAMILY: Final = Code("123110", "DCM", "Artificial Intelligence")
DERIVATION: Final = Code("113076", "DCM", "Segmentation")
PURPOSE: Final = Code("121322", "DCM", "Source image for image processing operation")
NO_DATE: Final = "19000101"  # Content Date must be there; the day on which this was made would tell when it came
NO_TIME: Final = "000000"
ABOUT_PIXELS: Final = frozenset({"113101", "113102"})  # claims of the photograph that a map cannot make
DIMENSIONS: Final = ("Referenced Segment Number", "Frame Label")  # their descriptions
TEXTS: Final = (
    *(*LABELS.values(), *TYPES.values(), *DIMENSIONS, SCHEME, CONTENT_LABEL),
    *(code.meaning for code in (CATEGORY, FAMILY, DERIVATION, PURPOSE)),
    *("SEG", "BINARY", "IDENTITY", "AUTOMATIC"),
)

"""What a finished object says about itself: de-identified how, by what, and which of its pixels were made.

    mark(clean, source=ds, model_version=..., is_synthetic=True, is_covered=False)   # no claim about recognition
    claim_unrecognisable(clean)                                              # once the recognition gate has passed
    claim_clean_pixels(clean)                                                # once the text detector has looked

Clean Recognizable Visual Features (113102) and Recognizable Visual Features NO are a claim that recognition is
prevented (PS3.15 E.3.2). It is made for an object whose replaced faces all lie beyond the recogniser's threshold in
the written file, and for one where codes and every detector agree that there is no face at all. The test is about
faces: what a dental record could tell from the teeth that stay visible is outside it. Clean Pixel Data (113101) and
Burned In Annotation NO are claimed once a detector has found no text in the written picture, unless the source says
that there is some and none was covered. Where heads were covered and their outline kept, 113102 is not claimed.
"""

from typing import Final

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from service import __version__
from service.codes import OPTION_CODES, Code, value_in
from service.confidentiality import EDITION
from service.storage_classes import OPHTHALMIC_PHOTOGRAPHY_8_BIT

PRODUCT: Final = "VeraGate"
_METHOD: Final = f"PS3.15 {EDITION} Basic Profile as a list of what stays"
_MADE: Final = "Faces replaced by synthetic faces; see Contributing Equipment"
_COVERED: Final = "Parts of the picture covered with a uniform grey"
_MADE_AND_COVERED: Final = "Faces replaced by synthetic faces, parts covered with grey; see Contributing Equipment"
_REDACTED: Final = "Heads covered with a uniform grey"
_REDACTED_AND_COVERED: Final = "Heads and other parts of the picture covered with a uniform grey"
_MADE_AND_REDACTED: Final = (
    "Faces replaced by synthetic faces, other heads covered with grey; see Contributing Equipment"
)
_ALL: Final = "Faces replaced by synthetic faces, other heads and parts covered with grey; see Contributing Equipment"
_LEFT: Final = "De-identified; pixel values unchanged"
_CONVERTED: Final = "De-identified; colours converted to sRGB"
_AND_CONVERTED: Final = "; colours converted to sRGB"
_AND_PLAIN: Final = "; what lay behind people replaced by a plain backdrop"
DERIVED_BY: Final = ("MONTAGE", "DEIDENTIFIED")  # what an ophthalmic picture was derived by (PS3.3 C.8.17.2.1.4)
CHANNELS: Final = ("COLOR", "REDFREE", "RED", "BLUE", "FA", "ICG")
IMAGE_TYPES: Final = frozenset({"ORIGINAL", "DERIVED", "PRIMARY", "", *DERIVED_BY, *CHANNELS})
PRESERVED: Final = "SHA-256 of what was preserved"
_DERIVATION: Final = {  # by whether faces were made, parts were covered, and heads instead of being made anew
    (True, False, False): _MADE,
    (False, True, False): _COVERED,
    (True, True, False): _MADE_AND_COVERED,
    (False, False, True): _REDACTED,
    (False, True, True): _REDACTED_AND_COVERED,
    (True, False, True): _MADE_AND_REDACTED,
    (True, True, True): _ALL,
    (False, False, False): _LEFT,
}

BASIC: Final = Code("113100", "DCM", "Basic Application Confidentiality Profile")
PIXEL_DATA: Final = Code("113101", "DCM", "Clean Pixel Data Option")
VISUAL_FEATURES: Final = Code("113102", "DCM", "Clean Recognizable Visual Features Option")
DEIDENTIFYING: Final = Code("109104", "DCM", "De-identifying Equipment")
SYNTHESIZING: Final = Code("109100", "DCM", "Synthesizing Equipment")

CODES: Final = (BASIC, PIXEL_DATA, VISUAL_FEATURES, *OPTION_CODES.values(), DEIDENTIFYING, SYNTHESIZING)
TEXTS: Final = (
    *(PRODUCT, __version__, f"{PRODUCT} {__version__}", _METHOD, *_DERIVATION.values(), PRESERVED, _CONVERTED),
    *(
        f"{text}{plain}{converted}"
        for text in _DERIVATION.values()
        for plain in ("", _AND_PLAIN)
        for converted in ("", _AND_CONVERTED)
        if text != _LEFT and (plain or converted)
    ),
)


def has_burned_in_text(source: Dataset) -> bool:
    """Whether the source's header says that there is text in the picture (0028,0301), or says it unreadably."""
    try:
        return "YES" in str(source.get("BurnedInAnnotation", "")).upper()
    except Exception:  # a damaged value may have been YES
        return True


def mark(
    ds: Dataset,
    *,
    source: Dataset,
    model_version: str,
    is_synthetic: bool,
    is_covered: bool = False,
    is_redacted: bool = False,
    has_backdrop: bool = False,
    is_converted: bool = False,
    preserved_digest: str | None = None,
) -> None:
    """Write the attributes of PS3.3 C.12.1.1.1 and C.7.6.1, PS3.15 E.1.1 into a cleaned data set with pixels.

    `is_synthetic` is false where no face was made: the photograph leaves with its own pixels, or `is_covered`, parts
    of it hidden by grey, or `is_redacted`, whole heads, or `is_converted`, all of it in another colour space. What lies
    behind people may be made besides (`has_backdrop`), and then something of the picture is synthetic in any case.
    `preserved_digest` is the SHA-256 of what was preserved. Recognizable Visual Features is YES until
    `claim_unrecognisable`, Burned In Annotation until `claim_clean_pixels`. The method codes of the header's options
    are there already, and the profile's join them.
    """
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = [f"{PRODUCT} {__version__}", _METHOD, model_version[:64]]
    _claim(ds, BASIC)
    ds.BurnedInAnnotation = "YES"
    ds.RecognizableVisualFeatures = "YES"
    ds.SyntheticData = "YES" if is_synthetic or has_backdrop else "NO"
    description = _DERIVATION[is_synthetic, is_covered, is_redacted]
    if has_backdrop:
        description += _AND_PLAIN
    if is_converted:
        description = _CONVERTED if description == _LEFT else f"{description}{_AND_CONVERTED}"
    ds.DerivationDescription = f"{description}; {PRESERVED} {preserved_digest}" if preserved_digest else description
    ds.ImageType = _image_type(source, is_changed=is_synthetic or is_covered or is_redacted or is_converted)
    _settle_sources(ds)
    equipment = [_equipment(DEIDENTIFYING, [__version__])]
    if is_synthetic or has_backdrop:
        equipment.append(_equipment(SYNTHESIZING, [__version__, model_version[:64]]))
    ds.ContributingEquipmentSequence = Sequence(equipment)


def claim_unrecognisable(ds: Dataset) -> None:
    """Add 113102 and Recognizable Visual Features NO; doing it twice changes nothing."""
    if ds.RecognizableVisualFeatures == "NO":
        return
    ds.RecognizableVisualFeatures = "NO"
    _claim(ds, VISUAL_FEATURES)


def claim_clean_pixels(ds: Dataset) -> None:
    """Add 113101 and Burned In Annotation NO."""
    ds.BurnedInAnnotation = "NO"
    _claim(ds, PIXEL_DATA)


def profile(ds: Dataset) -> str:
    """The method codes of a finished object, such as "113100 113101 113102 113107"."""
    return " ".join(str(item.CodeValue) for item in ds.DeidentificationMethodCodeSequence)


def _claim(ds: Dataset, *codes: Code) -> None:
    items = [*ds.get("DeidentificationMethodCodeSequence", []), *(code.item() for code in codes)]
    ds.DeidentificationMethodCodeSequence = Sequence(sorted(items, key=lambda item: str(item.CodeValue)))


def _image_type(source: Dataset, *, is_changed: bool) -> list[str]:
    """Pixels that changed make the image DERIVED (PS3.3 C.7.6.1.1.2); those that did not leave it what it was."""
    value = value_in(source, "ImageType")
    found = (
        [value] if isinstance(value, str) else [str(part) for part in value] if isinstance(value, MultiValue) else []
    )
    kind = ["DERIVED" if is_changed or "DERIVED" in found else "ORIGINAL", "PRIMARY"]
    if value_in(source, "SOPClassUID") != OPHTHALMIC_PHOTOGRAPHY_8_BIT:
        return kind
    by = next((term for term in DERIVED_BY if term in found[2:3]), DERIVED_BY[-1])
    channel = [term for term in CHANNELS if term in found[3:4]]
    return [*kind, *([by] if kind[0] == "DERIVED" else [""] if channel else []), *channel]


def _settle_sources(ds: Dataset) -> None:
    """An ophthalmic picture names its sources where it is derived, and only there (PS3.3 C.8.17.2.1.3)."""
    if ds.get("SOPClassUID") == OPHTHALMIC_PHOTOGRAPHY_8_BIT and ds.ImageType[0] != "DERIVED":
        ds.pop("SourceImageSequence", None)


def _equipment(purpose: Code, versions: list[str]) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([purpose.item()])
    item.Manufacturer = PRODUCT
    item.ManufacturerModelName = PRODUCT
    item.SoftwareVersions = versions
    return item

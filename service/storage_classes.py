"""The storage SOP classes that a photograph can come in (PS3.4 B.5), and those of video, which is refused."""

from typing import Final

from service.settings import SECONDARY_CAPTURE, VL_PHOTOGRAPHIC

_VISIBLE_LIGHT: Final = "1.2.840.10008.5.1.4.1.1.77.1"
VL_ENDOSCOPIC: Final = f"{_VISIBLE_LIGHT}.1"
VL_MICROSCOPIC: Final = f"{_VISIBLE_LIGHT}.2"
OPHTHALMIC_PHOTOGRAPHY_8_BIT: Final = f"{_VISIBLE_LIGHT}.5.1"
DERMOSCOPIC_PHOTOGRAPHY: Final = f"{_VISIBLE_LIGHT}.7"
MULTI_FRAME_TRUE_COLOR: Final = f"{SECONDARY_CAPTURE}.4"
SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.4"

PHOTOGRAPHIC: Final = {
    VL_PHOTOGRAPHIC: "VL Photographic Image",
    VL_ENDOSCOPIC: "VL Endoscopic Image",
    VL_MICROSCOPIC: "VL Microscopic Image",
    DERMOSCOPIC_PHOTOGRAPHY: "Dermoscopic Photography Image",
    OPHTHALMIC_PHOTOGRAPHY_8_BIT: "Ophthalmic Photography 8 Bit Image",
    SECONDARY_CAPTURE: "Secondary Capture Image",
    MULTI_FRAME_TRUE_COLOR: "Multi-frame True Color Secondary Capture Image",
}
SECONDARY_CAPTURES: Final = frozenset({SECONDARY_CAPTURE, MULTI_FRAME_TRUE_COLOR})
MULTI_FRAME: Final = frozenset({MULTI_FRAME_TRUE_COLOR, OPHTHALMIC_PHOTOGRAPHY_8_BIT})
"""Those whose IOD has frames; each says how many, even where it is one."""

VIDEO: Final = frozenset({f"{VL_ENDOSCOPIC}.1", f"{VL_MICROSCOPIC}.1", f"{_VISIBLE_LIGHT}.4.1"})

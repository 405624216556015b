"""The gates: pure decisions on evidence. One closed gate holds the photograph.

results = judge(evidence, threshold=settings.recognition_threshold)
held = first_failure(results)            # None: it may leave
held.releasable                          # whether a person may let it leave all the same
"""

from dataclasses import dataclass
from typing import Final

from service.evidence import Evidence, PixelEvidence
from service.states import Cause

RELEASABLE: Final = frozenset(
    {Cause.STILL_RECOGNISED, Cause.IDENTIFYING_VIEW, Cause.BURNED_IN_TEXT, Cause.COVER_UNCONFIRMED}
)
"""What a person may overrule after looking. A face that is still there, a changed preserved region, an identifier
in the header and a broken file are faults of the object, not matters of opinion."""

_ABOUT_FACES: Final = frozenset({"output", "faces", "cover", "recognition"})


@dataclass(frozen=True)
class GateResult:
    """`detail` holds counts and distances, never a value from the header; `cause` is None where the gate is open."""

    name: str
    passed: bool
    detail: str
    cause: Cause | None = None

    @property
    def releasable(self) -> bool:
        return self.passed or self.cause in RELEASABLE


def judge(evidence: Evidence, threshold: float) -> list[GateResult]:
    """All gates, the gravest first; every one is judged, so that a person sees the whole picture.

    `threshold` is the distance from which the nearer of two recognisers takes two faces for two people (0.6).
    """
    pixels = evidence.pixels
    return [
        _gate("output", pixels.problem is None, pixels.problem or "reads back", Cause.OUTPUT_INVALID),
        _gate("header", not evidence.leaks, _places(evidence.leaks), Cause.HEADER_CHECK_FAILED),
        _gate("faces", pixels.stray_faces == 0, _faces(pixels), Cause.FACE_NOT_REPLACED),
        *_cover(pixels),
        _preserved(pixels),
        _recognition(pixels, threshold),
        _gate("view", not evidence.must_review, "as coded", Cause.IDENTIFYING_VIEW),
        _text(evidence),
    ]


def first_failure(results: list[GateResult]) -> GateResult | None:
    """The gravest gate that is closed."""
    return next((result for result in results if not result.passed), None)


def recognition_passed(results: list[GateResult]) -> bool:
    """Whether the claim holds that nobody can be recognised: no face left over, and none taken for its original."""
    return all(result.passed for result in results if result.name in _ABOUT_FACES)


def only_recognition_failed(results: list[GateResult]) -> bool:
    """Whether nothing else is wrong than that a face is taken for its original."""
    return [result.cause for result in results if not result.passed] == [Cause.STILL_RECOGNISED]


def _recognition(pixels: PixelEvidence, threshold: float) -> GateResult:
    """Every replaced face must be a stranger; a distance that could not be measured (or is no number) is not one."""
    measured = [distance for distance in pixels.distances if distance is not None]
    passed = len(pixels.distances) == pixels.faces and all(d is not None and d >= threshold for d in pixels.distances)
    detail = f"nearest {min(measured):.2f}" if measured else "no face to compare"
    if len(measured) < pixels.faces:
        detail = f"{pixels.faces - len(measured)} of {pixels.faces} faces could not be measured"
    return _gate("recognition", passed, detail, Cause.STILL_RECOGNISED)


def _cover(pixels: PixelEvidence) -> list[GateResult]:
    """Judged only where something was covered: detectors must have seen the face that was to be covered."""
    if not pixels.covered and not pixels.heads:
        return []
    parts = f"parts covered: {pixels.covered}{', the face by hand' if pixels.unconfirmed else ''}"
    heads = f"heads covered: {pixels.heads}{', their outline kept' if pixels.outlined else ''}"
    details = [text for text, count in ((parts, pixels.covered), (heads, pixels.heads)) if count]
    return [_gate("cover", not pixels.unconfirmed, "; ".join(details), Cause.COVER_UNCONFIRMED)]


def _text(evidence: Evidence) -> GateResult:
    """Neither the detector nor the source's header may say that there is text in the picture."""
    lines = evidence.pixels.texts
    detail = "none found" if not lines else "1 line found" if lines == 1 else f"{lines} lines found"
    if evidence.burned_in_text:
        detail += ", and the header says so" if lines else ", but the header says so"
    return _gate("text", not evidence.pixels.texts and not evidence.burned_in_text, detail, Cause.BURNED_IN_TEXT)


def _preserved(pixels: PixelEvidence) -> GateResult:
    passed = pixels.preserved is None or (pixels.preserved and pixels.preserved_pixels > 0)
    detail = "nothing asked for" if pixels.preserved is None else f"{pixels.preserved_pixels} pixels"
    return _gate("preserved", passed, detail, Cause.PRESERVED_REGION_CHANGED)


def _faces(pixels: PixelEvidence) -> str:
    return f"{pixels.faces} replaced, {pixels.stray_faces} left over"


def _places(leaks: tuple[str, ...]) -> str:
    return "; ".join(leaks[:5]) or "no identifier found"


def _gate(name: str, passed: bool, detail: str, cause: Cause) -> GateResult:
    return GateResult(name, passed, detail, None if passed else cause)

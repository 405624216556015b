"""The states of a photograph and of a delivery, the legal moves, and the causes of quarantine.

Console, audit, logs and code use these words and no others.
"""

from enum import StrEnum


class PhotographState(StrEnum):
    RECEIVED = "RECEIVED"
    DEIDENTIFIED = "DEIDENTIFIED"
    FORWARDED = "FORWARDED"
    QUARANTINED = "QUARANTINED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    PARKED = "PARKED"


class Item(StrEnum):
    """What a delivery carries."""

    PHOTOGRAPH = "photograph"
    SEGMENTATION = "segmentation"


PHOTOGRAPH_MOVES: dict[PhotographState, frozenset[PhotographState]] = {
    PhotographState.RECEIVED: frozenset(
        {PhotographState.DEIDENTIFIED, PhotographState.QUARANTINED, PhotographState.FAILED}
    ),
    PhotographState.DEIDENTIFIED: frozenset({PhotographState.FORWARDED}),
    PhotographState.QUARANTINED: frozenset(
        {PhotographState.RECEIVED, PhotographState.DEIDENTIFIED, PhotographState.REJECTED}
    ),
    PhotographState.FAILED: frozenset({PhotographState.RECEIVED, PhotographState.REJECTED}),
    PhotographState.FORWARDED: frozenset(),
    PhotographState.REJECTED: frozenset(),
}

DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.DELIVERED, DeliveryState.PARKED}),
    DeliveryState.PARKED: frozenset({DeliveryState.PENDING}),
    DeliveryState.DELIVERED: frozenset(),
}


def check_move(before: PhotographState, after: PhotographState) -> None:
    """Raise ValueError unless a photograph may go from `before` to `after`."""
    if after not in PHOTOGRAPH_MOVES[before]:
        raise ValueError(f"a photograph cannot go from {before} to {after}")


class Cause(StrEnum):
    """Why a photograph is held."""

    UNREADABLE = "unreadable"
    UNDECODABLE_PIXELS = "undecodable-pixels"
    TOO_MANY_PIXELS = "too-many-pixels"
    UNSUPPORTED = "unsupported"
    PATIENT_ID_MISSING = "patient-id-missing"
    PATIENT_ID_MIXED = "patient-id-mixed"
    NO_ROUTE = "no-route"
    NO_FACE_FOUND = "no-face-found"
    FACE_IN_INTRAORAL = "face-in-intraoral"
    FACE_NOT_REPLACED = "face-not-replaced"
    COVER_UNCONFIRMED = "cover-unconfirmed"
    STILL_RECOGNISED = "still-recognised"
    PRESERVED_REGION_CHANGED = "preserved-region-changed"
    IDENTIFYING_VIEW = "identifying-view"
    BURNED_IN_TEXT = "burned-in-text"
    HEADER_CHECK_FAILED = "header-check-failed"
    OUTPUT_INVALID = "output-invalid"
    SAME_UID_OTHER_CONTENT = "same-uid-other-content"


EXPLANATION: dict[Cause, str] = {
    Cause.UNREADABLE: "The file is truncated or is not a DICOM object; ask the sender to send it again.",
    Cause.UNDECODABLE_PIXELS: "The picture inside cannot be decoded; ask the sender to send it again.",
    Cause.TOO_MANY_PIXELS: "The picture is larger than this gateway may decode (limits.max_megapixels).",
    Cause.UNSUPPORTED: "This kind of object or pixel format is not supported.",
    Cause.PATIENT_ID_MISSING: "There is no Patient ID, so nobody can tell whose face this is.",
    Cause.PATIENT_ID_MIXED: "Photographs of one study carry different Patient IDs.",
    Cause.NO_ROUTE: "No route matches this photograph, so it has nowhere to go.",
    Cause.NO_FACE_FOUND: "There should be a face in it, but none was found.",
    Cause.FACE_IN_INTRAORAL: "The codes say intra-oral, but a face was found.",
    Cause.FACE_NOT_REPLACED: "A face was found that could not be replaced (too turned, too small or half hidden).",
    Cause.COVER_UNCONFIRMED: "A face was to be covered by hand, and no detector saw it before; look at the result.",
    Cause.STILL_RECOGNISED: "A face recogniser still takes the result for the original person.",
    Cause.PRESERVED_REGION_CHANGED: "The region to preserve would not have come out unchanged.",
    Cause.IDENTIFYING_VIEW: "This view shows what identifies by itself (scar, tattoo, anomaly); look at it.",
    Cause.BURNED_IN_TEXT: "There is text in the picture, or its header says so; look at it.",
    Cause.HEADER_CHECK_FAILED: "The independent check found an identifier in the cleaned object.",
    Cause.OUTPUT_INVALID: "The finished object could not be read back as it should.",
    Cause.SAME_UID_OTHER_CONTENT: "A different picture with the same SOP Instance UID came earlier; both are kept.",
}

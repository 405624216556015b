"""Which ADA-1100 view is each picture of an upload? A guess to begin with; the person who uploads decides.

A face is sorted by where it looks and what its mouth shows. What remains open is settled by the other pictures (a
series has one at rest and one that smiles) and by the order of a usual series; inside the mouth there is nothing
but the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.pixels import Look

FRONTAL_UP_TO: Final = 12.0  # degrees of yaw
OBLIQUE_UP_TO: Final = 50.0
_OPEN: Final = 4.0  # degrees on either side of these that leave the pose open
_TEETH: Final = 1.4  # percent, see models.Head; a smile shows more
_SOME_TEETH: Final = (0.5, 2.2)  # between these it is open
_LIPS_CLOSED: Final = 0.04
_MUCOSA: Final = 0.3
_ENAMEL: Final = 0.03

_CODES: Final = {
    "right-profile": {"relaxed": "EV01", "closed": "EV03", "smile": "EV05"},
    "right-oblique": {"relaxed": "EV08", "closed": "EV10", "smile": "EV12"},
    "frontal": {"relaxed": "EV15", "closed": "EV17", "smile": "EV19"},
    "left-profile": {"relaxed": "EV22", "closed": "EV24", "smile": "EV26"},
    "left-oblique": {"relaxed": "EV29", "closed": "EV31", "smile": "EV33"},
}
_INSIDE: Final = ("IV07", "IV01", "IV18", "IV24", "IV26")  # front, right, left, upper arch, lower arch


@dataclass(frozen=True)
class Guess:
    """`code` is empty where there is nothing to go by; `sure` where the picture itself says it."""

    code: str
    sure: bool


@dataclass(frozen=True)
class _Face:
    pose: str
    mouth: str
    pose_open: bool
    mouth_open: bool

    @property
    def is_settled(self) -> bool:
        return not (self.pose_open or self.mouth_open)


def guess_views(looks: Sequence[Look]) -> list[Guess]:
    """One guess for each picture, in the order of the upload."""
    faces = {number: _face(look) for number, look in enumerate(looks) if look.face}
    settled = {(face.pose, face.mouth == "smile") for face in faces.values() if face.is_settled}
    inside = iter(_INSIDE)
    guesses = []
    for number, look in enumerate(looks):
        if number in faces:
            guesses.append(_of_face(faces[number], look, settled))
        elif is_inside(look):
            guesses.append(Guess(next(inside, ""), sure=False))
        else:
            guesses.append(Guess("EV01" if faces else "", sure=False))  # a profile is what detectors miss
    return guesses


def is_inside(look: Look) -> bool:
    """Whether gums and teeth fill the picture."""
    return not look.face and look.mucosa > _MUCOSA and look.enamel > _ENAMEL


def _face(look: Look) -> _Face:
    pose, pose_open = _pose(look.yaw)
    smiles = look.teeth > _TEETH
    mouth = "smile" if smiles else "closed" if look.lips_apart < _LIPS_CLOSED else "relaxed"
    return _Face(pose, mouth, pose_open, _SOME_TEETH[0] < look.teeth < _SOME_TEETH[1])


def _pose(yaw: float | None) -> tuple[str, bool]:
    """A nose that points to the right of the picture shows the right side of the face."""
    if yaw is None:
        return "right-profile", True
    side = "right" if yaw > 0 else "left"
    turned = abs(yaw)
    is_open = min(abs(turned - FRONTAL_UP_TO), abs(turned - OBLIQUE_UP_TO)) < _OPEN
    if turned < FRONTAL_UP_TO:
        return "frontal", is_open
    return (f"{side}-oblique" if turned < OBLIQUE_UP_TO else f"{side}-profile"), is_open


def _of_face(face: _Face, look: Look, settled: set[tuple[str, bool]]) -> Guess:
    """The face's own view, unless it is open and a picture that is not has taken it."""
    pose, mouth = face.pose, face.mouth
    if face.mouth_open and (pose, mouth == "smile") in settled:
        mouth = "relaxed" if mouth == "smile" else "smile"
    if face.pose_open and look.yaw is not None and (pose, mouth == "smile") in settled:
        pose = _neighbour(pose, look.yaw)
    return Guess(_CODES[pose][mouth], face.is_settled)


def _neighbour(pose: str, yaw: float) -> str:
    """The pose on the other side of the limit that the yaw is near."""
    side = "right" if yaw > 0 else "left"
    if pose == "frontal":
        return f"{side}-oblique"
    if pose.endswith("profile"):
        return f"{side}-oblique"
    return "frontal" if abs(yaw) < (FRONTAL_UP_TO + OBLIQUE_UP_TO) / 2 else f"{side}-profile"

"""Looking at the written file as its receiver will: from its bytes, with another decoder."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image as PillowImage
from pydicom import FileDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from service.errors import Quarantined
from service.evidence import PixelEvidence
from service.jpeg import digest, foreign_segments
from service.objects import read
from service.pixels.covering import faded
from service.pixels.picture import BLOCKS, Image, Picture, single_frame
from service.pixels.replacing import Box, Faces, Mask, Replaced, lies_in, smallest
from service.pixels.writing import Written, WrittenFrame, preserved_digest

_PLUGIN: Final = {JPEG2000Lossless: "pillow", JPEG2000: "pillow", RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}
_JPEG: Final = BLOCKS | {JPEGLossless, JPEGLosslessSV1}
_MOSTLY: Final = 0.6
_AROUND: Final = 0.25  # of a face's size: how far beside it a second detector's box may lie and still mean that face


def examine(
    data: bytes, pictures: Sequence[Picture], replaced: Sequence[Replaced], written: Written, faces: Faces
) -> PixelEvidence:
    """What the gates need to know about the pixels of a finished file; never raises for what the file holds."""
    try:
        ds = read(data)
        if problem := _problem(ds, len(pictures), written):
            return PixelEvidence(problem=problem)
        seen = [
            _examine_frame(ds, number, *each, faces)
            for number, each in enumerate(zip(pictures, replaced, written.frames, strict=True))
        ]
    except Exception as error:  # whatever it is, the receiver could not read it either
        reason = error.cause.value if isinstance(error, Quarantined) else type(error).__name__
        return PixelEvidence(problem=f"cannot be read back: {reason}")
    return _together(seen, written.digest)


def _examine_frame(
    ds: FileDataset, number: int, picture: Picture, replaced: Replaced, written: WrittenFrame, faces: Faces
) -> PixelEvidence:
    image = _decode(ds, number)
    if problem := _frame_problem(ds, number, image, picture, replaced):
        return PixelEvidence(problem=problem)
    preserved, pixels = _preserved(ds, number, image, picture, replaced, written)
    stray, distances = look_for_faces(picture.rgb, image, replaced, faces)
    return PixelEvidence(
        faces=len(replaced.boxes),
        stray_faces=stray,
        distances=distances,
        covered=len(replaced.covered),
        unconfirmed=replaced.unconfirmed,
        heads=len(replaced.heads),
        outlined=replaced.outlined,
        backdrop=replaced.backdrop,
        preserved=preserved,
        preserved_pixels=pixels,
        texts=look_for_text(image, replaced, faces),
    )


def _together(seen: list[PixelEvidence], digest: str | None) -> PixelEvidence:
    """One piece of evidence for all frames: what is wrong with one of them is wrong with the object."""
    asked = [frame for frame in seen if frame.preserved is not None]
    return PixelEvidence(
        faces=sum(frame.faces for frame in seen),
        stray_faces=sum(frame.stray_faces for frame in seen),
        distances=tuple(distance for frame in seen for distance in frame.distances),
        covered=sum(frame.covered for frame in seen),
        unconfirmed=any(frame.unconfirmed for frame in seen),
        heads=sum(frame.heads for frame in seen),
        outlined=any(frame.outlined for frame in seen),
        backdrop="; ".join(sorted({frame.backdrop for frame in seen if frame.backdrop})) or None,
        preserved=all(frame.preserved and frame.preserved_pixels for frame in asked) if asked else None,
        preserved_pixels=sum(frame.preserved_pixels for frame in asked),
        digest=digest,
        texts=sum(frame.texts for frame in seen),
        problem=next((frame.problem for frame in seen if frame.problem), None),
    )


def look_for_faces(
    before: Image, after: Image, replaced: Replaced, faces: Faces
) -> tuple[int, tuple[float | None, ...]]:
    """Faces in the written picture `after` where none was replaced, and the distance of each one that was."""
    stray = 0 if replaced.is_untouched else _stray(faces.find(after), replaced.boxes)
    return stray, _distances(before, after, replaced, faces)


def _decode(ds: FileDataset, number: int) -> Image:
    """RGB by another library than the one that the picture was made with, wherever there are two."""
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax in _JPEG:
        pixels = _pillow(single_frame(ds, number))
    else:
        pixels = pixel_array(ds, raw=True, index=number, decoding_plugin=_PLUGIN.get(syntax, ""))
    pixels = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        pixels = ~pixels
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _pillow(jpeg: bytes) -> Image:
    with PillowImage.open(BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))


def _problem(ds: FileDataset, frames: int, written: Written) -> str | None:
    if int(ds.get("NumberOfFrames", 1)) != frames or ds.file_meta.TransferSyntaxUID != written.syntax:
        return "frames or transfer syntax changed"
    return None


def _frame_problem(ds: FileDataset, number: int, image: Image, picture: Picture, replaced: Replaced) -> str | None:
    """Size, foreign bytes and, for a picture that was to stay as it is, every pixel."""
    if image.shape != picture.rgb.shape or (ds.Rows, ds.Columns) != image.shape[:2]:
        return "the size changed"
    if ds.file_meta.TransferSyntaxUID in _JPEG and foreign_segments(single_frame(ds, number)):
        return "the JPEG stream holds more than the picture"
    if replaced.is_untouched and not np.array_equal(image, _source(picture)):
        return "a picture that was to stay as it is changed"
    return None


def _source(picture: Picture) -> Image:
    """The source by the decoder that reads the result: two decoders may differ by rounding."""
    if picture.jpeg is None or picture.syntax not in BLOCKS:
        return picture.rgb
    plain = _pillow(picture.jpeg)
    return ~plain if picture.inverted else plain


def _preserved(
    ds: FileDataset, number: int, image: Image, picture: Picture, replaced: Replaced, written: WrittenFrame
) -> tuple[bool | None, int]:
    """Whether pixels and, in a JPEG, coefficients of the region to preserve are the source's; and its size."""
    if written.exact is None or replaced.preserved is None:
        return None, 0
    same = np.array_equal(image[written.exact], _source(picture)[written.exact])
    if picture.jpeg is not None and picture.syntax in BLOCKS:
        proof = digest(single_frame(ds, number), replaced.preserved)
    else:
        proof = preserved_digest(image, replaced.preserved)
    return same and proof == written.digest, int(written.exact.sum())


def _distances(before: Image, after: Image, replaced: Replaced, faces: Faces) -> tuple[float | None, ...]:
    """Per face the smaller of what the replacement measured and what the written file shows."""
    rolls = replaced.rolls or (0.0,) * len(replaced.boxes)
    return tuple(
        smallest(stated, faces.distance(before, after, box, roll))
        for box, stated, roll in zip(replaced.boxes, replaced.distances, rolls, strict=True)
    )


def look_for_text(image: Image, replaced: Replaced, faces: Faces) -> int:
    """Lines of text in the written picture that are the source's; what looks like writing in new pixels is none.

    A cover is a bar, and to a detector of text a bar is a line of it, so what it sees must be there with covers faded
    away too.
    """
    found = [box for box in faces.find_text(image) if not lies_in(box, replaced.boxes)]
    if found and replaced.covered:
        found = [box for box in faces.find_text(faded(image, replaced.covered)) if lies_in(box, found)]
    return sum(_share(replaced.renewed, box) < _MOSTLY for box in found)


def _share(changed: Mask, box: Box) -> float:
    left, top, right, bottom = (max(0, round(side)) for side in box)
    window = changed[top:bottom, left:right]
    return float(window.mean()) if window.size else 0.0


def _stray(found: tuple[Box, ...], replaced: tuple[Box, ...]) -> int:
    return sum(not any(_means(box, known) for known in replaced) for box in found)


def _means(box: Box, known: Box) -> bool:
    """Whether the centre of `box` lies in `known`, grown a little."""
    across, down = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    wide, high = _AROUND * (known[2] - known[0]), _AROUND * (known[3] - known[1])
    return known[0] - wide <= across <= known[2] + wide and known[1] - high <= down <= known[3] + high

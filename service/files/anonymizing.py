"""One file in, one file out, or a cause why there is none. Nothing is written before every gate is open."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian

from service import gates
from service.errors import Quarantined
from service.evidence import Evidence, PixelEvidence
from service.files.pictures import PictureFile, encode_png, load_picture
from service.files.planning import Job
from service.files.subjects import Subjects
from service.finishing import finish
from service.headers import Cleaner
from service.objects import read
from service.pixels import (
    Box,
    Faces,
    Picture,
    Replaced,
    count_frames,
    decode,
    find_lines,
    look_for_faces,
    look_for_text,
    with_covers,
    without,
)
from service.settings import Backdrop, Hair, OnText, Region, Settings
from service.states import Cause
from service.views import Kind, classify


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file. `cause` is None where the result was written.

    `boxes` (left, top, right, bottom in pixels) and `distances` are of the replaced faces; `preserved_digest` is the
    SHA-256 of what was preserved, None where nothing was asked for or nothing finished; `texts`: lines of text that
    were covered; `backdrop`: as in `Replaced`.
    """

    job: Job
    seconds: float
    cause: Cause | None = None
    detail: str = ""
    boxes: tuple[Box, ...] = ()
    distances: tuple[float | None, ...] = ()
    preserved_pixels: int = 0
    preserved_digest: str | None = None
    texts: int = 0
    backdrop: str | None = None


@dataclass(frozen=True)
class _Made:
    """A finished file and its evidence, before anybody judged it."""

    data: bytes
    replaced: tuple[Replaced, ...]
    evidence: PixelEvidence
    gates: list[gates.GateResult]


class FileAnonymizer:
    """Gives faces in files other identities; the models are loaded with the first file and kept.

    `text` says what becomes of a picture in which writing is found: it is not written, or the writing is covered;
    `backdrop`, whether what lies behind people stays; `hair`, what becomes of that.
    """

    def __init__(
        self,
        settings: Settings,
        preserve: frozenset[Region],
        subjects: Subjects,
        text: OnText = "hold",
        backdrop: Backdrop = "keep",
        hair: Hair = "renew",
    ) -> None:
        self._settings = settings
        self._preserve = preserve
        self._subjects = subjects
        self._text = text
        self._backdrop = backdrop
        self._hair = hair
        self._faces = Faces(settings.work.device)

    @property
    def version(self) -> str:
        """The generator's version; loads the models."""
        return self._faces.version

    def anonymize(self, job: Job) -> FileOutcome:
        """Never raises for what a file holds: the outcome says why nothing was written."""
        began = time.perf_counter()
        try:
            made = self._dicom(job.source) if job.is_dicom else self._picture(job.source)
        except Quarantined as held:
            return FileOutcome(job, time.perf_counter() - began, held.cause, held.detail)
        closed = gates.first_failure(made.gates)
        if closed is None:
            _write(made.data, job.target)
        return FileOutcome(
            job,
            time.perf_counter() - began,
            closed.cause if closed else None,
            closed.detail if closed else "",
            tuple(box for frame in made.replaced for box in frame.boxes),
            made.evidence.distances,
            made.evidence.preserved_pixels,
            made.evidence.digest,
            sum(frame.texts for frame in made.replaced),
            made.evidence.backdrop,
        )

    def _treat(self, picture: Picture, make: Callable[[Picture], Replaced]) -> Replaced:
        """What `make` gives for the picture; writing in it is covered before, where that is wanted."""
        lines = find_lines(self._faces, picture) if self._text == "blank" else ()
        done = make(without(picture, lines) if lines else picture)
        return replace(with_covers(done, picture, (), lines), texts=len(lines))

    def _replace(self, picture: Picture) -> Replaced:
        if not self._faces.can_replace(picture):
            raise Quarantined(Cause.FACE_NOT_REPLACED, "the largest face")
        latent = self._subjects.latent(self._faces, picture, self._preserve)
        return self._faces.replace(picture, latent, self._preserve, hair=self._hair, backdrop=self._backdrop)

    def _dicom(self, path: Path) -> _Made:
        ds = read(path)
        view = classify(ds)
        limits, make = self._settings.limits, self._faces.leave if view.kind is Kind.INTRAORAL else self._replace
        pictures = [decode(ds, limits, frame) for frame in range(count_frames(ds, limits))]
        replaced = [self._treat(picture, make) for picture in pictures]
        clean = Cleaner(self._subjects.pseudonyms, self._subjects.person()).clean(ds)
        threshold = self._settings.recognition_threshold
        finished = finish(ds, clean, pictures, replaced, view, self._faces, threshold)
        return _Made(finished.data, tuple(replaced), finished.pixels, finished.gates)

    def _picture(self, path: Path) -> _Made:
        source = load_picture(path, self._settings.limits.max_megapixels)
        picture = Picture(source.rgb, source.is_grey, ExplicitVRLittleEndian, path.stat().st_size)
        replaced = self._treat(picture, self._replace)
        data = encode_png(source.with_changes(replaced.image))
        seen = self._look_at(data, source, picture, replaced)
        return _Made(data, (replaced,), seen, gates.judge(Evidence(seen), self._settings.recognition_threshold))

    def _look_at(self, data: bytes, source: PictureFile, picture: Picture, replaced: Replaced) -> PixelEvidence:
        """Read the written PNG back, look for faces and text, and compare the preserved region in its full depth."""
        written = load_picture(data, self._settings.limits.max_megapixels)
        if written.values.shape[:2] != source.values.shape[:2]:
            return PixelEvidence(problem="the size changed")
        stray, distances = look_for_faces(picture.rgb, written.rgb, replaced, self._faces)
        mask = replaced.preserved
        return PixelEvidence(
            faces=len(replaced.boxes),
            stray_faces=stray,
            distances=distances,
            covered=len(replaced.covered),
            backdrop=replaced.backdrop,
            texts=look_for_text(written.rgb, replaced, self._faces),
            preserved=None if mask is None else written.same_inside(source, mask),
            preserved_pixels=0 if mask is None else int(mask.sum()),
            digest=None if mask is None else sha256(np.ascontiguousarray(source.values[mask]).tobytes()).hexdigest(),
        )


def _write(data: bytes, target: Path) -> None:
    """Whole or not at all: written beside its place, made durable, then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)

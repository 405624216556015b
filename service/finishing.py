"""From a cleaned header and a replaced picture to a finished file that has been judged.

ds = read(path)                                              # service.objects
view = classify(ds)                                          # service.views
pictures = [decode(ds, settings.limits)]                     # service.pixels; one for each frame
replaced = [faces.leave(picture) or faces.replace(picture, latent, preserve) for picture in pictures]
clean = Cleaner(pseudonyms, patient).clean(ds)               # service.headers
finished = finish(ds, clean, pictures, replaced, view, faces, settings.recognition_threshold)
finished.failure                                             # None: `finished.data` may leave
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset, FileDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from service import contents, gates, leaks, pixels, provenance
from service.evidence import Evidence, PixelEvidence
from service.gates import GateResult
from service.headers import USUAL, Profile, changes, verbatim
from service.identifiers import harvest
from service.objects import to_bytes
from service.views import View


@dataclass(frozen=True)
class Finished:
    """A finished object: the file, what identifies it, and what the gates say about it.

    `data` is a whole DICOM file. It claims 113102 only where the recognition gate passed, so an object that a
    person releases against that gate makes no such claim.
    """

    data: bytes
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: UID
    profile: str
    model_version: str
    gates: list[GateResult]
    pixels: PixelEvidence
    seconds: float  # what replacing the faces took
    map: bytes  # PNG, see `service.pixels.Part`
    colours: str  # what became of the source's colour profile, empty where it had none
    header: dict[str, Any]  # what became of the source's header, see `service.headers.changes`
    segmentation: bytes | None = None  # the map as a DICOM object, see `service.companions`

    @property
    def failure(self) -> GateResult | None:
        """The gravest closed gate, None where the object may leave."""
        return gates.first_failure(self.gates)

    @property
    def releasable(self) -> bool:
        """Whether a person may release it although a gate is closed: only if each closed one is theirs to overrule."""
        return all(result.releasable for result in self.gates)


def finish(
    source: FileDataset,
    clean: Dataset,
    pictures: Sequence[pixels.Picture],
    replaced: Sequence[pixels.Replaced],
    view: View,
    faces: pixels.Faces,
    threshold: float,
    profile: Profile = USUAL,
    fallback: UID = ExplicitVRLittleEndian,
) -> Finished:
    """Write, mark, look at the written bytes with other eyes, judge. Fills `clean`; raises nothing for a bad result.

    `fallback` is the syntax of pictures that cannot be written in their own.

    The picture is examined in a file that claims nothing yet. When the claim is added, the pixel data of the two
    files are compared and the header check runs on the final bytes.
    """
    version = faces.version
    written = pixels.write(clean, pictures, replaced, fallback)
    made, covered = any(frame.boxes for frame in replaced), any(frame.covered for frame in replaced)
    provenance.mark(
        clean,
        source=source,
        model_version=version,
        is_synthetic=made,
        is_covered=covered,
        is_redacted=any(frame.heads for frame in replaced),
        has_backdrop=any(frame.backdrop == pixels.PLAIN for frame in replaced),
        is_converted=any(picture.colours.is_converted for picture in pictures),
        preserved_digest=written.digest,
    )
    seen = pixels.examine(to_bytes(clean, written.syntax), pictures, replaced, written, faces)
    first = gates.judge(Evidence(seen), threshold)
    if gates.recognition_passed(first) and not seen.outlined:  # an outline alone can be known
        provenance.claim_unrecognisable(clean)
    burned_in = provenance.has_burned_in_text(source) and not any(frame.texts for frame in replaced)
    if not seen.texts and not burned_in and seen.problem is None:
        provenance.claim_clean_pixels(clean)
    data = to_bytes(clean, written.syntax)
    evidence = Evidence(
        pixels=seen,
        leaks=_doubts(data, source, profile, version),
        must_review=view.must_review,
        burned_in_text=burned_in,
    )
    return Finished(
        data=data,
        sop_class_uid=str(clean.SOPClassUID),
        sop_instance_uid=str(clean.SOPInstanceUID),
        transfer_syntax_uid=written.syntax,
        profile=provenance.profile(clean),
        model_version=version,
        gates=gates.judge(evidence, threshold),
        pixels=seen,
        seconds=sum(frame.seconds for frame in replaced),
        map=pixels.draw_map(replaced, written),
        colours=pictures[0].colours.note,
        header=changes(source, clean),
    )


def _doubts(data: bytes, source: FileDataset, profile: Profile, version: str) -> tuple[str, ...]:
    """Places where something of the source stands, or anything that is neither on the list nor as claimed."""
    texts = (version, *profile.texts)
    identifiers = harvest(source, own_words=texts, kept=verbatim(profile.options))
    return *leaks.search(data, identifiers), *contents.review(data, texts)

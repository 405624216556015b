"""What was seen in a finished object, before anybody judges it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PixelEvidence:
    """The written picture, read back by another decoder than the one that the work was done with.

    `faces`: faces that were replaced; `stray_faces`: faces that a detector sees in the result where none was
    replaced; `distances`: per replaced face, original to result, see `models.likeness`, None where it
    could not be measured; `covered`: parts that were covered; `unconfirmed`: whether a face was to be among them
    that no detector ever saw; `heads`: heads that were covered because their faces could not be replaced, and
    `outlined`, whether their outline shows; `backdrop`: what became of what lies behind people where it was to be
    replaced: "plain", or why it was kept; `preserved`: whether the region to preserve came out the same, None when
    none was asked for or it could not be located; `preserved_pixels`: how many pixels that region has after rounding to
    the JPEG's blocks; `digest`: SHA-256 of what was preserved; `texts`: lines of text that the detector sees in the
    result; `problem`: why the object cannot be used, None when it reads back as it should.
    """

    faces: int = 0
    stray_faces: int = 0
    distances: tuple[float | None, ...] = ()
    covered: int = 0
    unconfirmed: bool = False
    heads: int = 0
    outlined: bool = False
    backdrop: str | None = None
    preserved: bool | None = None
    preserved_pixels: int = 0
    digest: str | None = None
    texts: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything that the gates look at; holds no patient data.

    `leaks` are the places where the independent header check found something; `must_review` and `burned_in_text`
    are what codes and header of the source say, the latter only while no text was covered.
    """

    pixels: PixelEvidence
    leaks: tuple[str, ...] = ()
    must_review: bool = False
    burned_in_text: bool = False

import math
from dataclasses import replace

import pytest

from service.evidence import Evidence, PixelEvidence
from service.gates import RELEASABLE, first_failure, judge, recognition_passed
from service.states import Cause

GOOD = PixelEvidence(faces=1, distances=(0.8,), preserved=True, preserved_pixels=900, digest="00")


def failure(evidence: Evidence) -> Cause | None:
    held = first_failure(judge(evidence, 0.6))
    return None if held is None else held.cause


def test_a_good_photograph_passes_every_gate() -> None:
    """With nothing to object to all gates are open, also where no region was asked for or no face is in it."""
    assert failure(Evidence(GOOD)) is None
    assert failure(Evidence(PixelEvidence(faces=1, distances=(0.6,)))) is None
    assert failure(Evidence(PixelEvidence())) is None
    assert failure(Evidence(PixelEvidence(covered=2))) is None


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(PixelEvidence(problem="cannot be read back")), Cause.OUTPUT_INVALID),
        (Evidence(GOOD, leaks=("(0010,4000) PatientComments: an identifier",)), Cause.HEADER_CHECK_FAILED),
        (Evidence(PixelEvidence(faces=1, distances=(0.9,), stray_faces=1)), Cause.FACE_NOT_REPLACED),
        (Evidence(PixelEvidence(faces=1, distances=(0.9,), preserved=False)), Cause.PRESERVED_REGION_CHANGED),
        (Evidence(PixelEvidence(faces=1, distances=(0.9,), preserved=True)), Cause.PRESERVED_REGION_CHANGED),
        (Evidence(PixelEvidence(faces=1, distances=(0.59,))), Cause.STILL_RECOGNISED),
        (Evidence(PixelEvidence(faces=2, distances=(0.9, 0.59))), Cause.STILL_RECOGNISED),
        (Evidence(PixelEvidence(faces=2, distances=(0.9, None))), Cause.STILL_RECOGNISED),
        (Evidence(PixelEvidence(faces=2, distances=(0.9,))), Cause.STILL_RECOGNISED),
        (Evidence(PixelEvidence(faces=1, distances=(math.nan,))), Cause.STILL_RECOGNISED),
        (Evidence(PixelEvidence(covered=1, stray_faces=1)), Cause.FACE_NOT_REPLACED),
        (Evidence(PixelEvidence(covered=1, unconfirmed=True)), Cause.COVER_UNCONFIRMED),
        (Evidence(GOOD, must_review=True), Cause.IDENTIFYING_VIEW),
        (Evidence(GOOD, burned_in_text=True), Cause.BURNED_IN_TEXT),
    ],
)
def test_one_objection_closes_a_gate(evidence: Evidence, cause: Cause) -> None:
    """Each kind of doubt holds the photograph with its own cause; what was not measured counts as doubt."""
    assert failure(evidence) is cause


def test_the_gravest_cause_is_named_and_all_gates_are_judged() -> None:
    """With several closed gates a person sees each of them and the gravest comes first."""
    pixels = PixelEvidence(faces=1, distances=(0.1,))
    results = judge(Evidence(pixels, leaks=("x",), must_review=True), 0.6)
    assert [result.name for result in results if not result.passed] == ["header", "recognition", "view"]
    assert failure(Evidence(pixels, leaks=("x",))) is Cause.HEADER_CHECK_FAILED


def test_only_matters_of_opinion_can_be_overruled() -> None:
    """A person may overrule the recogniser, the view and the label, never a face, a leak or a broken file."""
    opinions = {Cause.STILL_RECOGNISED, Cause.IDENTIFYING_VIEW, Cause.BURNED_IN_TEXT, Cause.COVER_UNCONFIRMED}
    assert opinions == RELEASABLE
    assert not next(r for r in judge(Evidence(GOOD, leaks=("x",)), 0.6) if r.name == "header").releasable
    assert all(result.releasable for result in judge(Evidence(GOOD, must_review=True), 0.6))


@pytest.mark.parametrize(
    ("pixels", "claim"),
    [
        (GOOD, True),
        (PixelEvidence(), True),
        (PixelEvidence(faces=1, distances=(0.5,)), False),
        (PixelEvidence(faces=1, distances=(0.9,), stray_faces=1), False),
        (PixelEvidence(problem="unreadable"), False),
    ],
)
def test_the_claim_rests_on_faces_and_recognition(pixels: PixelEvidence, claim: bool) -> None:
    """Clean Recognizable Visual Features may be claimed only if no face is left and none is recognised."""
    assert recognition_passed(judge(Evidence(pixels), 0.6)) is claim


@pytest.mark.parametrize(("texts", "said", "passed"), [(0, False, True), (2, False, False), (0, True, False)])
def test_text_that_was_seen_or_announced_closes_its_gate(texts: int, said: bool, passed: bool) -> None:
    """A line of text in the written picture holds it as well as a header that says so; a person may let it go."""
    results = judge(Evidence(replace(GOOD, texts=texts), burned_in_text=said), 0.6)
    (gate,) = [result for result in results if result.name == "text"]
    assert gate.passed is passed
    assert gate.releasable

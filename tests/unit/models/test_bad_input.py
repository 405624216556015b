"""Pictures that nobody meant to send: every face in them is replaced or reported, and nothing raises."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from models import Anonymization, FaceAnonymizer
from models.exposure import brightened, deepened
from tests.support import oddities
from tests.support.oddities import collins, hopper, lit

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module", name="replace")
def _replace(engine: FaceAnonymizer) -> Callable[[Picture], Anonymization]:
    latent = engine.propose(collins(), np.random.default_rng(7))
    return lambda picture: engine.anonymize(picture, latent, bystanders=np.random.default_rng(1))


@pytest.mark.parametrize("name", ["chelsea", "horse", "coins"])
def test_animals_and_silhouettes_are_no_people(replace: Callable[[Picture], Anonymization], name: str) -> None:
    """A cat, the drawn outline of a horse and heads on coins are left as they are."""
    image = np.asarray(getattr(skimage.data, name)())
    image = (image.astype(np.uint8) * 255 if image.dtype == bool else image).astype(np.uint8)

    result = replace(image if image.ndim == 3 else np.dstack([image] * 3))

    assert result.faces == result.unreplaced == ()
    assert not result.synthetic.any()


@pytest.mark.parametrize("picture", [oddities.statue(), oddities.drawing(hopper())], ids=["statue", "drawing"])
def test_a_likeness_is_treated_as_a_person(replace: Callable[[Picture], Anonymization], picture: Picture) -> None:
    """A bust of somebody and a drawing of somebody get another face, or are reported as one that was not replaced."""
    result = replace(picture)

    assert len(result.faces) + len(result.unreplaced) == 1


@pytest.mark.parametrize("picture", [oddities.on_shirt(), oddities.with_poster()], ids=["shirt", "poster"])
def test_a_printed_face_is_replaced_too(replace: Callable[[Picture], Anonymization], picture: Picture) -> None:
    """Of a person and a portrait on a shirt or a wall, both become somebody else."""
    result = replace(picture)

    assert len(result.faces) == 2
    assert result.unreplaced == ()
    assert all(face.distance is not None and face.distance > 0.6 for face in result.faces)


@pytest.mark.parametrize(
    "picture", [collins()[:, :228], collins()[:, 228:], collins()[:125]], ids=["right half", "left half", "upper half"]
)
def test_a_face_cut_by_the_edge_is_replaced_or_reported(
    replace: Callable[[Picture], Anonymization], picture: Picture
) -> None:
    """Half a face at the border is a face."""
    result = replace(np.ascontiguousarray(picture))

    assert len(result.faces) + len(result.unreplaced) == 1


def test_half_a_neighbour_is_replaced_or_reported(replace: Callable[[Picture], Anonymization]) -> None:
    """Who stands half in the picture does not pass because the other one is complete."""
    result = replace(oddities.with_half_a_neighbour())

    assert len(result.faces) + len(result.unreplaced) == 2


@pytest.mark.parametrize(("gain", "offset"), [(0.12, 0), (0.05, 0), (0.03, 0), (0.2, 200), (1.8, 60)], ids=str)
def test_bad_light_hides_nobody(replace: Callable[[Picture], Anonymization], gain: float, offset: float) -> None:
    """Nearly black and washed-out photographs have a face that is replaced or reported."""
    result = replace(lit(hopper(), gain, offset))

    assert len(result.faces) + len(result.unreplaced) == 1


def test_only_bad_light_is_made_readable() -> None:
    """A usual photograph is searched as it is, a dark one brightened, a bright one with its highlights spread."""
    assert brightened(collins()) is collins()
    assert deepened(collins()) is None
    assert np.percentile(brightened(lit(collins(), 0.05)), 99) == pytest.approx(230, abs=12)
    pale = lit(collins(), 0.2, 200)
    spread = deepened(pale)
    assert spread is not None
    assert spread.std() > 1.5 * pale.std()


def test_a_grey_photograph_stays_grey(replace: Callable[[Picture], Anonymization]) -> None:
    """A photograph without colour gets a face without colour."""
    grey = np.dstack([cv2.cvtColor(collins(), cv2.COLOR_RGB2GRAY)] * 3)

    result = replace(grey)

    assert len(result.faces) == 1
    assert np.ptp(result.image, axis=2).max() <= 1


@pytest.mark.parametrize("width", [40, 60])
def test_a_tiny_face_is_replaced_or_reported(replace: Callable[[Picture], Anonymization], width: int) -> None:
    """Somebody of forty pixels in a corner is not overlooked."""
    result = replace(oddities.far_away(width))

    edge = 980 - round(512 * width / 102), 730 - round(512 * width / 102)
    centre = np.array(edge) + np.array([227, 126]) * width / 102
    boxes = [face.box for face in (*result.faces, *result.unreplaced)]
    assert any(np.abs(np.array([box[:2], box[2:]]).mean(0) - centre).max() < 0.3 * width for box in boxes)


def test_a_hundred_megapixels_are_searched(engine: FaceAnonymizer) -> None:
    """In a picture of ten thousand pixels square the face of two thousand and the one of sixty are both found."""
    picture = cv2.resize(collins(), (10000, 10000), interpolation=cv2.INTER_LINEAR)
    small = oddities.far_away(60)[-320:, -320:]
    picture[-320:, :320] = small

    widths = [face.width for face in engine.find(picture)]

    assert any(1500 < width < 2500 for width in widths)
    assert any(40 < width < 90 for width in widths)


def test_upside_down_is_no_way_out(engine: FaceAnonymizer) -> None:
    """A photograph on its head is worked on as it lies, and shows somebody else."""
    picture = np.ascontiguousarray(hopper()[::-1, ::-1])

    result = engine.anonymize(picture, engine.propose(picture, np.random.default_rng(7)))

    assert len(result.faces) == 1
    assert result.faces[0].distance is not None
    assert result.faces[0].distance > 0.6

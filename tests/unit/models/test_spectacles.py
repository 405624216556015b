"""Another frame over the glasses that are worn, on a real wearer in the public domain."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer
from models.face_model import FaceModel
from models.lenses import eyes_of
from models.regions import Region
from models.spectacles import INKS, chosen, renewed, sample

Picture = np.ndarray
NOTHING: frozenset[Region] = frozenset()
THIN_BLACK, THICK_BLACK, GREEN = (np.array(one, np.float32) for one in ((-2, -2), (-2, 2), (2, 0)))


@pytest.fixture(scope="module")
def worn(engine: FaceAnonymizer, admiral: Picture) -> FaceModel:
    model = engine.explain(admiral, engine.find(admiral)[0])
    assert model is not None
    assert model.lenses is not None
    return model


def _renewed(
    image: Picture,
    model: FaceModel,
    latent: np.ndarray,
    preserve: frozenset[Region] = NOTHING,
    kept: np.ndarray | None = None,
) -> Picture:
    after = image.copy()
    renewed(after, model, latent, preserve, np.zeros(image.shape[:2], bool) if kept is None else kept)
    return after


def _on_outlines(image: Picture, model: FaceModel) -> np.ndarray:
    """Colours [n, 3] where the rims run."""
    assert model.lenses is not None
    back = cv2.invertAffineTransform(model.lenses.to_crop)
    points = model.lenses.outlines.reshape(-1, 2) @ back[:, :2].T + back[:, 2]
    x, y = np.round(points).astype(int).T
    return image[y, x].astype(np.float32)


def test_the_rims_are_dark_all_round_and_the_eyes_are_not_touched(admiral: Picture, worn: FaceModel) -> None:
    """Mouth and cap stay to the bit, on the eyes falls a trace of shadow, and nothing of the old rim looks out."""
    after = _renewed(admiral, worn, THICK_BLACK)

    rims = _on_outlines(after, worn).mean(1)
    assert np.quantile(rims, 0.95) < 75
    assert np.median(rims) < np.median(_on_outlines(admiral, worn)) - 25
    for x, y in eyes_of(worn.vertices)[:, :2].round().astype(int):
        eye = np.s_[y - 3 : y + 4, x - 8 : x + 9]
        assert np.abs(after[eye].astype(int) - admiral[eye]).max() < 20
    lips = int(worn.vertices[0, 1]) - 5
    assert np.array_equal(after[lips:], admiral[lips:])
    assert np.array_equal(after[:60], admiral[:60])


def test_a_frame_has_its_tone_and_its_strength(admiral: Picture, worn: FaceModel) -> None:
    """The same numbers draw the same to the bit, others another tone, and a thicker one covers more."""
    thin, thick, green = (_renewed(admiral, worn, one) for one in (THIN_BLACK, THICK_BLACK, GREEN))

    assert np.array_equal(thin, _renewed(admiral, worn, THIN_BLACK))
    black, other = (np.median(_on_outlines(image, worn), 0) for image in (thin, green))
    assert np.ptp(black) < 5
    assert other[1] > other[[0, 2]].max() + 3
    covered = [(cv2.absdiff(one, admiral).max(2) > 40).sum() for one in (thin, thick)]  # its soft shadow is not it
    assert covered[1] > 1.1 * covered[0]


@pytest.mark.parametrize("region", ["eyes", "nose"])
def test_a_frame_stays_where_what_it_stands_on_is_preserved(admiral: Picture, worn: FaceModel, region: Region) -> None:
    """Half a frame would be changed, across the bridge of a nose that stays."""
    assert np.array_equal(_renewed(admiral, worn, THICK_BLACK, frozenset({region})), admiral)


def test_no_frame_is_changed_in_part(admiral: Picture, worn: FaceModel) -> None:
    """Neither when a preserved region of another kind reaches it."""
    kept = np.zeros(admiral.shape[:2], bool)
    x, y = worn.vertices[46, :2].astype(int)
    kept[y - 30 : y + 30, x - 30 : x + 30] = True

    assert np.array_equal(_renewed(admiral, worn, THICK_BLACK, frozenset({"mouth"}), kept), admiral)


def test_a_grey_photograph_stays_grey(engine: FaceAnonymizer, admiral: Picture, worn: FaceModel) -> None:
    """A coloured frame would be the only colour in it."""
    grey = np.repeat(admiral.mean(2, keepdims=True), 3, 2).astype(np.uint8)

    after = _renewed(grey, replace(worn, one_hue=True), GREEN)

    assert not np.array_equal(after, grey)
    assert np.ptp(after.astype(int), axis=2).max() <= 1


def test_what_stands_before_them_stays(admiral: Picture, worn: FaceModel) -> None:
    """A hand that holds the glasses is not painted."""
    covered = replace(worn, standing=np.ones_like(worn.standing))

    assert np.array_equal(_renewed(admiral, covered, THICK_BLACK), admiral)


def test_a_new_frame_stands_before_the_face(admiral: Picture, worn: FaceModel) -> None:
    """What is drawn is among what the face moves under from then on; without glasses nothing happens."""
    picture, bare = admiral.copy(), replace(worn, lenses=None)
    none = np.zeros(admiral.shape[:2], bool)

    model = renewed(picture, worn, THICK_BLACK, NOTHING, none)

    assert (model.glasses >= worn.glasses).all()
    assert (model.glasses > 0.5).sum() > (worn.glasses > 0.5).sum()
    assert renewed(picture, bare, THICK_BLACK, NOTHING, none) is bare


def test_every_tone_is_drawn() -> None:
    """None of them is rarer than half of what chance would have."""
    numbers = [chosen(one)[0] for one in sample(np.random.default_rng(0), 4000)]

    assert np.bincount(numbers, minlength=len(INKS)).min() > 0.5 * len(numbers) / len(INKS)

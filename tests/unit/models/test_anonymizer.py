import cv2
import numpy as np
import pytest

from models import REGIONS, FaceAnonymizer, Recognizer, Region, turn_head
from models.recognizer import SAME_PERSON
from tests.support.turning import rolled


@pytest.fixture(scope="session")
def identity(engine: FaceAnonymizer, astronaut: np.ndarray) -> np.ndarray:
    return engine.propose(astronaut, np.random.default_rng(7))


def test_the_result_is_somebody_else(engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray) -> None:
    """The recogniser no longer takes the result for the original, and still sees a face there."""
    result = engine.anonymize(astronaut, identity)

    assert len(result.faces) == 1
    assert result.faces[0].distance is not None
    assert result.faces[0].distance > SAME_PERSON
    assert engine.recognizer.detect(result.image)


@pytest.mark.parametrize("region", REGIONS)
def test_a_preserved_region_is_untouched(
    engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray, region: str
) -> None:
    """Every pixel of the preserved region equals the original's, while the rest of the face changes."""
    result = engine.anonymize(astronaut, identity, frozenset({region}))

    assert result.preserved.sum() > 100
    np.testing.assert_array_equal(result.image[result.preserved], astronaut[result.preserved])
    assert result.synthetic.sum() > 5 * result.preserved.sum()


def test_masks_tell_the_truth(engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray) -> None:
    """Pixels outside the synthetic mask equal the original, and no pixel is in both masks."""
    result = engine.anonymize(astronaut, identity, frozenset({"mouth"}))

    np.testing.assert_array_equal(result.image[~result.synthetic], astronaut[~result.synthetic])
    assert not (result.synthetic & result.preserved).any()


def test_one_identity_in_two_photographs_is_one_person(
    engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray
) -> None:
    """Another crop, other light and a turned head keep the same new person."""
    other = cv2.convertScaleAbs(turn_head(astronaut, 12)[10:400, 60:420], alpha=0.85, beta=10)

    first = engine.recognizer.embed(engine.anonymize(astronaut, identity).image)
    second = engine.recognizer.embed(engine.anonymize(other, identity).image)

    assert first is not None
    assert second is not None
    assert Recognizer.distance(first, second) < SAME_PERSON


@pytest.mark.usefixtures("short_search")
def test_everybody_in_the_picture_is_replaced(
    engine: FaceAnonymizer, astronaut: np.ndarray, admiral: np.ndarray
) -> None:
    """A bystander gets another identity too."""
    pair = np.zeros((700, 1200, 3), np.uint8)
    pair[50:562, 20:532] = astronaut
    pair[50 : 50 + admiral.shape[0], 600 : 600 + admiral.shape[1]] = admiral

    result = engine.anonymize(pair, engine.propose(pair, np.random.default_rng(7)), bystanders=np.random.default_rng(1))

    assert len(result.faces) == 2
    assert result.unreplaced == ()
    assert all(face.distance is not None and face.distance > 0.5 for face in result.faces)


def test_large_photographs_keep_their_size_and_their_rest(
    engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray
) -> None:
    """A 12-megapixel photograph is changed in place: same size, and pixels far from the face are equal."""
    large = cv2.resize(astronaut, (3464, 3464), interpolation=cv2.INTER_CUBIC)

    result = engine.anonymize(large, identity)

    assert result.image.shape == large.shape
    np.testing.assert_array_equal(result.image[2600:], large[2600:])
    assert result.faces[0].distance is not None
    assert result.faces[0].distance > SAME_PERSON


def test_a_picture_without_a_face_comes_back_as_it_was(engine: FaceAnonymizer, identity: np.ndarray) -> None:
    """Nothing is done where nobody is seen."""
    empty = np.full((300, 200, 3), 90, np.uint8)

    result = engine.anonymize(empty, identity)

    assert result.faces == ()
    assert not result.synthetic.any()
    np.testing.assert_array_equal(result.image, empty)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((8, 64, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "tiny"],
)
def test_other_arrays_are_refused(engine: FaceAnonymizer, identity: np.ndarray, image: np.ndarray) -> None:
    """Only RGB uint8 pictures of a sensible size are taken."""
    with pytest.raises(ValueError, match="RGB"):
        engine.anonymize(image, identity)


def test_a_proposal_is_random_and_hides_better_than_chance(engine: FaceAnonymizer, admiral: np.ndarray) -> None:
    """The chosen identity lies farther from the source than the average draw, and another seed gives another."""
    chosen = engine.propose(admiral, np.random.default_rng(1))
    draws = engine.sample(np.random.default_rng(2), 4)

    hidden = engine.anonymize(admiral, chosen).faces[0].distance
    average = np.mean([engine.anonymize(admiral, draw).faces[0].distance for draw in draws])

    assert hidden is not None
    assert hidden > average
    assert np.abs(chosen - engine.propose(admiral, np.random.default_rng(3))).max() > 0.5


@pytest.mark.parametrize("roll", range(0, 360, 30))
def test_a_face_at_any_angle_is_replaced(
    engine: FaceAnonymizer, astronaut: np.ndarray, identity: np.ndarray, roll: int
) -> None:
    """However the picture is turned, even upside down, the person in it becomes another, where the face is."""
    picture, turn = rolled(astronaut, roll)

    result = engine.anonymize(picture, identity)

    centre = turn @ (227, 126, 1)
    replaced = [f for f in result.faces if np.abs(np.array([f.box[:2], f.box[2:]]).mean(0) - centre).max() < 30]
    assert len(replaced) == 1
    assert replaced[0].distance is not None
    assert replaced[0].distance > SAME_PERSON
    upright, back = (cv2.warpAffine(p, turn, (512, 512), flags=cv2.WARP_INVERSE_MAP) for p in (result.image, picture))
    seen = [engine.recognizer.embed(p, (175, 75, 280, 180)) for p in (upright, back)]
    assert seen[0] is not None
    assert seen[1] is not None
    assert Recognizer.distance(seen[0], seen[1]) > SAME_PERSON


def test_a_grey_photograph_stays_grey(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """Neither the new face nor the hair brings a colour into a photograph that has none."""
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)

    result = engine.anonymize(grey, engine.sample(np.random.default_rng(6), 1)[0])

    assert result.synthetic.any()
    assert int(np.ptp(result.image, axis=2).max()) == 0


def test_finishing_can_be_left_out_and_spares_what_is_preserved(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """With and without correction results differ in the face; a preserved mouth is the photograph's in both."""
    mouth: frozenset[Region] = frozenset({"mouth"})
    latent = engine.sample(np.random.default_rng(1), 1)[0]
    plain = engine.with_steps(frozenset({"blending"}))

    results = [one.anonymize(astronaut, latent, mouth) for one in (engine, plain)]

    assert (results[0].image != results[1].image).any(2).sum() > 2000
    for result in results:
        np.testing.assert_array_equal(result.image[result.preserved], astronaut[result.preserved])

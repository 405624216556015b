import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, Region
from models.hair import LATENT_SIZE, Hair, HairFinder, fringe, recolour, strength
from models.lighting import OFFSET, to_log

Picture = np.ndarray
LIGHT, DARK = np.array([2.0, 0.0], np.float32), np.array([-2.0, 0.0], np.float32)


@pytest.fixture(scope="module")
def hair(engine: FaceAnonymizer, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]) -> Hair:
    frame = engine.prior.frame
    found = HairFinder().find(astronaut, meshes[0], np.zeros((frame.side, frame.side), np.float32), frame)
    assert found is not None
    return found


def _changed(image: Picture, hair: Hair, tone: np.ndarray, keep: np.ndarray | None = None) -> Picture:
    after = image.copy()
    recolour(after, hair, tone, np.zeros(image.shape[:2], bool) if keep is None else keep)
    return after


def test_hair_gets_another_tone_and_the_face_keeps_its_own(astronaut: Picture, hair: Hair) -> None:
    """Brown hair becomes lighter by a third; cheeks, nose and the suit stay as they were."""
    after = _changed(astronaut, hair, LIGHT)

    crown = (slice(40, 60), slice(190, 240))
    assert 0.2 < (to_log(after[crown]) - to_log(astronaut[crown]))[..., 0].mean() < 0.5
    np.testing.assert_array_equal(after[120:180, 205:250], astronaut[120:180, 205:250])
    np.testing.assert_array_equal(after[330:], astronaut[330:])


def test_dark_and_light_tones_go_opposite_ways(astronaut: Picture, hair: Hair) -> None:
    """The latent's sign is the direction, and a tone of nothing changes nothing."""
    crown = (slice(40, 60), slice(190, 240))

    darker, lighter = (_changed(astronaut, hair, tone)[crown].mean() for tone in (DARK, LIGHT))

    assert darker < astronaut[crown].mean() < lighter
    assert strength(astronaut, hair, DARK) > 5
    assert strength(astronaut, hair, np.zeros(LATENT_SIZE, np.float32)) == 0


def test_no_tone_glows_or_turns_teal(astronaut: Picture, hair: Hair) -> None:
    """Fair hair that grows lighter and warmer at once is no more colourful; cool tones add no colour."""
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    matte = cv2.warpAffine(hair.alpha, hair.to_crop, astronaut.shape[1::-1], flags=cv2.WARP_INVERSE_MAP) > 0.9

    def warmth(image: Picture) -> np.ndarray:
        """Of each pixel of the hair, log red against blue."""
        log = to_log(image)[matte]
        return log[:, 1] - log[:, 2]

    glowing, cool = (_changed(astronaut, hair, np.array([2.0, way], np.float32)) for way in (2.0, -2.0))
    assert np.median(warmth(glowing)) <= np.median(warmth(astronaut))
    assert np.quantile(warmth(cool), 0.02) > min(np.quantile(warmth(astronaut), 0.02), 0.0) - 0.02
    assert np.median(warmth(cool)) < np.median(warmth(astronaut)) - 0.1
    assert np.abs(warmth(_changed(grey, hair, np.array([2.0, -2.0], np.float32)))).max() < 0.03


def test_hair_in_a_sepia_photograph_keeps_its_hue(astronaut: Picture, hair: Hair) -> None:
    """Where a photograph has one hue, hair grows lighter and takes no colour, and loses none."""
    light = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32) + OFFSET
    sepia = np.clip(np.round(light * np.array([1.1, 0.95, 0.75]) - OFFSET), 0, 255).astype(np.uint8)
    after = sepia.copy()

    recolour(after, hair, np.array([2.0, -2.0], np.float32), np.zeros(sepia.shape[:2], bool), one_hue=True)

    crown = (slice(40, 60), slice(190, 240))
    change = to_log(after[crown]) - to_log(sepia[crown])
    assert change[..., 0].mean() > 0.2
    assert np.abs(change[..., 1:].mean((0, 1))).max() < 0.01


def test_a_wall_as_dark_as_the_hair_keeps_its_tone(astronaut: Picture, hair: Hair) -> None:
    """Hair found against a wall of its own colour changes, and the wall does not, right up to where hair may be."""
    matte = cv2.warpAffine(hair.alpha, hair.to_crop, astronaut.shape[1::-1], flags=cv2.WARP_INVERSE_MAP)
    far = cv2.dilate((matte > 0.05).astype(np.uint8), np.ones((19, 19), np.uint8)) == 0
    picture = astronaut.copy()
    picture[far] = picture[matte > 0.9].mean(0).astype(np.uint8)

    after = _changed(picture, hair, LIGHT)

    assert (after[matte > 0.9] != picture[matte > 0.9]).any()
    np.testing.assert_array_equal(after[far], picture[far])


def test_no_glow_lies_around_lighter_hair(astronaut: Picture, hair: Hair) -> None:
    """Just beyond its outline the wall behind her keeps its lightness, while hair inside it gets the new one."""
    matte = cv2.warpAffine(hair.alpha, hair.to_crop, astronaut.shape[1::-1], flags=cv2.WARP_INVERSE_MAP)
    away = cv2.distanceTransform((matte < 0.15).astype(np.uint8), cv2.DIST_L2, 5)
    beside = (away > 0) & (away <= 3)
    beside[90:] = False  # above the face

    change = (to_log(_changed(astronaut, hair, LIGHT)) - to_log(astronaut))[..., 0]

    assert beside.sum() > 100
    assert change[beside].mean() < 0.035
    assert change[matte > 0.9].mean() > 0.2


def test_what_is_kept_is_kept(astronaut: Picture, hair: Hair) -> None:
    """Hair inside a preserved region keeps its tone to the bit."""
    keep = np.zeros(astronaut.shape[:2], bool)
    keep[30:60] = True

    after = _changed(astronaut, hair, LIGHT, keep)

    np.testing.assert_array_equal(after[keep], astronaut[keep])
    assert (after != astronaut).any()


def test_hair_stays_where_it_was_in_a_crop_of_the_photograph(astronaut: Picture, hair: Hair) -> None:
    """Moved to a crop of half the size, the same hair changes there."""
    small = np.ascontiguousarray(astronaut[10:310:2, 100:340:2])

    after = _changed(small, hair.moved(0.5, 100, 10), LIGHT)

    whole = (_changed(astronaut, hair, LIGHT) != astronaut).any(2)[10:310:2, 100:340:2]
    assert ((after != small).any(2) == whole).mean() > 0.97


def test_a_bare_head_has_no_hair_but_may_have_a_beard(
    engine: FaceAnonymizer, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Where everything around the face looks like its skin, nothing is coloured; dark hair on the chin alone is."""
    frame = engine.prior.frame
    skin = np.empty_like(astronaut)
    skin[:] = astronaut[130:140, 205:215].reshape(-1, 3).mean(0)
    face = slice(80, 200), slice(180, 270)
    skin[face] = astronaut[face]

    shaven = np.zeros((frame.side, frame.side), np.float32)
    chin = cv2.circle(shaven.copy(), tuple(int(v) for v in frame.uv[199]), 40, 1.0, -1)
    x, y = (int(v) for v in meshes[0][199, :2])
    bearded = cv2.circle(skin.copy(), (x, y), 12, (40, 30, 25), -1)

    assert HairFinder().find(skin, meshes[0], shaven, frame) is None
    found = HairFinder().find(bearded, meshes[0], chin, frame)
    assert found is not None
    assert found.line is None
    changed = (_changed(bearded, found, LIGHT) != bearded).any(2)
    assert changed[y - 4 : y + 4, x - 4 : x + 4].all()
    assert not changed[: y - 40].any()


def test_white_hair_is_there_and_keeps_its_tone(
    engine: FaceAnonymizer, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray], hair: Hair
) -> None:
    """As light as the skin beside it, hair has a hairline and no border on which another tone could end."""
    frame = engine.prior.frame
    matte = cv2.warpAffine(hair.alpha, hair.to_crop, astronaut.shape[1::-1], flags=cv2.WARP_INVERSE_MAP)[..., None]
    strands = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    white = 225 + 0.2 * (strands - strands[matte > 0.9].mean())
    picture = np.clip(astronaut + np.clip(2 * matte, 0, 1) * (white - astronaut), 0, 255).astype(np.uint8)

    found = HairFinder().find(picture, meshes[0], np.zeros((frame.side, frame.side), np.float32), frame)

    assert found is not None
    assert found.line is not None
    assert strength(picture, found, DARK) == 0


def test_a_tone_comes_in_gently_beside_what_is_preserved(astronaut: Picture, hair: Hair) -> None:
    """Next to a preserved part of the hair its new tone begins at nothing, farther away it is whole."""
    keep = np.zeros(astronaut.shape[:2], bool)
    keep[:, :200] = True

    part, whole = _changed(astronaut, hair, LIGHT, keep), _changed(astronaut, hair, LIGHT)

    change = np.abs(part.astype(int) - astronaut).mean((0, 2)) / np.maximum(
        np.abs(whole.astype(int) - astronaut).mean((0, 2)), 0.1
    )
    assert change[:200].max() == 0
    assert change[200] < 0.5
    assert change[225:240].min() > 0.9


def test_hair_belongs_to_the_identity(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Two identities that differ in nothing but the hair differ in the hair, and not in what is preserved."""
    mouth: frozenset[Region] = frozenset({"mouth"})
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    fair, dark = latent.copy(), latent.copy()
    fair[-LATENT_SIZE:], dark[-LATENT_SIZE:] = LIGHT, DARK

    results = [engine.anonymize(astronaut, one, mouth) for one in (fair, dark)]

    crowns = [to_log(result.image[40:60, 190:240])[..., 0].mean() for result in results]
    assert crowns[0] - crowns[1] > 0.4
    kept = results[0].preserved
    assert kept.any()
    np.testing.assert_array_equal(results[0].image[kept], astronaut[kept])
    np.testing.assert_array_equal(results[1].image[kept], astronaut[kept])


@pytest.mark.usefixtures("short_search")
def test_an_identity_without_its_tone_leaves_all_hair_as_it_is(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Given the face's numbers alone, the largest face changes and so does who stands beside, and no hair does."""
    half = astronaut[:300, 60:400]
    pair = np.concatenate([half, half[:, ::-1]], 1)
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    latent[engine.prior.latent_size :] = 0  # her crown stays
    latent[-LATENT_SIZE:] = LIGHT

    toned, kept = (engine.anonymize(pair, one).image for one in (latent, latent[: engine.prior.latent_size]))

    crowns = [np.s_[40:60, 130:180], np.s_[40:60, 500:550]]
    lighter = [to_log(kept[crown])[..., 0].mean() - to_log(pair[crown])[..., 0].mean() for crown in crowns]
    assert lighter == pytest.approx([0, 0], abs=0.05)
    assert (to_log(toned[crowns[0]]) - to_log(kept[crowns[0]]))[..., 0].mean() > 0.2
    assert (kept != pair).any(2)[100:170].mean() > 0.1


def test_a_fringe_keeps_its_look(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """Strands over the forehead are found in the common frame, the whole width of them, and another face leaves them;
    skin above the brows is none."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    assert model.hair is not None
    frame, middle = engine.prior.frame, engine.prior.frame.side // 2
    texture, _ = frame.pull(astronaut, model.vertices)

    strands = fringe(model.hair, texture, model.vertices, frame)

    top = np.s_[: frame.side // 12, middle - 60 : middle + 60]
    assert strands[top][frame.inside[top]].mean() > 0.7
    assert strands[100:115, middle - 20 : middle + 20].max() < 0.2
    assert model.occlusion[strands > 0.9].mean() > 0.9

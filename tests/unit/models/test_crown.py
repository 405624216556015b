"""Where hair begins and how wide and high a head stands, as parts of an identity."""

from itertools import product

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, Region, crown, renderer, turn_head
from models.mesh import LEFT_BROW, RIGHT_BROW, TOP

Picture = np.ndarray
WIDTH = 140  # pixels across the face of a mesh laid on a grid of its surroundings
FAR = 2.5  # deviations, the farthest that is drawn
MIDDLE, TEMPLES, WIDER, HIGHER = np.eye(4, dtype=np.float32) * FAR


def _on_grid(vertices: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The mesh [468, 2] in a grid of what a face may change, and the grid's height and width."""
    left, top, width, height = renderer.surroundings(vertices, 10**6, 10**6)
    scale = WIDTH / np.ptp(vertices[:, 0])
    return (vertices[:, :2] - (left, top)) * scale, round(height * scale), round(width * scale)


@pytest.fixture(scope="module", name="heads")
def _heads(meshes: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, int, int]]:
    """Two frontal faces, one of them lying on its side, far from the edges of a photograph."""
    lying = meshes[1][:, [1, 0, 2]] * (1, -1, 1)
    return [_on_grid(mesh - mesh.min(0) + 3000) for mesh in (*meshes, lying)]


def test_nothing_folds_and_all_is_at_rest_around(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """However far crowns are drawn, no two pixels change places; at the edges of what may change nothing moves."""
    for points, height, width in heads:
        for signs in product((-1, 1), repeat=4):
            motion = crown.motion(points, FAR * np.array(signs, np.float32), height, width)
            (x_down, x_across), (y_down, y_across) = (np.gradient(motion[..., k]) for k in (0, 1))
            stretched = (1 + x_across) * (1 + y_down) - x_down * y_across
            assert stretched.min() > 0.02
            edges = np.concatenate([motion[0], motion[-1], motion[:, 0], motion[:, -1]])
            assert np.abs(edges).max() < 0.01 * WIDTH


def test_the_face_itself_stays(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """From the brows down nothing moves but a rim at the temples and cheeks."""
    brows, nose, eyes, mouth, chin = [105, 66, 107, 334, 296, 336], [1, 2], [33, 133, 362, 263], [61, 291, 17], [152]
    for points, height, width in heads:
        motion = crown.motion(points, np.full(4, FAR, np.float32), height, width)
        inner = np.round(points[[*brows, *nose, *eyes, *mouth, *chin]]).astype(int)
        assert np.abs(motion[inner[:, 1], inner[:, 0]]).max() < 0.02 * WIDTH


def test_a_hairline_goes_where_its_numbers_say(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """Up and down in the middle, the temples against it, by about half of the forehead; bald heads have none."""
    points, height, width = heads[0]
    x, y = np.round(points[TOP]).astype(int)
    forehead = float(points[TOP, 1] - points[RIGHT_BROW + LEFT_BROW, 1].min())

    def raised(latent: np.ndarray, beside: float = 0.0, has_hairline: bool = True) -> float:
        """Pixels by which what lies at the top of the forehead goes up."""
        motion = crown.motion(points, latent, height, width, has_hairline)
        return float(motion[y, x + round(beside * WIDTH), 1])

    assert 0.4 * abs(forehead) < raised(MIDDLE) < 0.8 * abs(forehead)
    assert raised(-MIDDLE) == pytest.approx(-raised(MIDDLE))
    assert raised(TEMPLES) < 0 < raised(TEMPLES, beside=0.3)
    assert raised(MIDDLE, has_hairline=False) == 0
    assert raised(np.zeros(4, np.float32)) == 0


def test_an_outline_goes_where_its_numbers_say(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """Beside the forehead to both sides, above it upwards, on a bald head as on another."""
    points, height, width = heads[0]
    row = round(float(points[TOP, 1]))
    low, high, beside = points[:, 0].min(), points[:, 0].max(), 0.08 * WIDTH
    left, right = round(float(low - beside)), round(float(high + beside))
    above = round(float(points[TOP, 1] - 0.35 * WIDTH)), round(float(points[TOP, 0]))
    for has_hairline in (True, False):
        wider, higher = (crown.motion(points, one, height, width, has_hairline) for one in (WIDER, HIGHER))
        assert wider[row, right, 0] < -0.04 * WIDTH
        assert wider[row, left, 0] > 0.04 * WIDTH
        assert higher[above][1] > 0.04 * WIDTH


def test_a_crown_belongs_to_the_identity(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Another crown moves the hairline and leaves what is preserved; given no numbers of hair, none does."""
    mouth: frozenset[Region] = frozenset({"mouth"})
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    size = engine.bald_size
    heads = [np.concatenate([latent[:size], one]) for one in (MIDDLE, -MIDDLE, 0 * MIDDLE)]

    high, low, own = (engine.anonymize(astronaut, one, mouth) for one in heads)

    # Between the brows and where her hair begins: skin with a high hairline, hair with a low one.
    hairline = np.s_[62:72, 215:240]
    assert high.image[hairline].mean() - low.image[hairline].mean() > 30
    for result in (high, low):
        assert result.preserved.any()
        np.testing.assert_array_equal(result.image[result.preserved], astronaut[result.preserved])
    np.testing.assert_array_equal(engine.anonymize(astronaut, latent[:size], mouth).image, own.image)


def test_turned_and_rolled_heads_get_the_same_crown(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """A lower hairline lies nearer the brows on a head that is turned away, and on one that lies on its side."""
    turned = turn_head(astronaut, 25)
    lying = np.ascontiguousarray(np.rot90(astronaut))
    for picture in (turned, lying):
        model = engine.explain(picture, engine.find(picture)[0])
        assert model is not None
        points = model.vertices[:, :2]
        up = points[TOP] - points[152]
        lowered = crown.moved(picture, points, -MIDDLE)
        # Along the middle of the head, from the brows to the crown, the first dark pixels are hair.
        line = points[TOP] + np.linspace(-0.2, 0.25, 240)[:, None] * up
        begins = [
            int(np.argmax(cv2.remap(one, line[None].astype(np.float32), None, cv2.INTER_LINEAR)[0].mean(1) < 100))
            for one in (picture, lowered)
        ]
        assert begins[1] < begins[0] - 6

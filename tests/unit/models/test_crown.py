"""Where hair begins and how wide and high a head stands, as parts of an identity."""

from itertools import product

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, Region, crown, renderer, turn_head
from models.hair import Hairline
from models.mesh import LEFT_BROW, RIGHT_BROW, TOP

Picture = np.ndarray
WIDTH = 140  # pixels across the face of a mesh laid on a grid of its surroundings
FAR = 2.5  # deviations, the farthest that is drawn
MIDDLE, TEMPLES, WIDER, HIGHER = np.eye(4, dtype=np.float32) * FAR
# Where hair begins and the head ends, of a high forehead, a usual one, a fringe, hair that is hardly there, and one
# that hangs over the brows.
LINES = [
    Hairline((0.3, 0.2), (0.5, 0.4)),
    Hairline((0.17, 0.09), (0.45, 0.38)),
    Hairline((-0.12, -0.1), (0.5, 0.45)),
    Hairline((0.25, 0.07), (0.28, 0.18)),
    Hairline((-0.3, -0.3), (0.5, 0.4)),
]


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
    for (points, height, width), line in product(heads, LINES):
        for signs in product((-1, 1), repeat=4):
            motion = crown.motion(points, FAR * np.array(signs, np.float32), height, width, line)
            (x_down, x_across), (y_down, y_across) = (np.gradient(motion[..., k]) for k in (0, 1))
            stretched = (1 + x_across) * (1 + y_down) - x_down * y_across
            assert stretched.min() > 0.02
            edges = np.concatenate([motion[0], motion[-1], motion[:, 0], motion[:, -1]])
            assert np.abs(edges).max() < 0.01 * WIDTH


def test_the_face_itself_stays(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """From the brows down nothing moves but a rim at the temples and cheeks."""
    brows, nose, eyes, mouth, chin = [105, 66, 107, 334, 296, 336], [1, 2], [33, 133, 362, 263], [61, 291, 17], [152]
    for (points, height, width), line in product(heads, LINES):
        motion = crown.motion(points, np.full(4, FAR, np.float32), height, width, line)
        inner = np.round(points[[*brows, *nose, *eyes, *mouth, *chin]]).astype(int)
        assert np.abs(motion[inner[:, 1], inner[:, 0]]).max() < 0.02 * WIDTH


def test_foreheads_are_as_high_as_people_have_them(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """A usual hairline goes to the same height from wherever it is seen, as far as it may; bald heads have none."""
    points, height, width = heads[0]
    brows = (points[TOP, 1] - points[RIGHT_BROW + LEFT_BROW, 1].min()) / WIDTH

    def forehead(line: Hairline | None, latent: np.ndarray) -> float:
        """How high above the brows hair begins in the middle, in parts of the face's width."""
        motion = crown.motion(points, latent, height, width, line)
        column = round(float(points[TOP, 0]))
        # Where each pixel of that column was, above the top of the forehead.
        was = (points[TOP, 1] - np.arange(height) - motion[:, column, 1]) / WIDTH
        begins = 0.0 if line is None else line.begins[0]
        return float((points[TOP, 1] - np.argmin(np.abs(was - begins))) / WIDTH - brows)

    high, usual, fringe, stubble, _ = LINES
    usually = np.zeros(4, np.float32)
    assert forehead(usual, usually) == pytest.approx(crown.MIDDLE[0], abs=0.015)
    assert forehead(high, usually) == pytest.approx(crown.MIDDLE[0], abs=0.015)
    assert forehead(fringe, usually) < crown.MIDDLE[0] - 0.1
    assert forehead(stubble, usually) == pytest.approx(stubble.begins[0] - brows, abs=0.06)
    assert forehead(None, MIDDLE) == pytest.approx(-brows, abs=0.01)
    for line in (high, usual):
        own, farthest = line.begins[0] - brows, crown.FARTHEST * (line.ends[0] - line.begins[0])
        for latent, deviations in ((MIDDLE, crown.UNUSUAL), (-MIDDLE, -crown.UNUSUAL)):
            wanted = crown.MIDDLE[0] + deviations * crown.MIDDLE[1]
            assert forehead(line, latent) == pytest.approx(np.clip(wanted, own - farthest, own + farthest), abs=0.04)


def test_temples_go_with_the_middle(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """Their own number sends them up or down beside it, but never far: a forehead is no wedge."""
    points, height, width = heads[0]
    row = round(float(points[TOP, 1]) - 0.15 * WIDTH)
    columns = [round(float(points[TOP, 0]) + beside * WIDTH) for beside in (0.0, 0.3)]

    def raised(latent: np.ndarray) -> tuple[float, float]:
        motion = crown.motion(points, latent, height, width, LINES[1])
        return float(motion[row, columns[0], 1]) / WIDTH, float(motion[row, columns[1], 1]) / WIDTH

    middle, temple = raised(TEMPLES)
    lower_middle, lower_temple = raised(-TEMPLES)
    assert middle == lower_middle
    assert temple > lower_temple + 0.04
    assert max(abs(temple - middle), abs(lower_temple - lower_middle)) < crown.BENT * crown.TEMPLES[0] + 0.03


def test_an_outline_goes_where_its_numbers_say(heads: list[tuple[np.ndarray, int, int]]) -> None:
    """Beside the forehead to both sides, above it upwards, on a bald head as on another."""
    points, height, width = heads[0]
    row = round(float(points[TOP, 1]))
    low, high, beside = points[:, 0].min(), points[:, 0].max(), 0.08 * WIDTH
    left, right = round(float(low - beside)), round(float(high + beside))
    above = round(float(points[TOP, 1] - 0.35 * WIDTH)), round(float(points[TOP, 0]))
    for line in (*LINES, None):
        own = crown.motion(points, np.zeros(4, np.float32), height, width, line)
        wider, higher = (crown.motion(points, one, height, width, line) - own for one in (WIDER, HIGHER))
        assert wider[row, right, 0] < -0.025 * WIDTH
        assert wider[row, left, 0] > 0.025 * WIDTH
        assert higher[above][1] > 0.025 * WIDTH


def test_a_crown_belongs_to_the_identity(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Another crown moves the hairline and leaves what is preserved; given no numbers of hair, none does."""
    mouth: frozenset[Region] = frozenset({"mouth"})
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    size = engine.bald_size
    heads = [np.concatenate([latent[:size], one]) for one in (MIDDLE, -MIDDLE)]

    high, low = (engine.anonymize(astronaut, one, mouth) for one in heads)
    own = engine.anonymize(astronaut, latent[:size], mouth)

    # Between the brows and where her hair begins: skin with a high hairline, hair with a low one.
    hairline = np.s_[62:72, 215:240]
    assert high.image[hairline].mean() - low.image[hairline].mean() > 30
    assert (high.image[hairline] != own.image[hairline]).any()
    for result in (high, low):
        assert result.preserved.any()
        np.testing.assert_array_equal(result.image[result.preserved], astronaut[result.preserved])


def test_turned_and_rolled_heads_get_the_same_crown(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """A lower hairline lies nearer the brows on a head that is turned away, and on one that lies on its side."""
    turned = turn_head(astronaut, 25)
    lying = np.ascontiguousarray(np.rot90(astronaut))
    for picture in (turned, lying):
        model = engine.explain(picture, engine.find(picture)[0])
        assert model is not None
        points = model.vertices[:, :2]
        up = points[TOP] - points[152]
        lowered = crown.moved(picture, points, -MIDDLE, model.hairline)
        # Along the middle of the head, from the brows to the crown, the first dark pixels are hair.
        line = points[TOP] + np.linspace(-0.2, 0.25, 240)[:, None] * up
        begins = [
            int(np.argmax(cv2.remap(one, line[None].astype(np.float32), None, cv2.INTER_LINEAR)[0].mean(1) < 100))
            for one in (picture, lowered)
        ]
        assert begins[1] < begins[0] - 6

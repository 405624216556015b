import cv2
import numpy as np

from models import FaceAnonymizer
from models.occlusion import bridge_edges, hold, in_photograph
from models.renderer import places, surroundings


def _nothing(engine: FaceAnonymizer) -> tuple[np.ndarray, np.ndarray]:
    side = engine.prior.frame.side
    return np.zeros((side, side, 3), np.float32), np.ones((side, side), np.float32)


def test_a_bar_across_the_bridge_is_glasses(engine: FaceAnonymizer) -> None:
    """Edges across the bridge of the nose tell glasses from skin."""
    flat, _ = _nothing(engine)
    frame = engine.prior.frame
    row = int(frame.uv[6, 1])
    worn = flat.copy()
    worn[row - 3 : row + 3, 100:284, 0] = -0.8

    assert bridge_edges(flat[..., 0], frame) == 0
    assert bridge_edges(worn[..., 0], frame) > 0.05


def _bar() -> tuple[np.ndarray, np.ndarray]:
    """A slanted bar on a grid of 120 x 160, and a flow that would carry it away."""
    rows, columns = np.mgrid[:120, :160]
    standing = (np.abs(rows - 60 - 0.2 * (columns - 80)) < 3).astype(np.float32)
    return standing, np.dstack([np.full((120, 160), 9.0), 6 * np.sin(columns / 9)]).astype(np.float32)


def test_what_stands_before_the_face_is_neither_moved_nor_coloured() -> None:
    """On an obstacle the flow is nothing and no colour may change; far away both are free."""
    standing, flow = _bar()

    held, free = hold(standing, flow, 160)

    assert np.abs(held[standing > 0]).max() == 0
    assert free[standing > 0].max() == 0
    assert np.linalg.norm(held - flow, axis=2)[:8].max() < 0.5 * np.linalg.norm(flow, axis=2)[:8].max()
    assert free[:8].min() == 1


def test_nothing_that_stands_before_the_face_is_drawn_twice() -> None:
    """No pixel beside an obstacle is fetched from the obstacle, however far the flow would reach."""
    standing, flow = _bar()

    held, _ = hold(standing, 5 * flow, 160)

    rows, columns = np.mgrid[:120, :160].astype(np.float32)
    fetched = cv2.remap(standing, columns + held[..., 0], rows + held[..., 1], cv2.INTER_LINEAR)
    assert fetched[standing == 0].max() == 0


def test_without_an_obstacle_nothing_is_held() -> None:
    """A bare face keeps its whole flow and all its colours."""
    _, flow = _bar()

    held, free = hold(np.zeros((30, 40), np.float32), flow, 160)

    np.testing.assert_array_equal(held, flow)
    assert free.min() == 1


def test_an_obstacle_goes_on_outside_the_face(engine: FaceAnonymizer, meshes: tuple[np.ndarray, np.ndarray]) -> None:
    """What is found at the edge of the face is held beyond it too; the other side stays free."""
    frame, vertices = engine.prior.frame, meshes[0]
    cover = np.zeros((frame.side, frame.side), np.float32)
    cover[:, : frame.side // 4] = 1
    crop = surroundings(vertices, 512, 512)

    standing = in_photograph(cover, places(frame, vertices, crop), frame)

    middle = standing.shape[0] // 2
    assert standing[middle, :10].min() == 1
    assert standing[middle, -10:].max() == 0

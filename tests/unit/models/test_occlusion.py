import cv2
import numpy as np

from models import FaceAnonymizer, mesh
from models.occlusion import bridge_edges, carry, glasses, hold, in_photograph
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


def _rims(engine: FaceAnonymizer) -> np.ndarray:
    """Two thin rims and a bridge between them, in the frame."""
    frame = engine.prior.frame
    out = np.zeros((frame.side, frame.side), np.float32)
    eyes = [tuple(int(v) for v in frame.uv[loop].mean(0)) for loop in (mesh.RIGHT_EYE, mesh.LEFT_EYE)]
    for x, y in eyes:
        cv2.ellipse(out, (x, y), (48, 34), 0, 0, 360, 1.0, 4)
    cv2.line(out, (eyes[0][0] + 46, eyes[0][1]), (eyes[1][0] - 46, eyes[1][1]), 1.0, 4)
    return out


def test_glasses_are_told_from_what_else_stands_before_a_face(engine: FaceAnonymizer) -> None:
    """Rims across the bridge of the nose are glasses; a hand over nose and cheek, or a mask, is none."""
    frame = engine.prior.frame
    rims = _rims(engine)
    hand = np.zeros_like(rims)
    hand[int(frame.uv[168, 1]) :, 150:] = 1
    mask = np.zeros_like(rims)
    mask[int(frame.uv[197, 1]) - 10 :] = 1

    np.testing.assert_array_equal(glasses(rims, frame), rims)
    for other in (hand, mask, np.zeros_like(rims)):
        assert not glasses(other, frame).any()


def test_a_hand_beside_glasses_is_no_part_of_them(engine: FaceAnonymizer) -> None:
    """What covers the lower face stays out of what the face carries."""
    frame, rims = engine.prior.frame, _rims(engine)
    hand = np.zeros_like(rims)
    hand[int(frame.uv[1, 1]) + 20 :, :200] = 1

    np.testing.assert_array_equal(glasses(np.maximum(rims, hand), frame), rims)


def test_glasses_go_where_the_face_goes_without_a_bend() -> None:
    """Over a bar the flow is the even part of the face's, whose wobble it leaves out; far away it has come to rest."""
    standing, flow = _bar()
    even = np.broadcast_to(np.float32([9, 0]), flow.shape)

    body = carry(standing, flow, 80)

    on = standing > 0
    assert np.linalg.norm(flow - even, axis=2)[on].max() > 5
    assert np.linalg.norm(body - even, axis=2)[on].max() < 2.5
    assert np.linalg.norm(body[:4], axis=2).max() < 0.2 * 9
    assert np.abs(carry(np.zeros_like(standing), flow, 80)).max() == 0


def test_what_is_carried_is_held_in_its_own_motion() -> None:
    """The flow on a moving bar is the bar's, and no pixel beside it is fetched from it."""
    standing, flow = _bar()
    body = np.broadcast_to(np.float32([4, -3]), flow.shape).copy()

    held, free = hold(standing, flow, 160, body)

    rows, columns = np.mgrid[:120, :160].astype(np.float32)
    moved = cv2.remap(standing, columns + 4, rows - 3, cv2.INTER_NEAREST, borderValue=0.0)
    fetched = cv2.remap(standing, columns + held[..., 0], rows + held[..., 1], cv2.INTER_LINEAR)
    assert np.abs(held - body)[moved > 0].max() < 1e-5
    assert free[moved > 0].max() == 0
    assert fetched[10:-10, 10:-10][moved[10:-10, 10:-10] == 0].max() < 0.6
    assert fetched[moved > 0].min() == 1

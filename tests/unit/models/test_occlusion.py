import numpy as np

from models import FaceAnonymizer
from models.occlusion import bridge_edges, occlusion


def _nothing(engine: FaceAnonymizer) -> tuple[np.ndarray, np.ndarray]:
    side = engine.prior.frame.side
    return np.zeros((side, side, 3), np.float32), np.ones((side, side), np.float32)


def test_a_bare_face_has_no_occlusion(engine: FaceAnonymizer) -> None:
    """Where the prior explains all, nothing stands before the face."""
    flat, facing = _nothing(engine)

    assert occlusion(flat, flat, facing, engine.prior.frame).max() == 0


def test_hair_from_the_edge_is_seen(engine: FaceAnonymizer) -> None:
    """A dark patch that reaches in over the forehead is occlusion, a patch inside the cheek is not."""
    flat, facing = _nothing(engine)
    frame = engine.prior.frame
    hair, patch = flat.copy(), flat.copy()
    hair[:60, 150:200, 0] = -1
    patch[220:240, 110:130, 0] = -1

    assert occlusion(hair, hair, facing, frame)[40, 175] > 0.9
    assert occlusion(patch, patch, facing, frame).max() == 0


def test_a_bar_across_the_bridge_is_glasses(engine: FaceAnonymizer) -> None:
    """Edges across the bridge of the nose tell glasses from skin."""
    flat, _ = _nothing(engine)
    frame = engine.prior.frame
    row = int(frame.uv[6, 1])
    worn = flat.copy()
    worn[row - 3 : row + 3, 100:284, 0] = -0.8

    assert bridge_edges(flat[..., 0], frame) == 0
    assert bridge_edges(worn[..., 0], frame) > 0.05

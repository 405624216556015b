import numpy as np
import torch

from models import blender
from models.renderer import Edit


def _edit(flow: float = 0.0, ratio: float = 0.0, soften: float = 0.0) -> Edit:
    fields = (np.full((16, 20, k), value, np.float32) for k, value in ((2, flow), (3, ratio), (1, soften)))
    return Edit(8, 4, 40, 32, *fields)


def _image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def test_nothing_to_do_changes_nothing() -> None:
    """An empty edit gives the crop back, bit for bit."""
    image = _image()

    np.testing.assert_array_equal(blender.apply(image, _edit(), torch.device("cpu")), image[4:36, 8:48])


def test_whole_pixels_are_fetched_exactly() -> None:
    """A flow of two pixels fetches the pixels two to the right and below."""
    image = _image()

    moved = blender.apply(image, _edit(flow=2.0), torch.device("cpu"), correct=False)

    np.testing.assert_array_equal(moved[:-4, :-4], image[6:34, 10:46])


def test_the_ratio_brightens() -> None:
    """A log ratio multiplies the light, and values stay within 0..255."""
    image = np.full((64, 64, 3), 100, np.uint8)

    brighter = blender.apply(image, _edit(ratio=float(np.log(1.25))), torch.device("cpu"))

    np.testing.assert_array_equal(brighter, 128)
    assert blender.apply(image, _edit(ratio=3.0), torch.device("cpu")).max() == 255


def test_what_shines_gets_no_patch_of_white() -> None:
    """Skin brightens as it is told where there is room below white; a highlight keeps its place and its colour."""
    image = np.full((64, 64, 3), (140, 110, 95), np.uint8)
    image[8:32, 20:48] = (238, 190, 165)

    lit = blender.apply(image, _edit(ratio=0.35), torch.device("cpu")).astype(float)

    skin, highlight = lit[:, :4].mean((0, 1)), lit[14:18, 22:30].mean((0, 1))
    np.testing.assert_allclose(skin, (np.array([140, 110, 95]) + 12) * np.exp(0.35) - 12, atol=4)
    assert 238 <= highlight[0] <= 255
    assert highlight[1] < 212
    assert highlight[2] < 186


def test_fine_texture_can_be_taken_away() -> None:
    """Softening removes the grain and leaves the mean."""
    grain = np.where(np.indices((64, 64)).sum(0) % 2, 140, 100).astype(np.uint8)
    image = np.dstack([grain] * 3)

    soft = blender.apply(image, _edit(ratio=0.01, soften=0.9), torch.device("cpu"))

    assert soft.std() < 0.2 * image.std()
    assert abs(float(soft.mean()) - 121) < 2

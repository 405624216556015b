import numpy as np

from models.mesh import INNER_LIPS, OUTER_LIPS, Mesher
from models.regions import preserved_mask

BOX = (170, 60, 280, 190)


def test_the_whole_mouth_is_inside_its_region(astronaut: np.ndarray) -> None:
    """Lips and teeth lie in the preserved mask, with room around them."""
    vertices = Mesher().fit(astronaut, BOX)
    assert vertices is not None

    mask = preserved_mask(vertices, {"mouth"}, *astronaut.shape[:2])

    for x, y in vertices[OUTER_LIPS + INNER_LIPS, :2].round().astype(int):
        assert mask[y - 1 : y + 2, x - 1 : x + 2].all()
    assert mask.sum() < 0.05 * mask.size


def test_regions_add_up(astronaut: np.ndarray) -> None:
    """The mask of several regions is the union of theirs, and of none it is empty."""
    vertices = Mesher().fit(astronaut, BOX)
    assert vertices is not None
    size = astronaut.shape[:2]

    both = preserved_mask(vertices, {"eyes", "nose"}, *size)

    np.testing.assert_array_equal(
        both, preserved_mask(vertices, {"eyes"}, *size) | preserved_mask(vertices, {"nose"}, *size)
    )
    assert not preserved_mask(vertices, set(), *size).any()

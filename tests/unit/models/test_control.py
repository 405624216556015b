"""One thing changed at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.control import MEASURES, Control, Person
from models.evaluation.turning import head_pose
from models.mesh import LEFT_BROW, OUTER_LIPS, RIGHT_BROW, Mesher, fit_similarity

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module", name="control")
def _control(engine: FaceAnonymizer) -> Control:
    return Control(engine)


@pytest.fixture(scope="module", name="person")
def _person(control: Control, admiral: Picture) -> Person:
    return control.see(admiral)


def _changed(person: Person, result: Picture, vertices: list[int]) -> float:
    """Mean difference in the box of some vertices."""
    points = person.model.vertices[vertices, :2]
    (left, top), (right, bottom) = points.min(0).astype(int), points.max(0).astype(int)
    area = slice(top, bottom + 1), slice(left, right + 1)
    return float(np.abs(result[area].astype(int) - person.image[area]).mean())


def test_a_region_changes_and_the_others_stay(control: Control, person: Person, engine: FaceAnonymizer) -> None:
    """Another mouth leaves the brows untouched, and other brows the mouth."""
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    brows = RIGHT_BROW + LEFT_BROW

    mouth = control.regions(person, latent, frozenset({"mouth"}))
    above = control.regions(person, latent, frozenset({"brows"}))

    assert _changed(person, mouth, OUTER_LIPS) > 3 > 0.2 > _changed(person, mouth, brows)
    assert _changed(person, above, brows) > 2 > 0.2 > _changed(person, above, OUTER_LIPS)


def test_structure_and_texture_add_up(control: Control, person: Person, engine: FaceAnonymizer) -> None:
    """Structure moves landmarks and texture does not; both together differ from either."""
    latent = engine.sample(np.random.default_rng(4), 1)[0]
    results = {
        change: control.regions(person, latent, frozenset({"nose", "mouth", "contour"}), change)
        for change in ("structure", "texture", "both")
    }

    mesher = Mesher()
    moved = {
        change: float(np.linalg.norm((found - person.model.vertices)[:, :2], axis=1).mean())
        for change, result in results.items()
        if (found := mesher.fit(result, engine.find(result)[0].box)) is not None
    }
    assert moved["structure"] > 1.5 * moved["texture"]
    assert all((results["both"] != results[one]).any() for one in ("structure", "texture"))
    assert not (control.regions(person, latent, frozenset()) != person.image).any()


@pytest.mark.parametrize("name", MEASURES)
def test_an_expression_changes_its_measure(control: Control, person: Person, engine: FaceAnonymizer, name: str) -> None:
    """A strength of one and of minus one measure higher and lower on a fresh mesh, and the head does not turn."""
    mesher, mean = Mesher(), engine.prior.frame.mean
    box = engine.find(person.image)[0].box
    size = (person.image.shape[0], person.image.shape[1])
    measured, poses = [], []
    for strength in (-1.0, 1.0):
        found = mesher.fit(control.express(person, name, strength), box)
        assert found is not None
        measured.append(MEASURES[name](fit_similarity(found, mean).apply(found)))
        poses.append(head_pose(found, mean, size))

    assert measured[1] > measured[0]
    assert np.abs(np.subtract(*poses)).max() < 4


def test_age_is_read_higher_when_it_was_raised(control: Control, person: Person) -> None:
    """The prior reads more years in the face that was made older, and the change is a mild one."""
    own = control.read_age(person)
    older, younger = (control.age(person, own + step) for step in (25, -25))

    assert control.read_age(control.see(older)) > control.read_age(control.see(younger)) + 5
    assert 0.2 < np.abs(older.astype(int) - younger).mean() < 10


def test_nobody_cannot_be_changed(control: Control) -> None:
    """A picture without a face is refused."""
    with pytest.raises(ValueError, match="no face"):
        control.see(np.full((200, 200, 3), 90, np.uint8))

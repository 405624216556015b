from dataclasses import replace

import numpy as np

from models import FaceAnonymizer, Region, renderer


def test_hard_light_is_no_identity(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """What a photograph seems to tell beyond what people are changes the face no more than the extreme of people."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    size = astronaut.shape[0], astronaut.shape[1]

    def ratio(told: float) -> np.ndarray:
        latent = np.zeros(engine.prior.latent_size, np.float32)
        latent[:12] = told
        seen = replace(model, projection=replace(model.projection, latent=latent))
        return renderer.edit(engine.prior, seen, np.zeros_like(latent), frozenset(), size).ratio

    bare, usual, extreme, absurd = (ratio(told) for told in (0.0, 0.5, 2.5, 9.0))
    assert np.abs(usual - bare).max() > 0.02
    assert np.abs(absurd - extreme).mean() < 0.5 * np.abs(extreme - bare).mean()


def test_a_bare_face_and_a_held_one_differ_only_where_it_is_held(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """What stands before the face has no flow and no ratio; far from it the edit is the bare face's."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    size, latent = (astronaut.shape[0], astronaut.shape[1]), engine.prior.sample(np.random.default_rng(3), 1)[0]
    bar = np.zeros_like(model.standing)
    middle = bar.shape[0] // 2
    bar[middle - 2 : middle + 3] = 1
    bare, held = (
        renderer.edit(engine.prior, replace(model, standing=what), latent, frozenset(), size)
        for what in (np.zeros_like(bar), bar)
    )

    row = round((middle + 0.5) / bar.shape[0] * held.flow.shape[0])
    assert np.abs(bare.flow[row]).max() > 0.5
    assert np.abs(held.flow[row]).max() == 0
    assert np.abs(held.ratio[row]).max() == 0
    top = held.flow.shape[0] // 8
    np.testing.assert_allclose(held.flow[:top], bare.flow[:top], atol=0.3)


def test_glasses_move_with_the_face_unless_what_they_lie_on_is_preserved(
    engine: FaceAnonymizer, astronaut: np.ndarray
) -> None:
    """A carried bar has a flow and no ratio; with eyes or nose preserved it stands still."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    size, latent = (astronaut.shape[0], astronaut.shape[1]), engine.prior.sample(np.random.default_rng(3), 1)[0]
    bar = np.zeros_like(model.glasses)
    rows = round(0.46 * bar.shape[0])
    bar[rows - 2 : rows + 3] = 1
    worn = replace(model, glasses=bar, standing=np.zeros_like(bar))

    def bar_of(preserve: frozenset[Region]) -> tuple[float, float]:
        plan = renderer.edit(engine.prior, worn, latent, preserve, size)
        row = round((rows + 0.5) / bar.shape[0] * plan.flow.shape[0])
        return float(np.abs(plan.flow[row]).max()), float(np.abs(plan.ratio[row]).max())

    moved, coloured = bar_of(frozenset({"mouth"}))
    assert moved > 0.5
    assert coloured < 0.1
    assert bar_of(frozenset({"eyes"})) == (0, 0)
    assert bar_of(frozenset({"nose", "mouth"})) == (0, 0)

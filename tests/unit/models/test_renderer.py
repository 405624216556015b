from dataclasses import replace

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, Region, drawing, face_model, renderer
from models.mesh import INNER_LIPS


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


def test_a_soft_photograph_gets_a_soft_face(engine: FaceAnonymizer, admiral: np.ndarray) -> None:
    """Under a veil of light, which takes most contrast away, the same identity is drawn fainter."""
    veiled = (admiral // 3 + 150).astype(np.uint8)
    latent = 1.5 * engine.prior.sample(np.random.default_rng(3), 1)[0]

    def drawn(image: np.ndarray) -> tuple[float, float]:
        model = engine.explain(image, engine.find(image)[0])
        assert model is not None
        after = drawing.differences(engine.prior, model, latent)[0] + model.projection.explained
        seen = engine.prior.frame.skin * (1 - model.occlusion) > 0.9
        return model.projection.contrast, float(after[..., 0][seen].std())

    clear, faint = drawn(admiral), drawn(veiled)

    assert faint[0] < 0.7 * clear[0]
    assert faint[1] < 0.8 * clear[1]


def test_detail_finer_than_a_small_face_does_not_turn_to_grain(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """What differs from pixel to pixel in the frame averages out in a face of 90 pixels, and shows in one of 360."""
    # Weak, so that the bounds of what skin may do are far from it.
    grain = np.random.default_rng(0).normal(0, 0.1, engine.prior.frame.inside.shape)[..., None].astype(np.float32)
    nobody = np.zeros(engine.prior.latent_size, np.float32)

    def shown(image: np.ndarray) -> float:
        model = engine.explain(image, engine.find(image)[0])
        assert model is not None
        plain, grainy = (
            renderer.edit(engine.prior, replace(model, residual=one), nobody, frozenset(), image.shape[:2]).ratio
            for one in (np.zeros_like(model.residual), np.broadcast_to(grain, model.residual.shape))
        )
        return float((grainy - plain)[np.abs(grainy - plain).max(2) > 0].std())

    small, large = shown(astronaut), shown(cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))

    assert large > 0.04
    assert small < 0.4 * large


def test_a_fold_that_lightens_loses_its_red(engine: FaceAnonymizer, admiral: np.ndarray) -> None:
    """What is redder than the skin around it, and not part of the new face, ends nearer to that skin's colour."""
    model = engine.explain(admiral, engine.find(admiral)[0])
    assert model is not None
    frame, nobody = engine.prior.frame, np.zeros(engine.prior.latent_size, np.float32)
    fold = np.zeros((frame.side, frame.side, 3), np.float32)
    fold[230:260, 120:130, 1] = 0.4
    changes = [
        drawing.differences(engine.prior, replace(model, residual=residual), nobody)[0]
        for residual in (np.zeros_like(fold), fold)
    ]

    taken = (changes[0] - changes[1])[230:260, 120:130, 1]
    free = (frame.yielding * (1 - model.occlusion))[230:260, 120:130]
    assert free.mean() > 0.8
    assert taken.mean() > 0.75 * 0.4 * free.mean()


def test_colour_that_comes_is_bounded(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """However colourful an identity is, skin turns no redder and no bluer than HUE beyond its own colour."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    wild = 20 * engine.prior.sample(np.random.default_rng(1), 1)[0]

    change = drawing.differences(engine.prior, model, wild)[0][..., 1:]

    old = np.abs((model.projection.explained + model.residual)[..., 1:])
    assert (np.abs(change) <= old + drawing.HUE + 1e-5).all()
    assert np.abs(change).max() > 0.8 * drawing.HUE


def test_plain_skin_differs_less_than_features(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """Of what an identity changes, plain skin takes PLAIN, and brows, eyes, nose and lips all."""
    prior, latent = engine.prior, engine.prior.sample(np.random.default_rng(5), 1)[0]
    nobody, marked = np.zeros_like(latent), engine.prior.frame.marked
    share = drawing.PLAIN + (1 - drawing.PLAIN) * marked

    whole, drawn = prior.change(nobody, latent)[0], prior.change(nobody, latent, share=share)[0]

    cheek, nose = (marked < 0.01) & prior.frame.inside, prior.frame.features["nose"]
    np.testing.assert_allclose(drawn[cheek], drawing.PLAIN * whole[cheek], atol=5e-3)
    assert np.abs(drawn[nose]).mean() > 0.9 * np.abs(whole[nose]).mean()


def test_brows_of_bright_skin_are_spared_and_those_of_dark_skin_are_not(
    engine: FaceAnonymizer, astronaut: np.ndarray
) -> None:
    """Under another's dark brows the surroundings of faint ones darken less where skin is bright."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    prior = engine.prior
    brows = prior.frame.brows
    faint = replace(model.projection, explained=np.zeros_like(model.projection.explained))
    latents = 2 * prior.sample(np.random.default_rng(3), 8)

    def darkest(headroom: float) -> float:
        face = replace(model, projection=faint, headroom=headroom)
        drawn = [drawing.differences(prior, face, latent)[0][..., 0] for latent in latents]
        return float(np.mean([np.average(np.minimum(one, 0), weights=brows) for one in drawn]))

    bright, dark = darkest(face_model.LEAST), darkest(face_model.BRIGHTEST)

    assert bright < 0
    assert dark < 1.2 * bright


def test_a_shadow_that_is_lit_does_not_glow(engine: FaceAnonymizer, admiral: np.ndarray) -> None:
    """A shadow redder than the skin loses that red in the photograph too, however much it brightens."""
    model = engine.explain(admiral, engine.find(admiral)[0])
    assert model is not None
    nobody = np.zeros(engine.prior.latent_size, np.float32)
    dark, red = (np.zeros_like(model.residual) for _ in range(2))
    dark[220:270, 110:140, 0] = red[220:270, 110:140, 0] = -1.5
    red[220:270, 110:140, 1] = 0.4

    plain, reddish = (
        renderer.edit(engine.prior, replace(model, residual=residual), nobody, frozenset(), admiral.shape[:2]).ratio
        for residual in (dark, red)
    )

    lost = plain[..., 0] - plain[..., 1] - (reddish[..., 0] - reddish[..., 1])
    assert reddish.max() > 0.8 * model.headroom
    assert lost.max() > 0.3


def test_no_beard_is_drawn_on_shaven_skin(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """Where an identity would darken the skin around the lips most, less than half of that is drawn."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    prior, weights = engine.prior, engine.prior.frame.shaven
    face = replace(model, projection=replace(model.projection, contrast=1.0), residual=np.zeros_like(model.residual))

    def darkening(change: np.ndarray) -> float:
        return -float(np.average(np.minimum(change[..., 0], 0), weights=weights))

    latents = 2 * prior.sample(np.random.default_rng(2), 40)
    wanted = [prior.change(face.projection.latent, latent)[0] for latent in latents]
    boldest = int(np.argmax([darkening(change) for change in wanted]))

    drawn = drawing.differences(prior, face, latents[boldest])[0]

    assert darkening(wanted[boldest]) > 0.15
    assert 0.05 < darkening(drawn) < 0.5 * darkening(wanted[boldest])


def test_lashes_and_the_line_between_lips_stay(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """No identity lightens the rims of the lids, and none changes where the lips meet; both change around."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    prior, frame = engine.prior, engine.prior.frame
    latents = 2 * prior.sample(np.random.default_rng(6), 8)

    drawn = np.array([drawing.differences(prior, model, latent)[0][..., 0] for latent in latents])

    rims, lids = frame.lashes > 0.98, (frame.lids > 0.9) & (frame.lashes < 0.02)
    line = frame.polygon(INNER_LIPS, 0.005)
    lips = frame.features["lips"] & ~frame.polygon(INNER_LIPS, 0.03)
    assert drawn[:, rims].max() < 0.02
    assert drawn[:, lids].max() > 0.2
    assert np.abs(drawn[:, line]).mean() < 0.25 * np.abs(drawn[:, lips]).mean()


def test_dark_brows_do_not_turn_white(
    engine: FaceAnonymizer, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An identity with shining brows gives a face with dark ones brows that stay dark, and no glow around them."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    frame, explained = engine.prior.frame, model.projection.explained.copy()
    explained[..., 0] -= 0.5 * frame.brows
    face = replace(
        model,
        projection=replace(model.projection, explained=explained),
        residual=np.zeros_like(explained),
        occlusion=np.zeros_like(model.occlusion),
    )
    white = np.zeros_like(explained)
    white[..., 0] = 0.9 * np.maximum(frame.brow_bones, frame.brows)
    monkeypatch.setattr(engine.prior, "change", lambda *_: (white.copy(), np.zeros_like(frame.mean)))

    new = explained[..., 0] + drawing.differences(engine.prior, face, model.projection.latent)[0][..., 0]

    before, after = (np.average(one, weights=frame.brows) for one in (explained[..., 0], new))
    assert before < -0.15
    assert before < after < -0.04
    assert new[frame.brow_bones > 0.98].max() < 0.2

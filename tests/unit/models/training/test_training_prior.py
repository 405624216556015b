import numpy as np

from models.training.prior import even, fit_texture, principal, quantise, separate, symmetric_mean


def test_principal_components_rebuild_low_rank_rows() -> None:
    """Rows of rank three are rebuilt from three components, whose coefficients have unit variance."""
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 200))).astype(np.float32)
    rows -= rows.mean(0)

    basis, coefficients = principal(rows, 3)

    np.testing.assert_allclose(coefficients @ basis, rows, atol=1e-3)
    np.testing.assert_allclose((coefficients**2).mean(0), 1, rtol=1e-3)


def test_hidden_and_odd_pixels_do_not_mislead_the_texture_model() -> None:
    """With a tenth of the pixels hidden behind glare, the basis still rebuilds the true rows."""
    rng = np.random.default_rng(0)
    true = (rng.normal(size=(80, 3)) @ rng.normal(size=(3, 300))).astype(np.float32)
    seen = np.ones_like(true)
    seen[rng.random(true.shape) < 0.1] = 0
    spoiled = np.where(seen > 0, true, 50).astype(np.float32)

    model = fit_texture(spoiled, seen, rng.normal(size=(80, 2)), 12)

    rebuilt = model.mean + model.coefficients @ model.basis
    driven = np.linalg.lstsq(model.pose.T, (true - rebuilt).T, rcond=None)[0].T @ model.pose
    assert np.abs(true - rebuilt - driven).mean() < 0.25 * np.abs(true).mean()


def test_what_drivers_explain_is_removed() -> None:
    """After separation nothing is left that correlates with pose or expression."""
    rng = np.random.default_rng(0)
    drivers = rng.normal(size=(60, 2))
    rows = drivers @ rng.normal(size=(2, 50)) + 0.1 * rng.normal(size=(60, 50))

    left, _ = separate((rows - rows.mean(0)).astype(np.float32), drivers)

    centred = drivers - drivers.mean(0)
    assert np.abs(centred.T @ left).max() / 60 < 1e-2


def test_even_components_are_told_from_odd_ones() -> None:
    """Coefficients that agree between a picture and its mirror image are symmetric."""
    own = np.random.default_rng(0).normal(size=(10, 2))
    coefficients = np.empty((20, 2))
    coefficients[0::2], coefficients[1::2] = own, own * [1, -1]

    assert even(coefficients).tolist() == [True, False]


def test_the_mean_face_is_symmetric() -> None:
    """Each vertex of the mean lies opposite its mirrored vertex."""
    rng = np.random.default_rng(0)
    half = rng.uniform([0.2, -1, -0.2], [1, 1, 0.2], size=(20, 3))
    face = np.vstack([half, half * [-1, 1, 1], [[0, 0.3, -0.5], [0, -0.4, -0.3]]]).astype(np.float32)
    shapes = [(face * 100 + rng.normal(size=face.shape)).astype(np.float32) for _ in range(12)]

    mean, pair = symmetric_mean(shapes)

    np.testing.assert_allclose(mean[pair] * [-1, 1, 1], mean, atol=1e-5)
    assert (pair[pair] == np.arange(len(pair))).all()


def test_quantised_basis_is_close() -> None:
    """Eight bits a value keep each row within half a percent of its largest value."""
    basis = np.random.default_rng(0).normal(size=(5, 100)).astype(np.float32)

    values, scale = quantise(basis)

    error = np.abs(values.numpy() * scale.numpy()[:, None] - basis).max(1) / np.abs(basis).max(1)
    assert error.max() < 0.005

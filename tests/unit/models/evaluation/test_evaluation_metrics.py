"""The metrics on numbers whose answer is known; the networks are measured by `veragate evaluate` itself."""

import cv2
import numpy as np
import pytest

from models import REGIONS, FaceAnonymizer
from models.evaluation import (
    ablation,
    baselines,
    consistency,
    diversity,
    frechet,
    grain,
    preservation,
    semantics,
    shares,
    utility,
    verification,
)
from models.evaluation.looking import Look
from models.evaluation.measure import PairLooks
from models.regions import interocular


def _embedding(*values: float) -> np.ndarray:
    return np.array([*values, *[0.0] * (128 - len(values))], np.float32)


def test_identical_region_has_no_finite_psnr() -> None:
    """Equal pixels inside the mask give l1 0 and no PSNR, whatever happens outside it."""
    source = np.full((4, 4, 3), 100, np.uint8)
    result = source.copy()
    result[0] = 7
    mask = np.ones((4, 4), bool)
    mask[0] = False

    assert preservation.compare(source, result, mask) == preservation.Preservation(12, 0.0, None)


def test_one_grey_level_everywhere_is_48_decibels() -> None:
    """A difference of one level on every value is l1 1 and 20 log10 255 decibels, also downwards."""
    source = np.full((4, 4, 3), 100, np.uint8)

    for other in (source + 1, source - 1):
        measured = preservation.compare(source, other, np.ones((4, 4), bool))
        assert measured.l1 == 1.0
        assert measured.psnr == pytest.approx(20 * np.log10(255))


def test_preservation_reports_the_worst_picture() -> None:
    """One spoilt picture shows in the worst l1 and PSNR; pictures without a preserved region do not count."""
    rows = [
        preservation.Preservation(9, 0.0, None),
        preservation.Preservation(9, 0.5, 51.0),
        preservation.Preservation(0, 0, None),
    ]

    assert preservation.summarise(rows) == {"pictures": 2, "identical": 1, "worst_l1": 0.5, "worst_psnr": 51.0}


def test_pictures_of_different_size_are_refused() -> None:
    """A result of another size is an error, not a figure."""
    with pytest.raises(ValueError, match="shapes differ"):
        preservation.compare(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8), np.ones((4, 4), bool))


def test_a_threshold_lets_the_named_share_of_strangers_pass() -> None:
    """The distance at 1 % false matches has one couple of a hundred below it, and two people are needed for any."""
    line = [np.array([k * (k + 1) / 2], np.float32) for k in range(40)]  # all distances differ

    limits = verification.thresholds(line)

    apart = np.array([abs(float(a[0] - b[0])) for k, a in enumerate(line) for b in line[k + 1 :]])
    assert (apart < limits["1 %"]).mean() == pytest.approx(0.01, abs=0.003)
    assert limits["0.1 %"] < limits["1 %"]
    assert verification.thresholds(line[:1]) == {}


def test_unreadable_results_are_counted_apart() -> None:
    """A result without a readable face is not verified and not part of the distances, and is reported."""
    figures = verification.verified([0.5, 0.7, 0.9, None], {"1 %": 0.7})

    assert figures["verified"]["1 %"]["hits"] == 1
    assert figures["verified"]["1 %"]["share"] == 0.25
    assert figures["unreadable"] == 1
    assert figures["distance_median"] == pytest.approx(0.7)


def test_first_rank_counts_own_entries_only() -> None:
    """A probe counts when its nearest is its own entry; an unreadable one misses, who is not there is out."""
    gallery = [_embedding(0), None, _embedding(1), _embedding(2)]
    probes = [_embedding(0.1), _embedding(1.0), _embedding(1.9), None]

    figures = verification.first_rank(probes, gallery, [0, 1, 2, 3])

    assert (figures["hits"], figures["of"], figures["gallery"]) == (1, 3, 3)


def test_wilson_leaves_room_for_what_was_not_seen() -> None:
    """None of 32 may still be one in nine, and all of 32 eight in nine; nothing counted is no share at all."""
    assert shares.wilson(0, 32) == pytest.approx((0, 0.107), abs=1e-3)
    assert shares.wilson(32, 32) == pytest.approx((0.893, 1), abs=1e-3)
    assert shares.share([])["share"] is None


def test_detection_asks_only_detectors_that_saw_the_source() -> None:
    """Each detector has its own share, of the faces that it found before; any detector counts for the whole."""
    box, half = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 10.0, 5.0)
    sightings = [
        utility.sighting({"dlib": box, "mtcnn": box}, {"dlib": box, "mtcnn": half}),
        utility.sighting({"mtcnn": box}, {"mtcnn": box}),
        utility.sighting({"dlib": box, "mtcnn": box}, {}),
    ]

    figures = utility.detection(sightings, ["dlib", "mtcnn"])

    assert figures["any"]["found"]["hits"] == 2
    assert (figures["dlib"]["found"]["hits"], figures["dlib"]["found"]["of"]) == (1, 2)
    assert (figures["mtcnn"]["found"]["hits"], figures["mtcnn"]["found"]["of"]) == (2, 3)
    assert figures["mtcnn"]["overlap"] == pytest.approx(0.75)


def test_regions_that_stay_and_regions_that_move(astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]) -> None:
    """An equal picture changes nothing; a mesh that moved by a tenth of the eyes' distance is reported as that."""
    mesh = meshes[0]
    step = 0.1 * interocular(mesh)

    same = semantics.changes(astronaut, astronaut, mesh, mesh)
    moved = semantics.changes(astronaut, astronaut, mesh, mesh + np.array([step, 0, 0], np.float32))
    gone = semantics.changes(astronaut, 255 - astronaut, mesh, None)

    for region in REGIONS:
        assert same[region] == semantics.Change(0.0, None, 1.0, 0.0, 0.0)
        assert moved[region].offset_interocular == pytest.approx(0.1, abs=1e-3)
        assert 0.3 < (moved[region].overlap or 0) < 0.9
        assert gone[region].l1 > 10
        assert gone[region].overlap is None
    means = semantics.summarise([same, moved])
    assert means["mouth"]["offset_interocular"] == pytest.approx(0.05, abs=1e-3)
    assert means["mouth"]["identical"] == 2


def test_frechet_grows_with_what_differs() -> None:
    """Equal sets lie nowhere apart, a shift adds its square, and other spread counts as well."""
    rng = np.random.default_rng(3)
    reference = rng.normal(size=(400, 8)).astype(np.float32)
    shifted, wide = reference + np.float32(1), 2 * (reference - reference.mean(0))

    assert frechet.frechet(reference, reference) == pytest.approx(0, abs=1e-4)
    assert frechet.frechet(shifted, reference) == pytest.approx(8, rel=1e-3)
    assert (frechet.frechet(wide, reference - reference.mean(0)) or 0) > 6
    assert (frechet.floor(reference) or 9) < 0.5
    assert frechet.frechet(reference[:3], reference) is None


def test_smooth_skin_is_told_from_grainy_skin(astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]) -> None:
    """Smoothing the face halves its fine detail against what it was, untouched skin keeps a quotient of one."""
    noise = np.random.default_rng(0).normal(0, 4, (1536, 1536, 3))
    photograph = np.clip(cv2.resize(astronaut, None, fx=3, fy=3) + noise, 0, 255).astype(np.uint8)
    changed = np.zeros(photograph.shape[:2], bool)
    changed[:660, 450:900] = True
    smooth = np.where(changed[..., None], cv2.GaussianBlur(photograph, (0, 0), 1.5), photograph)

    kept = grain.grain(photograph, photograph, changed, meshes[0] * 3)
    lost = grain.grain(photograph, smooth, changed, meshes[0] * 3)

    assert kept.own == pytest.approx(1)
    assert kept.neighbours == kept.before
    assert lost.own is not None
    assert lost.own < 0.5


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_baselines_touch_the_face_alone(
    astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    """Each baseline changes the eyes' place and leaves the lower half of the picture as it is."""
    result = baselines.BASELINES[name](astronaut, meshes[0])

    x, y = meshes[0][33, :2].astype(int)
    assert (result[y - 3 : y + 4, x - 3 : x + 4] != astronaut[y - 3 : y + 4, x - 3 : x + 4]).any()
    np.testing.assert_array_equal(result[260:], astronaut[260:])


def test_k_same_is_the_mean_of_its_members(
    engine: FaceAnonymizer, astronaut: np.ndarray, admiral: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """A face averaged with itself stays, but for its resampling; with another it moves; around it nothing changes."""
    frame = engine.prior.frame
    alone = baselines.k_same(astronaut, meshes[0], [(astronaut, meshes[0])], frame).astype(int)
    both = baselines.k_same(astronaut, meshes[0], [(admiral, meshes[1])], frame).astype(int)

    assert np.abs(both - astronaut).mean() > 4 * np.abs(alone - astronaut).mean()
    np.testing.assert_array_equal(both[260:], astronaut[260:])


def _pair(first: float, second: float, results: tuple[float, float]) -> PairLooks:
    looks = [Look(None, {}, {"dlib": _embedding(value)}) for value in (first, second, *results)]
    originals = (looks[0], looks[1])
    return PairLooks("p", originals, {"original": originals, "standard": (looks[2], looks[3])}, ())


def test_pairs_are_attacked_with_the_other_photograph() -> None:
    """Results are compared with the photograph they were not made from, before and after the gate holds some."""
    pairs = [_pair(0, 0.3, (5, 5.2)), _pair(10, 10.3, (10.4, 10.7))]
    crowd = {"dlib": np.stack([_embedding(0.1), _embedding(20), _embedding(30)])}

    figures = consistency.summarise_pairs(pairs, {"dlib": {"1 %": 0.5}}, crowd)

    standard = figures["standard"]
    assert standard["held"]["hits"] == 2
    assert standard["judges"]["dlib"]["other_photo"]["verified"]["1 %"]["hits"] == 1
    assert standard["judges"]["dlib"]["after_gate"]["verified"]["1 %"] == shares.share([False, False])
    assert standard["judges"]["dlib"]["together"]["verified"]["1 %"]["hits"] == 2
    untouched = figures["original"]["judges"]["dlib"]
    assert untouched["other_photo"]["verified"]["1 %"]["hits"] == 4
    assert untouched["rank1"]["hits"] == 4  # the portrait at 0.1 is the first person's own and no rival


def test_an_engine_is_taken_apart_step_by_step(engine: FaceAnonymizer) -> None:
    """Every subset of the engine's finishing steps is a variant, and each makes another picture of a face."""
    variants = ablation.variants(engine)

    assert [variant.name for variant in variants] == ["none", "blending", "correction", "blending + correction"]
    assert [variant.engine.steps for variant in variants][-1] == engine.steps
    assert len({variant.engine.steps for variant in variants}) == 4


def test_memorisation_leaves_the_carrier_out() -> None:
    """An identity that looks like its own carrier is not memorised; one that looks like another portrait is."""
    training = np.stack([_embedding(0), _embedding(2)])
    identities = np.stack([_embedding(0.1), _embedding(2.1)])

    figures = diversity.memorised(identities, np.array([0, 0]), training)

    assert figures["too_close"] == 1
    assert figures["nearest"] == pytest.approx(0.1, abs=1e-6)


def test_diversity_compares_on_one_carrier_only() -> None:
    """Identities on different carriers are not compared, since the carrier itself moves the distance."""
    identities = np.stack([_embedding(0), _embedding(1), _embedding(0)])

    figures = diversity.diverse(identities, np.array([0, 0, 1]))

    assert figures == {"couples": 1, "distance_median": 1.0, "same_person_share": 0.0}

"""The metrics on numbers whose answer is known; the networks are measured by `veragate evaluate` itself."""

import numpy as np
import pytest

from models.evaluation import consistency, diversity, preservation, privacy, utility


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


def test_unreadable_results_are_counted_apart() -> None:
    """A result without a readable face is neither recognised nor part of the distances, and is reported."""
    figures = privacy.recognised([0.5, 0.7, 0.9, None])

    assert figures["recognised"] == 1
    assert figures["recognised_share"] == 0.25
    assert figures["unreadable"] == 1
    assert figures["distance_median"] == pytest.approx(0.7)


def test_the_threshold_itself_is_another_person() -> None:
    """A distance of exactly 0.6 is not recognised; anything below is."""
    assert privacy.recognised([0.6])["recognised"] == 0
    assert privacy.recognised([0.5999])["recognised"] == 1


def test_reidentification_counts_own_sources_only() -> None:
    """A probe counts when its nearest source is its own, even with unreadable faces between them."""
    sources = [_embedding(0), None, _embedding(1), _embedding(2)]
    results = [_embedding(0.1), _embedding(1.0), _embedding(1.9), None]

    figures = privacy.reidentified(sources, results)

    assert figures == {"gallery": 3, "probes": 3, "reidentified": 1, "reidentified_share": pytest.approx(1 / 3)}


def test_detection_is_counted_for_each_detector() -> None:
    """Each detector has its own share, and a face found by any of them counts as found."""
    sightings = [
        utility.Sighting(frozenset({"dlib", "mediapipe"}), 0.9),
        utility.Sighting(frozenset({"mediapipe"}), 0.7),
        utility.Sighting(frozenset(), None),
        utility.Sighting(frozenset({"mediapipe"}), 0.8),
    ]

    figures = utility.detection(sightings, ["dlib", "mediapipe"])

    assert figures["found_share"] == 0.75
    assert figures["found_share_by"] == {"dlib": 0.25, "mediapipe": 0.75}
    assert figures["overlap_median"] == pytest.approx(0.8)


def test_a_pair_without_a_readable_face_is_not_consistent() -> None:
    """A missing distance lowers the share of consistent pairs instead of leaving the sum."""
    pairs = [
        consistency.PairDistances(0.3, 0.4, (0.7, 0.8, 0.5, 0.9)),
        consistency.PairDistances(0.3, None, (0.7, None, None, 0.7)),
    ]

    figures = consistency.summarise(pairs)

    assert figures["results_within_share"] == 0.5
    assert figures["combinations"] == 6
    assert figures["result_to_original_within_share"] == pytest.approx(1 / 6)


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

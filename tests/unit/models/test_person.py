import cv2
import numpy as np

from models.person import PersonSegmenter


def test_the_person_stands_out_from_the_wall(astronaut: np.ndarray) -> None:
    """Face, hair and suit are the person's, and an empty wall is nobody's."""
    person = PersonSegmenter().probability(astronaut)

    assert person.shape == astronaut.shape[:2]
    assert person.dtype == np.float32
    assert person[60:190, 180:270].mean() > 0.95
    assert person[400:, 150:350].mean() > 0.9
    assert PersonSegmenter().probability(np.full_like(astronaut, 128)).max() < 0.1


def test_the_size_of_the_picture_does_not_matter(astronaut: np.ndarray) -> None:
    """A larger picture of another shape has its person at the same place."""
    segmenter = PersonSegmenter()
    wide = cv2.resize(astronaut, (1100, 900), interpolation=cv2.INTER_CUBIC)

    found = segmenter.probability(wide) > 0.5
    small = cv2.resize(found.astype(np.uint8), (512, 512), interpolation=cv2.INTER_NEAREST).astype(bool)

    assert (small == (segmenter.probability(astronaut) > 0.5)).mean() > 0.98


def test_one_picture_says_nothing_about_the_next(astronaut: np.ndarray) -> None:
    """The same picture gives the same answer, whatever was looked at in between."""
    segmenter = PersonSegmenter()
    first = segmenter.probability(astronaut)
    segmenter.probability(astronaut[::-1])

    np.testing.assert_array_equal(first, segmenter.probability(astronaut))

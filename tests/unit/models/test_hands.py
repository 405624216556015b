import numpy as np

from models.hands import HandFinder, held


def _scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey wall, somebody at the left, a white card that they hold, and a blue one out of reach."""
    colours = np.full((100, 200, 3), 0.5, np.float32)
    people, reach = np.zeros((100, 200), bool), np.zeros((100, 200), bool)
    people[:, :60] = True
    colours[:, :60] = (0.7, 0.5, 0.4)
    colours[40:60, 60:80] = 1
    colours[40:60, 150:170] = (0.1, 0.2, 0.9)
    reach[30:70, 40:100] = True
    return colours, people, reach


def test_what_a_hand_holds_is_the_persons() -> None:
    """The card in the hand is found whole; the wall beside it and the card out of reach are not."""
    colours, people, reach = _scene()

    found = held(colours, people, reach, ~people)

    assert found[40:60, 60:80].all()
    assert not found[32:38, 64:98].any()
    assert not found[:, 140:].any()


def test_what_hangs_free_within_reach_is_not_held() -> None:
    """A card near the hand that touches nobody lies behind."""
    colours, people, reach = _scene()
    colours[40:60, 60:70] = 0.5

    assert not held(colours, people, reach, ~people)[:, 70:].any()


def test_nobody_holds_anything_where_no_hand_is_seen(astronaut: np.ndarray) -> None:
    """An empty wall has no hands, and without hands nothing is held."""
    wall = np.full_like(astronaut, 128)
    reach = HandFinder().reach(wall) > 0
    colours, people, _ = _scene()

    assert not reach.any()
    assert not held(colours, people, np.zeros_like(people), ~people).any()

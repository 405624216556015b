from datetime import timedelta

import pytest

from service.jobs import backoff


@pytest.mark.parametrize(("attempt", "longest"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (1000, 900), (0, 5)])
def test_waits_double_up_to_a_quarter_of_an_hour(attempt: int, longest: int) -> None:
    """Each failed attempt waits twice as long as the one before, never more than 15 minutes, at least half of it."""
    waits = [backoff(attempt) for _ in range(200)]
    assert timedelta(seconds=longest / 2) <= min(waits) and max(waits) <= timedelta(seconds=longest)


def test_rows_that_failed_together_come_back_apart() -> None:
    """The wait differs from row to row."""
    assert len({backoff(3) for _ in range(20)}) > 10

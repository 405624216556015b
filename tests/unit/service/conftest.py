from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import FaceAnonymizer
from tests.support.desks import Desk


@pytest.fixture(scope="session", autouse=True)
def one_engine() -> Iterator[None]:
    """Networks that are loaded once for all tests, and not by each object that needs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaceAnonymizer, "load", staticmethod(cache(FaceAnonymizer.load)))
        yield


@pytest.fixture(autouse=True)
def _searching_shortly(short_search: None) -> None:
    """The service's tests are about the journey of a photograph."""


@pytest.fixture(autouse=True)
def same_identities_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identities that the system's randomness would draw, from numbers instead, so that no test fails by chance.

    One photograph in some hundreds is held for a reason that another draw would not have had.
    """
    numbers = count()
    monkeypatch.setattr("service.pixels.replacing._random", lambda: np.random.default_rng(next(numbers)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Makes a gateway at which somebody decides, whose one route has these settings."""
    opened: list[Desk] = []

    def make(**route: Any) -> Desk:
        opened.append(Desk(tmp_path, **route))
        return opened[-1]

    yield make
    for one in opened:
        one.gateway.close()

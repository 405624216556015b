from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.desks import Desk


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

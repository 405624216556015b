"""How long the demonstration waits for its photographs."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.demo import run
from service.demo.run import QUIET_SECONDS, SHOTS
from service.settings import Settings

Shown = list[tuple[int, int]]


@pytest.fixture(name="waited")
def _waited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Callable[[float], tuple[int, int]]], Shown]:
    """Waits on a clock that only sleeping moves, for photographs that get as far as a function of that clock says."""

    def wait(progress: Callable[[float], tuple[int, int]]) -> Shown:
        now, shown = [0.0], Shown()

        def sleep(_: float) -> None:
            now[0] += QUIET_SECONDS / 10

        monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
        monkeypatch.setattr(run, "progress_of", lambda _: progress(now[0]))
        run._wait(Settings(data_folder=tmp_path), lambda moved, ended: shown.append((moved, ended)))
        return shown

    return wait


def test_a_slow_machine_is_waited_for(waited: Callable[..., Shown]) -> None:
    """As long as photographs move, be it rarely, the demonstration waits until the last one has arrived."""
    shown = waited(lambda now: (SHOTS, min(int(now / QUIET_SECONDS / 0.9), SHOTS)))

    assert shown[-1] == (SHOTS, SHOTS)
    assert len(shown) > 9 * SHOTS


def test_nobody_waits_for_what_stands_still(waited: Callable[..., Shown]) -> None:
    """Where nothing moves for long the wait ends, with what has arrived until then."""
    shown = waited(lambda now: (4, 3))

    assert shown[-1] == (4, 3)
    assert len(shown) < 15

"""The benchmarks' own machinery; what they measure is never asserted."""

import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).parents[2]


def test_a_figure_is_the_median_with_its_range() -> None:
    """One slow round moves the range and not the figure."""
    assert Figure.of("copying", "s", [3.0, 1.0, 100.0]) == Figure("copying", "s", 3.0, 1.0, 100.0)


def test_an_unknown_benchmark_is_refused() -> None:
    """A name that does not exist ends the call before anything is measured, and says so."""
    done = subprocess.run([sys.executable, "-m", "benchmarks", "teeth"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 2
    assert "there is no benchmark teeth" in done.stderr

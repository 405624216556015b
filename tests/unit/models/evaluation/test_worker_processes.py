"""An evaluation that is killed leaves no process at work."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from models.evaluation.measure import end_with_parent

ROOT = Path(__file__).parents[4]


def work() -> None:
    """What a worker does until somebody ends it: it says who it is and waits."""
    print(os.getpid(), flush=True)
    time.sleep(600)


def main() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent) as pool:
        pool.submit(work).result()


@pytest.fixture(name="evaluation")
def _evaluation() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.unit.models.evaluation.test_worker_processes"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _is_running(pid: int) -> bool:
    """A process that has ended and that nobody has taken note of is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_evaluation(evaluation: subprocess.Popen[str], how: signal.Signals) -> None:
    """Told to end or killed, it takes its worker with it in the middle of its work."""
    assert evaluation.stdout is not None
    worker = int(evaluation.stdout.readline())
    assert _is_running(worker)

    evaluation.send_signal(how)
    evaluation.wait()

    deadline = time.monotonic() + 60
    while _is_running(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


if __name__ == "__main__":
    main()

"""Which peers the tests can reach, and an honest account of what was therefore not tested.

A test says what it talks to with `@pytest.mark.needs("postgresql", "redis", "dcmtk", "orthanc", "docker-compose")`;
a test marked `integration` that says nothing needs the first four. A missing peer skips the test and is named
at the end of the run; with VERAGATE_TEST_ALL=1 (continuous integration) it fails the test instead.
"""

import os
import shutil
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

_INTEGRATION_PEERS = ("postgresql", "redis", "dcmtk", "orthanc")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _installed(*programs: str) -> bool:
    return all(shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for program in programs)


_PEERS: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: _answers(5432),
    "redis": lambda: _answers(6379),
    "dcmtk": lambda: _installed("storescu", "storescp", "dcmdump", "dcmdjpeg"),
    "orthanc": lambda: _installed("Orthanc"),
    "docker-compose": lambda: _installed("docker-compose"),
}


@cache
def _reachable(peer: str) -> bool:
    return _PEERS[peer]()


def _needs(item: pytest.Item) -> list[str]:
    named = [str(peer) for mark in item.iter_markers("needs") for peer in mark.args]
    if not named and item.get_closest_marker("integration"):
        return list(_INTEGRATION_PEERS)
    return named


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*peers): what the test talks to; see tests/conftest.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [peer for peer in _needs(item) if not _reachable(peer)]
    if not missing:
        return
    reason = f"not on this machine: {', '.join(missing)}"
    if os.environ.get("VERAGATE_TEST_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run could not show, before the closing line."""
    gaps = [f"{len(group)} tests: {reason}" for reason, group in sorted(_skips(terminalreporter).items())]
    gaps.append("the container images: no test builds them (docker-compose only checks the file)")
    if not _has_gpu():
        gaps.append("the CUDA path: no GPU here")
    terminalreporter.section("not tested on this machine")
    for gap in gaps:
        terminalreporter.line(f"- {gap}")


def _skips(terminalreporter: pytest.TerminalReporter) -> dict[str, list[pytest.TestReport]]:
    groups: dict[str, list[pytest.TestReport]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        groups.setdefault(reason.removeprefix("Skipped: "), []).append(report)
    return groups


def _has_gpu() -> bool:
    return Path("/dev/nvidiactl").exists()

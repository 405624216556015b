"""`veragate up` as a process: how it ends, by request, by force, and by a mistake in the settings."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateways import Archive, archive, settings_for, wait_for
from tests.support.processes import Running, descendants, veragate

pytestmark = pytest.mark.journey


@pytest.fixture
def place() -> Iterator[Archive]:
    with archive() as running:
        yield running


def test_a_gateway_whose_supervisor_dies_stops_by_itself(tmp_path: Path, place: Archive) -> None:
    """Children do not outlive a supervisor that was killed, so that a new one finds the port free."""
    settings = settings_for(tmp_path / "data", place)
    with Running(settings, tmp_path) as gateway:
        assert gateway.process is not None
        children = descendants(gateway.process.pid)
        assert len(children) == 4

        gateway.kill()

    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_an_orderly_stop_leaves_nothing_behind(tmp_path: Path, place: Archive) -> None:
    """SIGTERM ends every process, the last audit entry is sealed, and the exit code is 0."""
    settings = settings_for(tmp_path / "data", place)
    with Running(settings, tmp_path) as gateway:
        assert gateway.process is not None
        children = descendants(gateway.process.pid)

        assert gateway.stop() == 0

    assert not any(Path(f"/proc/{child}").exists() for child in children)
    done = veragate("audit", "verify", config=gateway.config)
    assert "8 sealed, 0 not yet" in done.stdout


def test_a_role_that_dies_is_started_again(tmp_path: Path) -> None:
    """Whichever child is killed, the supervisor has a new one soon, and the others stay."""
    roles = ("listen", "work", "send", "sweep")
    with Running(settings_for(tmp_path / "data"), tmp_path) as gateway:
        for role in roles:
            wait_for(lambda: all(gateway.children(name) for name in roles))
            others = {name: gateway.children(name) for name in roles if name != role}

            killed = gateway.kill_child(role)

            wait_for(lambda: gateway.children(role) and killed not in gateway.children(role))  # noqa: B023
            # The kernel's list of children may leave one out while processes come and go.
            wait_for(lambda: {name: gateway.children(name) for name in others} == others)  # noqa: B023


def test_a_port_that_is_taken_ends_the_gateway_with_one_sentence(tmp_path: Path) -> None:
    """A mistake that starting again cannot mend ends everything, with the sentence that names it."""
    settings = settings_for(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.listener.port))
        taken.listen()
        done = veragate("up", config=Running(settings, tmp_path).config)

    assert done.returncode == os.EX_CONFIG
    assert "ready" not in done.stdout
    assert f"The listener cannot use 127.0.0.1:{settings.listener.port}: Address already in use." in done.stderr

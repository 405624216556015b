"""The files that an operator starts from: they parse, and they start nothing with a default secret."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import ConfigurationError
from service.settings import load_settings

ROOT = Path(__file__).parents[2]
SECRETS = {
    "POSTGRES_PASSWORD": "first-secret",
    "REDIS_PASSWORD": "second-secret",
    "VERAGATE_MASTER_SECRET": "/tmp/master.secret",
}


Compose = Callable[[dict[str, str]], subprocess.CompletedProcess[str]]


@pytest.fixture(name="compose")
def _compose(tmp_path: Path) -> Compose:
    """Resolve the compose file with nothing in the environment but what the test gives."""
    (tmp_path / "none.env").touch()
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = ["docker-compose", "--env-file", str(tmp_path / "none.env")]

    def config(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--file", str(ROOT / "docker-compose.yml"), "config"],
            env=clean | environment,
            capture_output=True,
            text=True,
        )

    return config


@pytest.mark.needs("docker-compose")
def test_compose_file_is_valid(compose: Compose) -> None:
    """With its secrets the file resolves to all roles, and listener and console open a port each, on loopback."""
    done = compose(SECRETS)

    assert done.returncode == 0, done.stderr
    for role in ("postgres", "redis", "migrate", "listener", "worker", "sender", "sweeper", "console"):
        assert f"\n  {role}:\n" in done.stdout
    assert re.findall(r"(\S+):11112/?\S*", done.stdout) == ["127.0.0.1:11112"]
    assert re.findall(r"(\S+):8042/?\S*", done.stdout) == ["127.0.0.1:8042"]


@pytest.mark.needs("docker-compose")
@pytest.mark.parametrize("secret", SECRETS)
def test_compose_refuses_to_start_without_a_secret(compose: Compose, secret: str) -> None:
    """There is no default for any secret: leaving one out is an error."""
    done = compose({name: value for name, value in SECRETS.items() if name != secret})

    assert done.returncode != 0
    assert secret in done.stderr


@pytest.mark.needs("docker-compose")
def test_the_sender_is_given_no_original_and_no_key(compose: Compose) -> None:
    """The container that talks to destinations mounts the releases alone, read-only, and no secret."""
    text = compose(SECRETS).stdout
    sender = text[text.index("\n  sender:\n") : text.index("\n  sweeper:\n")]

    assert "releases:/var/lib/veragate/releases:ro" in sender
    assert "data:/var/lib/veragate" not in sender
    assert "source: master_secret" not in sender


@pytest.mark.needs("docker-compose")
def test_the_reporter_sees_no_photograph_and_no_key(compose: Compose) -> None:
    """The container that talks to audit repositories runs where it is asked for, and mounts no store and no secret."""
    text = compose(SECRETS).stdout
    reporter = text[text.index("\n  reporter:\n") : text.index("\n  sender:\n")]

    assert "profiles:\n    - audit\n" in reporter
    assert "/var/lib/veragate" not in reporter
    assert "source: master_secret" not in reporter
    assert "audit-certificates:/etc/veragate/audit:ro" in reporter


def test_the_example_configuration_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """deploy/veragate.toml is accepted once the secrets are in the environment, and names what is missing before."""
    monkeypatch.delenv("VERAGATE_DATABASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match="database_url"):
        load_settings(ROOT / "deploy" / "veragate.toml")

    monkeypatch.setenv("VERAGATE_DATABASE_URL", "postgresql://veragate@postgres/veragate")
    monkeypatch.setenv("VERAGATE_BROKER_URL", "redis://redis/0")
    monkeypatch.setenv("VERAGATE_MASTER_SECRET_FILE", "/run/secrets/master_secret")

    settings = load_settings(ROOT / "deploy" / "veragate.toml")
    assert settings.mode == "scaled"
    assert settings.routes[0].preserve_by_view["EV19"] == {"mouth", "nose"}


def test_make_help_names_every_target() -> None:
    """`make help` shows each target that a person can call, with what it is for."""
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    for target in ("help", "setup", "demo", "run", "test", "lint", "bench", "clean"):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE), target

"""What is installed is what is in this tree: two packages with common names, their data, and pinned companions."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import models
import service

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_service_and_models_are_the_ones_in_this_tree() -> None:
    """No dependency's top-level package of the same name stands before ours."""
    assert Path(service.__file__).parents[1] == ROOT
    assert Path(models.__file__).parents[1] == ROOT


def test_the_wheel_holds_two_packages_and_nothing_else(wheel: Path) -> None:
    """Tests, deployment and tools stay out of the wheel; so do byte code and what was left lying about."""
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"service", "models"}
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]


def test_the_wheel_holds_what_the_code_reads(wheel: Path) -> None:
    """Weights, tables of codes and migrations travel with the code that needs them."""
    names = set(zipfile.ZipFile(wheel).namelist())
    data = [path for folder in ("service/data", "models/weights") for path in (ROOT / folder).iterdir()]

    assert {path.relative_to(ROOT).as_posix() for path in data if path.is_file()} <= names
    assert any(name.endswith(".safetensors") for name in names)
    versions = {f"service/migrations/versions/{path.name}" for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert versions
    assert versions <= names


def test_the_wheel_runs_away_from_the_tree(wheel: Path, tmp_path: Path) -> None:
    """The installed command works from another directory, with the packages of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import service, models, service.schema; print(service.__file__, models.__file__, service.schema.scripts())"
    )

    shown = _run("-c", program, site=tmp_path / "site", cwd=tmp_path).split()
    assert all(path.startswith(str(tmp_path / "site")) for path in shown)
    assert Path(shown[2], "versions").is_dir()
    assert "anonymize" in _run("-m", "service", "--help", site=tmp_path / "site", cwd=tmp_path)


def _run(*arguments: str, site: Path, cwd: Path) -> str:
    environment = {"PYTHONPATH": str(site), "COLUMNS": "120", "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run(
        [sys.executable, "-P", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_every_pin_is_exact_and_portable() -> None:
    """Each line of constraints.txt is one package at one version, without a local build, address or marker."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []


def test_every_dependency_is_pinned() -> None:
    """All that pyproject.toml names, and all that this environment holds, has its pin."""
    pinned = {canonicalize_name(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["demo"],
        *project["dependency-groups"]["dev"],
        *project["dependency-groups"]["oracles"],
        *project["build-system"]["requires"],
    ]
    installed = {canonicalize_name(one.metadata["Name"]) for one in distributions()}

    assert {canonicalize_name(Requirement(line).name) for line in named} - pinned == set()
    assert installed - pinned - {"veragate", "setuptools", "wheel"} == set()

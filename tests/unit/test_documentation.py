"""The documents name what is there: commands, modules, pictures, and no more than that."""

import re
from pathlib import Path

import typer

from service.cli import app

ROOT = Path(__file__).parents[2]


def test_every_command_is_in_the_readme() -> None:
    """The README's table of commands names each command and group of the command line, and none that is gone."""
    commands = set(typer.main.get_command(app).commands)
    table = (ROOT / "README.md").read_text().split("## Commands")[1].split("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))

    assert set(re.findall(r"`(?:veragate )?([a-z]+)", rows)) >= commands - {"migrate", "init"}
    assert set(re.findall(r"`veragate ([a-z]+)", rows)) <= commands


def test_every_module_is_in_the_architecture() -> None:
    """The tour names each module and package of the gateway and of the faces."""
    tour = (ROOT / "docs" / "architecture.md").read_text()
    modules = [path for package in ("service", "models") for path in (ROOT / package).iterdir()]

    for path in modules:
        if path.suffix == ".py" and path.stem != "__init__":
            assert f"`{path.stem}`" in tour, path
        elif (path / "__init__.py").is_file():
            assert f"`{path.name}/`" in tour, path


def test_links_and_pictures_exist() -> None:
    """Every file that a document points to is in the repository."""
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "OPERATIONS.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (document.name, target)

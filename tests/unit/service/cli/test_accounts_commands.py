"""`veragate accounts`: first passwords are printed once, everything is on record under the user of the machine."""

import getpass
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.database import Database
from service.settings import load_settings
from tests.support.gateways import settings_for
from tests.support.people import ADDRESS, Door, entries
from tests.support.processes import write_configuration

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(settings_for(tmp_path / "data"), tmp_path / "veragate.toml")


def run(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["accounts", *arguments, "--config", str(config)])
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_accounts_from_the_command_line(config: Path) -> None:
    """An account made here signs in with the password that was printed; a reset prints another one."""
    assert "no account yet" in run(config, "list")
    first = run(config, "add", "Anna", "--role", "admin").removeprefix("First password of anna: ")
    run(config, "add", "bert", "--role", "reviewer")
    database = Database(load_settings(config).url)
    door = Door(database)
    assert door.signing_in.with_password("anna", first, ADDRESS).stage == "password"

    run(config, "disable", "bert")
    second = run(config, "reset", "anna").removeprefix("First password of anna: ")
    assert second != first
    assert door.signing_in.with_password("anna", second, ADDRESS).stage == "password"
    shown = {row["name"]: row["disabled"] for row in json.loads(run(config, "list", "--json"))}
    assert shown == {"anna": False, "bert": True}
    assert "disabled" in run(config, "list")
    run(config, "enable", "bert")

    made = entries(database, "account.created") + entries(database, "account.changed")
    assert {entry.actor for entry in made} == {f"cli:{getpass.getuser()}"}
    assert not any(first in str(entry.details) or second in str(entry.details) for entry in made)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "a b", "--role", "admin"), "A name has"),
        (("disable", "nobody"), "There is no account 'nobody'."),
    ],
)
def test_mistakes_are_sentences(config: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """What is not possible ends with a sentence, not with a password."""
    result = CliRunner().invoke(app, ["accounts", *arguments, "--config", str(config)])
    assert result.exit_code != 0
    assert sentence in str(result.exception)

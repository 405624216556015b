"""The operators' commands: what they print, what they end with, and that every mistake is one clear sentence."""

import json
import socket
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service import __main__, audit
from service.audit import Action
from service.cli import app
from service.gateway import Gateway
from service.sealing import seal
from service.settings import VL_PHOTOGRAPHIC, load_settings
from service.states import Cause, PhotographState
from service.tables import AuditEntry, Photograph, new_id
from tests.support.gateways import archive, free_port, open_gateway, rows, settings_for
from tests.support.processes import write_configuration

runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(settings_for(tmp_path / "data"), tmp_path / "veragate.toml")


@pytest.fixture
def gateway(config: Path) -> Gateway:
    return open_gateway(load_settings(config))


def _held(gateway: Gateway) -> str:
    photograph = Photograph(
        id=new_id(), state=PhotographState.QUARANTINED, cause=Cause.NO_ROUTE, sop_class_uid=VL_PHOTOGRAPHIC,
        sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.840.10008.1.2.1", calling_ae="CAMERA", called_ae="VERAGATE",
        peer="127.0.0.1", blob="aa/bb/c.dcm", digest="d", size=1,
    )  # fmt: skip
    with gateway.database.transaction() as session:
        session.add(photograph)
        audit.record(session, Action.PHOTOGRAPH_QUARANTINED, actor="worker", photograph_id=photograph.id)
    return photograph.id


def _run(*arguments: object) -> tuple[int, str]:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def _main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The program itself with these arguments: exit code and what it wrote to standard error."""
    monkeypatch.setattr("sys.argv", ["veragate", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        __main__.main()
    return int(end.value.code or 0), capsys.readouterr().err


def test_every_command_has_help() -> None:
    """Each command and each group explains itself."""
    code, text = _run("--help")
    assert code == 0
    for command in (
        "up",
        "listen",
        "work",
        "send",
        "sweep",
        "status",
        "check",
        "init",
        "audit",
        "quarantine",
        "migrate",
    ):
        assert command in text
        assert _run(command, "--help")[0] == 0


def test_init_writes_a_configuration_that_loads(tmp_path: Path) -> None:
    """What `init` writes is valid as it stands, with the defaults that the documentation names."""
    path = tmp_path / "veragate.toml"

    assert _run("init", path)[0] == 0

    settings = load_settings(path)
    assert (settings.listener.ae_title, settings.listener.port, settings.listener.host) == (
        "VERAGATE",
        11112,
        "127.0.0.1",
    )
    assert settings.listener.accepted_calling_aes == frozenset()
    assert settings.routes[0].preserve == {"mouth"}


def test_every_line_of_the_template_that_is_commented_out_is_valid_too(tmp_path: Path) -> None:
    """The example that `init` writes as a comment works when its comment sign is removed."""
    path = tmp_path / "veragate.toml"
    _run("init", path)
    lines = path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("# [routes."))

    lines[at:] = [line.removeprefix("# ") for line in lines[at:]]

    assert tomllib.loads("\n".join(lines))["routes"][0]["preserve_by_view"] == {"EV19": ["mouth", "nose"]}


def test_init_writes_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays as it is, unless the operator insists."""
    path = tmp_path / "veragate.toml"
    path.write_text("mine")

    code, said = _main(monkeypatch, capsys, "init", path)

    assert (code, path.read_text()) == (78, "mine")
    assert "--force" in said
    assert _run("init", path, "--force")[0] == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no configuration file"),
        ("port = ", "is not valid TOML"),
        ("listener = {port = 70000}", "listener.port"),
        ("nonsense = 1", "nonsense"),
        ('[[routes]]\nname = "r"\ndestinations = ["x"]', "names the destination 'x', which is not defined"),
        ('mode = "scaled"', "needs database_url"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str | None, sentence: str
) -> None:
    """The program ends with 78 and one line that says which setting is wrong."""
    path = tmp_path / "veragate.toml"
    if text is not None:
        path.write_text(text)

    code, said = _main(monkeypatch, capsys, "up", "--config", path)

    assert code == 78
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_named_in_one_sentence(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gateway: Gateway
) -> None:
    """The listener that cannot have its port says so and ends with 78."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", gateway.settings.listener.port))
        taken.listen()
        monkeypatch.setattr("service.logs.configure", lambda json: None)
        monkeypatch.setattr("service.runners.stop_on_signals", lambda: None)

        code, said = _main(monkeypatch, capsys, "listen", "--config", config)

    assert code == 78
    assert f"The listener cannot use 127.0.0.1:{gateway.settings.listener.port}" in said


def test_status_counts_what_is_where(gateway: Gateway, config: Path) -> None:
    """Photographs by state, for people and for scripts."""
    _held(gateway)

    assert "1 QUARANTINED" in _run("status", "-c", config)[1]
    found = json.loads(_run("status", "-c", config, "--json")[1])
    assert found["photographs"] == {"QUARANTINED": 1}
    assert (found["audit_unsealed"], found["oldest_waiting_seconds"]) == (1, None)


def test_the_desk_is_listed_and_decided_on(gateway: Gateway, config: Path) -> None:
    """A held photograph is listed with what helps; a retry by a named person takes it off the desk."""
    photograph_id = _held(gateway)

    code, text = _run("quarantine", "list", "-c", config)
    assert (code, photograph_id in text, "No route matches" in text) == (0, True, True)
    decided = ("quarantine", "retry", photograph_id, "--by", "anna", "--reason", "the route is there now", "-c", config)
    assert _run(*decided)[0] == 0
    assert "Nothing waits" in _run("quarantine", "list", "-c", config)[1]
    assert rows(gateway.database, AuditEntry)[-1].actor == "anna"


def test_a_decision_that_is_not_possible_says_why(gateway: Gateway, config: Path) -> None:
    """Of several ids the possible ones are done, the others named, and the exit code is 1."""
    photograph_id = _held(gateway)

    code, text = _run("quarantine", "reject", photograph_id, "nonsense", "--by", "a", "--reason", "b", "-c", config)

    assert code == 1
    assert f"{photograph_id} rejected." in text
    assert "no photograph nonsense" in text
    assert _run("quarantine", "release", photograph_id, "--by", "a", "--reason", "b", "-c", config)[0] == 1


def test_a_decision_without_a_name_is_not_taken(gateway: Gateway, config: Path) -> None:
    """Name and reason are not optional."""
    photograph_id = _held(gateway)

    assert _run("quarantine", "reject", photograph_id, "--reason", "b", "-c", config)[0] == 2
    assert rows(gateway.database, Photograph)[0].state == PhotographState.QUARANTINED


def test_the_audit_is_shown_and_verified(gateway: Gateway, config: Path) -> None:
    """Entries can be chosen by photograph and action; verification says how many are sealed."""
    photograph_id = _held(gateway)
    seal(gateway.database, gateway.keys, gateway.settings.checkpoints)

    shown = json.loads(_run("audit", "query", "--photograph", photograph_id, "--json", "-c", config)[1])
    assert [entry["action"] for entry in shown] == ["photograph.quarantined"]
    assert _run("audit", "query", "--action", "delivery.sent", "-c", config)[1] == ""
    code, text = _run("audit", "verify", "-c", config)
    assert (code, "1 sealed, 0 not yet" in text) == (0, True)


def test_an_audit_that_was_cut_is_found(gateway: Gateway, config: Path) -> None:
    """A checkpoint file that lost its end makes `audit verify` end with 1."""
    for _ in range(2):
        _held_entry(gateway)
        seal(gateway.database, gateway.keys, gateway.settings.checkpoints)
    lines = gateway.settings.checkpoints.read_text().splitlines(keepends=True)
    gateway.settings.checkpoints.write_text(lines[0].replace("1", "2", 1) + "".join(lines[1:]))

    code, text = _run("audit", "verify", "-c", config)

    assert code == 1
    assert "THE AUDIT WAS CHANGED" in text


def test_check_names_what_is_missing(tmp_path: Path) -> None:
    """Each thing that is not in order has a line of its own, and the exit code is 1."""
    with archive() as place:
        settings = settings_for(
            tmp_path / "data", place, ("gone", free_port(), "GONE"), listener={"accepted_calling_aes": []}
        )
        config = write_configuration(settings, tmp_path / "veragate.toml")

        result = runner.invoke(app, ["check", "-c", str(config), "--json"])

    found = {line["what"]: line["problem"] for line in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert found["destination archive"] is found["database"] is found["disk"] is None
    assert "does not answer" in found["destination gone"]
    assert "every sender is refused" in found["accepted calling AE titles"]


def _held_entry(gateway: Gateway) -> None:
    with gateway.database.transaction() as session:
        audit.record(session, Action.PROCESS_STARTED, actor="test")

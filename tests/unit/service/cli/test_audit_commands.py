"""The commands of the audit: asking, exporting, checking an export, and saying that nothing is sealed."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service import __main__, audit
from service.audit import Action
from service.cli import app
from service.cli.check import _seal
from service.gateway import Gateway
from service.sealing import public_key
from service.settings import load_settings
from service.tables import AuditEntry, AuditPending, new_id, utc_now
from tests.support.gateways import open_gateway, rows, settings_for
from tests.support.processes import write_configuration

runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(settings_for(tmp_path / "data"), tmp_path / "veragate.toml")


@pytest.fixture
def gateway(config: Path) -> Gateway:
    """A gateway whose audit holds five deliveries to ARCHIVE and one to PACS."""
    opened = open_gateway(load_settings(config))
    for number in range(6):
        with opened.database.transaction() as session:
            details = {"destination": "ARCHIVE" if number else "PACS", "attempt": number}
            audit.record(session, Action.DELIVERY_SENT, actor="sender", photograph_id=f"p{number}", details=details)
    return opened


def _run(*arguments: object) -> tuple[int, str]:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def _main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["veragate", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        __main__.main()
    return int(end.value.code or 0), capsys.readouterr().err


def test_the_audit_is_asked(gateway: Gateway, config: Path) -> None:
    """What is asked together must hold together; the newest are shown, the oldest of these first."""
    code, text = _run("audit", "query", "--ae", "ARCHIVE", "--json", "-c", config)
    assert (code, [entry["details"]["attempt"] for entry in json.loads(text)]) == (0, [1, 2, 3, 4, 5])
    limited = json.loads(_run("audit", "query", "--limit", "2", "--json", "-c", config)[1])
    assert [entry["details"]["attempt"] for entry in limited] == [4, 5]
    assert "destination=PACS attempt=0" in _run("audit", "query", "--photograph", "p0", "-c", config)[1]
    assert _run("audit", "query", "--outcome", "failure", "-c", config) == (0, "")


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [("--since", "soon", "no date or time"), ("--action", "x", "There is no action"), ("--ae", "\t\0", "characters")],
)
def test_nonsense_is_answered_with_a_sentence(
    gateway: Gateway, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    option: str, value: str, sentence: str,
) -> None:  # fmt: skip
    """A question that makes no sense ends with an error and one line that says why."""
    code, said = _main(monkeypatch, capsys, "audit", "query", option, value, "-c", config)
    assert code != 0
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
def test_an_export_is_written_and_checked(gateway: Gateway, config: Path, tmp_path: Path, form: str) -> None:
    """The file fits, under the printed key and the kept checkpoints, and no longer after one byte is changed."""
    out = tmp_path / "answer"
    exporting = ("audit", "export", "--by", "anna", "--format", form, "--out", out, "--ae", "ARCHIVE", "-c", config)
    assert _run(*exporting)[0] == 0
    key = json.loads(_run("audit", "public-key", "--json", "-c", config)[1])["public_key"]
    code, text = _run("audit", "verify-export", out)
    assert (code, "5 entries" in text, "THE KEY CAME FROM THE FILE" in text) == (0, True, True)
    known = ("--public-key", key, "--checkpoints", gateway.settings.checkpoints)
    code, text = _run("audit", "verify-export", out, *known)
    assert (code, "THE KEY CAME" in text, "1 of 1" in text) == (0, False, True)
    out.write_bytes(out.read_bytes().replace(b"ARCHIVE", b"ARCHIVF", 1))
    assert _run("audit", "verify-export", out, *known)[0] == 1
    assert (out.stat().st_mode & 0o777, list(tmp_path.glob(".*.part"))) == (0o600, [])


def test_an_export_writes_over_nothing(
    gateway: Gateway, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays, and no export is put on record."""
    out = tmp_path / "mine"
    out.write_text("mine")
    code, said = _main(monkeypatch, capsys, "audit", "export", "--by", "anna", "--out", out, "-c", config)
    assert (code != 0, out.read_text(), "writes over nothing" in said) == (True, "mine", True)
    assert "audit.exported" not in {entry.action for entry in rows(gateway.database, AuditEntry)}


def test_an_export_into_nowhere_is_one_sentence(
    gateway: Gateway, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that does not exist is named, and nothing is put on record."""
    out = tmp_path / "none" / "answer.csv"
    code, said = _main(monkeypatch, capsys, "audit", "export", "--by", "anna", "--out", out, "-c", config)
    assert (code != 0, "cannot be written" in said) == (True, True)
    assert "audit.exported" not in {entry.action for entry in rows(gateway.database, AuditEntry)}


def test_nothing_to_check_ends_with_two(tmp_path: Path) -> None:
    """A file that is not there and a key that is none end with 2."""
    (tmp_path / "file").write_bytes(b"")
    assert _run("audit", "verify-export", tmp_path / "none")[0] == 2
    assert _run("audit", "verify-export", tmp_path / "file", "--public-key", "key")[0] == 2
    assert _run("audit", "verify-export", tmp_path / "file")[0] == 1


def test_the_key_is_shown_with_a_fingerprint(gateway: Gateway, config: Path) -> None:
    """The key is the one that signs, and its fingerprint can be read out in groups of four."""
    code, text = _run("audit", "public-key", "-c", config)
    assert code == 0
    assert public_key(gateway.keys) in text
    assert len(text.splitlines()[1].split(": ")[1].split(" ")) == 16


def test_an_audit_that_is_not_sealed_is_told(gateway: Gateway, config: Path) -> None:
    """`status` and `check` say when an entry has waited longer for its seal than the settings allow."""
    assert "NOT BEING SEALED" not in _run("status", "-c", config)[1]
    with gateway.database.transaction() as session:
        old = AuditEntry(
            id=new_id(), occurred_at=utc_now() - timedelta(hours=1), action="delivery.sent", outcome="success",
            actor="sender", details={},
        )  # fmt: skip
        session.add_all([old, AuditPending(entry_id=old.id)])
    assert "THE AUDIT IS NOT BEING SEALED" in _run("status", "-c", config)[1]
    assert json.loads(_run("status", "-c", config, "--json")[1])["audit_seal_age_seconds"] >= 3600
    assert "veragate sweep" in str(_seal(gateway.settings))


def test_checking_an_export_loads_no_gateway() -> None:
    """The verifier needs nothing but the standard library."""
    known = sys.stdlib_module_names | {"__future__"}
    source = (Path(__main__.__file__).parent / "verify_export.py").read_text()
    imports = [line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert imports and set(imports) <= known

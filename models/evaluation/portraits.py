"""The photographs that an evaluation looks at, and the groups that their people belong to."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})

_AGE_BANDS = ((45, "under 45"), (60, "45 to 59"), (75, "60 to 74"))
_OLDEST = "75 and over"


@dataclass(frozen=True)
class Portrait:
    """One photograph of one person; `groups` maps a grouping ("gender") to the person's group ("female")."""

    path: Path
    groups: dict[str, str] = field(default_factory=dict)

    def read(self) -> NDArray[np.uint8]:
        """The picture as RGB uint8 [H, W, 3], turned as its EXIF orientation says."""
        with Image.open(self.path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def find_portraits(
    folder: Path, limit: int | None = None, table: Path | None = None, names: Path | None = None
) -> list[Portrait]:
    """The portraits of a folder in the order of their names.

    `table` is a CSV with a column `file` and any of gender, ethnicity, age_at_most (default: portraits.csv in the
    folder, when there is one). `names` lists the file names to take: a text file, one a line, or the split.json that
    the training writes, whose held-out list is taken. `limit` takes that many, spread evenly over the folder, so that
    a small run still sees every part of it.
    Raises FileNotFoundError when nothing is left to look at.
    """
    groups = _read_groups(table or folder / "portraits.csv") if (table or (folder / "portraits.csv").is_file()) else {}
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if names is not None:
        wanted = _read_names(names)
        paths = [path for path in paths if path.name in wanted]
    if limit is not None and limit < len(paths):
        paths = [paths[index * len(paths) // limit] for index in range(limit)]
    if not paths:
        raise FileNotFoundError(f"There are no pictures to evaluate in {folder}.")
    return [Portrait(path, groups.get(path.name, {})) for path in paths]


def find_pairs(folder: Path) -> list[tuple[Portrait, Portrait]]:
    """Two photographs of one person each: files `NAMEa.*` and `NAMEb.*`."""
    stems = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}
    pairs = [(path, stems.get(f"{stem[:-1]}b")) for stem, path in stems.items() if stem.endswith("a")]
    return [(Portrait(first), Portrait(second)) for first, second in pairs if second is not None]


def _read_names(names: Path) -> set[str]:
    text = names.read_text(encoding="utf-8")
    return set(json.loads(text)["held_out"] if names.suffix == ".json" else text.split())


def _read_groups(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return {row["file"]: _groups_of(row) for row in csv.DictReader(stream)}


def _groups_of(row: dict[str, str]) -> dict[str, str]:
    groups = {key: row[key] for key in ("gender", "ethnicity") if row.get(key)}
    if row.get("age_at_most"):
        age = int(row["age_at_most"])
        groups["age"] = next((band for top, band in _AGE_BANDS if age < top), _OLDEST)
    return groups

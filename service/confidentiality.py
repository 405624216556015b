"""The tables of PS3.15 Annex E as data: what the Basic Profile does to each attribute, and what the options change.

row = row_for(tag)                       # None where Table E.1-1 does not name the attribute
row.action(Need.EMPTY_OR_VALUE, options)  # one letter: X, Z, D, U, K or C
content_action("121032", "DCM", options)  # the same for a concept of structured content, by Table E.3.4-1

`tools/confidentiality_tables.py` writes the two files.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

EDITION: Final = "2026d"


class Option(StrEnum):
    """The options of PS3.15 E.3 that a route may choose; each is a column of the tables."""

    MODIFIED_DATES = "modified-dates"
    FULL_DATES = "full-dates"
    PATIENT_CHARACTERISTICS = "patient-characteristics"
    DEVICE_IDENTITY = "device-identity"
    INSTITUTION_IDENTITY = "institution-identity"
    DESCRIPTORS = "descriptors"
    STRUCTURED_CONTENT = "structured-content"


class Action(StrEnum):
    """What Table E.1-1 says, with its letters."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    CLEAN = "C"


class Need(StrEnum):
    """What an object must hold of an attribute, by its Type (PS3.5 7.4)."""

    VALUE = "1"
    VALUE_WHERE_IT_WAS = "1C"  # only the source knows whether the condition holds
    EMPTY_OR_VALUE = "2"
    EMPTY_WHERE_IT_WAS = "2C"
    NOTHING = "3"  # and 1C where without its value the condition does not hold


@dataclass(frozen=True)
class Row:
    """One row of Table E.1-1: the Basic Profile's column, such as "X/Z/D", and the letters of the options."""

    tag: str  # eight hex digits, x in those that stand for any; or PRIVATE
    name: str
    basic: str
    options: Mapping[Option, Action]

    def action(self, need: Need, options: Iterable[Option]) -> Action:
        """The one letter that counts. Where two options disagree, the one that keeps less."""
        chosen = {self.options[option] for option in options if option in self.options}
        if chosen:
            return Action.CLEAN if Action.CLEAN in chosen else Action.KEEP
        letters = self.basic.rstrip("*").split("/")
        return next(action for action in _PREFERRED[need] if action in letters)


_PREFERRED: Final = {  # PS3.15 Table E.1-1a: the strongest that the attribute's Type allows
    Need.NOTHING: (Action.UID, Action.REMOVE, Action.EMPTY, Action.DUMMY),
    Need.EMPTY_WHERE_IT_WAS: (Action.UID, Action.EMPTY, Action.REMOVE, Action.DUMMY),
    Need.EMPTY_OR_VALUE: (Action.UID, Action.EMPTY, Action.REMOVE, Action.DUMMY),
    Need.VALUE: (Action.UID, Action.DUMMY, Action.EMPTY, Action.REMOVE),
    Need.VALUE_WHERE_IT_WAS: (Action.UID, Action.DUMMY, Action.EMPTY, Action.REMOVE),
}


def row_for(tag: int) -> Row | None:
    """The row that covers an attribute."""
    rows, name = table(), f"{tag:08X}"
    if (tag >> 16) % 2:
        return rows["PRIVATE"]
    return rows.get(name) or next((rows[wild] for wild in _repeating(name) if wild in rows), None)


@cache
def table() -> dict[str, Row]:
    """Table E.1-1, by tag."""
    return {row["tag"]: _row(row) for row in read_csv("ps315_attributes.csv")}


@cache
def content_table() -> dict[tuple[str, str], tuple[dict[str, str], ...]]:
    """Table E.3.4-1: the rows for each concept name of structured content, by code and coding scheme.

    A concept has a row for each value type that it is used with.
    """
    rows: dict[tuple[str, str], tuple[dict[str, str], ...]] = {}
    for row in read_csv("ps315_content.csv"):
        key = row["code"], row["scheme"]
        rows[key] = (*rows.get(key, ()), row)
    return rows


def content_action(code: str, scheme: str, options: Collection[Option]) -> Action:
    """What is done to a content item with this concept name under Clean Structured Content (PS3.15 E.3.4).

    KEEP for a concept that the table does not name, as the standard has it: the caller's own list decides then. Where
    rows or options disagree, what keeps less.
    """
    letters = {_content_letter(row, options) for row in content_table().get((code, scheme), ())}
    return next((letter for letter in (Action.REMOVE, Action.DUMMY, Action.CLEAN) if letter in letters), Action.KEEP)


def _content_letter(row: dict[str, str], options: Collection[Option]) -> Action:
    chosen = {letter for option in options if (letter := row.get(option.value.replace("-", "_")))}
    if chosen:
        return Action.CLEAN if Action.CLEAN in chosen else Action.KEEP
    return Action(row["basic"].partition("/")[0])


def read_csv(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's own tables, by column."""
    text = (files("service") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _row(row: dict[str, str]) -> Row:
    letters = {option: row[option.value.replace("-", "_")] for option in Option}
    return Row(
        row["tag"], row["name"], row["basic"], {key: Action(letter) for key, letter in letters.items() if letter}
    )


def _repeating(tag: str) -> tuple[str, str]:
    return f"{tag[:2]}xx{tag[4:]}", f"{tag[:2]}xxxxxx"

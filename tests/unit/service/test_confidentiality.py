"""The standard's tables: the same from two sources, and read as the standard reads them."""

import runpy
from importlib.metadata import distribution

import pytest

from service.confidentiality import EDITION, Action, Need, Option, content_action, content_table, row_for, table
from tools import confidentiality_tables as tool


def test_the_tables_are_what_the_tool_writes() -> None:
    """Running the tool again changes nothing, and its source is the edition that the gateway names."""
    found = tool.source()
    assert found["source"]["edition"] == EDITION
    assert (tool.FOLDER / tool.ATTRIBUTES).read_text() == tool.attributes(found)
    assert (tool.FOLDER / tool.CONTENT).read_text() == tool.content(found)
    assert len(table()) == 657 and sum(map(len, content_table().values())) == 214


def test_a_second_source_says_the_same() -> None:
    """The Basic Profile's column equals that of another project's table; one attribute is newer than theirs."""
    theirs = _second_source()
    ours = {_key(row.tag): row.basic for row in table().values() if row.tag != "PRIVATE"}
    assert {key for key in theirs if theirs[key] != ours.get(key)} == set()
    assert {key for key in ours if key not in theirs} == {(0x3004, 0x007F)}  # Dose Calculation Model Name


def _second_source() -> dict[tuple[int, ...], str]:
    folder = "dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py"
    lists = runpy.run_path(str(distribution("dicom-anonymizer").locate_file(folder)))
    return {
        tag: name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/").replace("/*", "*")
        for name, tags in lists.items()
        if name.endswith("_TAGS") and name != "ALL_TAGS"
        for tag in tags
    }


def _key(tag: str) -> tuple[int, ...]:
    """As the second source has them: group, element and, for repeating groups, their masks."""
    value = tag.replace("x", "0")
    mask = "".join("0" if digit == "x" else "F" for digit in tag)
    numbers = (int(value[:4], 16), int(value[4:], 16))
    return numbers if "x" not in tag else (*numbers, int(mask[:4], 16), int(mask[4:], 16))


@pytest.mark.parametrize(
    ("basic", "need", "letter"),
    [
        ("X", Need.NOTHING, "X"),
        ("X/Z", Need.EMPTY_OR_VALUE, "Z"),
        ("X/Z", Need.NOTHING, "X"),
        ("X/D", Need.VALUE, "D"),
        ("X/Z/D", Need.NOTHING, "X"),
        ("X/Z/D", Need.EMPTY_WHERE_IT_WAS, "Z"),
        ("X/Z/D", Need.VALUE, "D"),
        ("Z/D", Need.EMPTY_OR_VALUE, "Z"),
        ("Z/D", Need.VALUE, "D"),
        ("X/Z/U*", Need.NOTHING, "U"),
        ("U", Need.VALUE, "U"),
    ],
)
def test_a_choice_of_letters_is_settled_by_the_type(basic: str, need: Need, letter: str) -> None:
    """The strongest action that leaves the object valid is taken (PS3.15 Table E.1-1a)."""
    row = next(row for row in table().values() if row.basic == basic)
    assert row.action(need, ()) == Action(letter)


def test_options_go_before_the_basic_profile() -> None:
    """A chosen option's letter counts; of two the one that keeps less; others change nothing."""
    calibration = row_for(0x00181200)
    assert calibration is not None
    assert calibration.action(Need.NOTHING, [Option.DESCRIPTORS]) is Action.REMOVE
    assert calibration.action(Need.NOTHING, [Option.DEVICE_IDENTITY]) is Action.KEEP
    assert calibration.action(Need.NOTHING, [Option.DEVICE_IDENTITY, Option.MODIFIED_DATES]) is Action.CLEAN


@pytest.mark.parametrize(
    ("code", "options", "letter"),
    [
        ("121032", (), "X"),  # Subject Sex
        ("121032", (Option.PATIENT_CHARACTERISTICS,), "K"),
        ("121032", (Option.DESCRIPTORS,), "X"),
        ("110119", (Option.DEVICE_IDENTITY,), "K"),  # Station AE Title
        ("109054", (Option.DESCRIPTORS,), "C"),  # Patient State
        ("110180", (), "D"),  # Study Instance UID
        ("130325", (), "K"),  # which the table does not name
    ],
)
def test_concepts_of_structured_content_have_their_letter(code: str, options: tuple[Option, ...], letter: str) -> None:
    """Table E.3.4-1 says what is done to a content item, by its concept name and the options."""
    assert content_action(code, "DCM", options) == Action(letter)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (0x00100010, "Patient's Name"),
        (0x50120022, "Curve Data"),
        (0x60103000, "Overlay Data"),
        (0x00091001, "Private Attributes"),
        (0x00080016, None),
    ],
)
def test_attributes_find_their_row(tag: int, name: str | None) -> None:
    """Repeating groups and private attributes are covered by the rows that stand for all of them."""
    row = row_for(tag)
    assert (row.name if row else None) == name

"""Coded entries (PS3.3 8) that may leave the gateway: a table of our own, never what a sender wrote.

known_code(item)                 # the table's entry for a code item, or None
code_item("774007")              # a fresh item with the table's meaning
context_of(ds)                   # the coded pairs of Acquisition Context that the table holds

The table is two files: the codes of orthodontic photographs, and members of context groups of PS3.16 that the other
classes use (`tools/context_groups.py`).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydicom import DataElement, Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from service.confidentiality import Action, Option, content_action, read_csv

_UID: Final = re.compile(r"[0-9.]+", re.ASCII)
CONTEXT_CONCEPTS = frozenset({"130325", "25272006", "118243007", "363787002"})

_VALUE, _SCHEME, _MEANING = Tag("CodeValue"), Tag("CodingSchemeDesignator"), Tag("CodeMeaning")
_VALUE_TYPE, _CONCEPT_NAME, _CONCEPT = Tag("ValueType"), Tag("ConceptNameCodeSequence"), Tag("ConceptCodeSequence")


@dataclass(frozen=True)
class Code:
    """A coded entry (PS3.3 8) with the meaning that this gateway writes, whatever the sender wrote."""

    value: str
    scheme: str
    meaning: str

    def item(self) -> Dataset:
        """A fresh item of a code sequence."""
        value = DataElement(_VALUE, "SH", self.value)
        scheme, meaning = DataElement(_SCHEME, "SH", self.scheme), DataElement(_MEANING, "LO", self.meaning)
        return Dataset({_VALUE: value, _SCHEME: scheme, _MEANING: meaning})


OPTION_CODES: Final = {  # CID 7050
    option: Code(value, "DCM", f"{meaning} Option")
    for option, value, meaning in (
        (Option.STRUCTURED_CONTENT, "113104", "Clean Structured Content"),
        (Option.DESCRIPTORS, "113105", "Clean Descriptors"),
        (Option.FULL_DATES, "113106", "Retain Longitudinal Temporal Information Full Dates"),
        (Option.MODIFIED_DATES, "113107", "Retain Longitudinal Temporal Information Modified Dates"),
        (Option.PATIENT_CHARACTERISTICS, "113108", "Retain Patient Characteristics"),
        (Option.DEVICE_IDENTITY, "113109", "Retain Device Identity"),
        (Option.INSTITUTION_IDENTITY, "113112", "Retain Institution Identity"),
    )
}


@cache
def code_table() -> dict[tuple[str, str], Code]:
    """Every coded entry that may leave the gateway, by (value, coding scheme)."""
    rows = [*read_csv("photographic_codes.csv"), *read_table("codes")]
    return {(row["code"], row["scheme"]): Code(row["code"], row["scheme"], row["meaning"]) for row in rows}


def known_code(item: Dataset) -> Code | None:
    """The table's own entry for a code item, or None; the sender's Code Meaning is never looked at."""
    value, scheme = (str(value_at(item, tag) or "").strip() for tag in (_VALUE, _SCHEME))
    return code_table().get((value, scheme))


def context_item(concept: str, value: str) -> Dataset:
    """A CODE item of Acquisition Context Sequence (PS3.3 C.7.6.14) from two code values of the table."""
    item = Dataset()
    item[_VALUE_TYPE] = DataElement(_VALUE_TYPE, "CS", "CODE")
    item[_CONCEPT_NAME] = DataElement(_CONCEPT_NAME, "SQ", Sequence([code_item(concept)]))
    item[_CONCEPT] = DataElement(_CONCEPT, "SQ", Sequence([code_item(value)]))
    return item


def context_of(ds: Dataset, options: Collection[Option] = ()) -> Iterator[tuple[str, str]]:
    """The (concept, value) pairs in Acquisition Context that are wholly in the table; the rest is passed over.

    Only CODE items have a value that a table can hold. A concept for which PS3.15 Table E.3.4-1 has another action
    than to keep it, under these options, is passed over too.
    """
    for item in items_in(ds, "AcquisitionContextSequence"):
        concepts, values = codes_in(item, "ConceptNameCodeSequence"), codes_in(item, "ConceptCodeSequence")
        if len(concepts) == len(values) == 1 and concepts <= CONTEXT_CONCEPTS and "" not in values:
            concept = code_of(next(iter(concepts)))
            if content_action(concept.value, concept.scheme, options) is Action.KEEP:
                yield concept.value, next(iter(values))


def codes_in(ds: Dataset, keyword: str) -> set[str]:
    """Code values under a sequence; an unknown code counts as "", so that it can agree with nothing."""
    return {code.value if (code := known_code(item)) else "" for item in items_in(ds, keyword)}


def items_in(ds: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent, damaged, or no sequence."""
    return _items(value_in(ds, keyword))


def items_at(ds: Dataset, tag: int) -> list[Dataset]:
    """As `items_in`, by tag."""
    return _items(value_at(ds, tag))


def _items(value: object) -> list[Dataset]:
    return list(value) if isinstance(value, Sequence) else []


def value_in(ds: Dataset, keyword: str) -> object:
    """The value of an element of a data set that nobody can vouch for; None where it cannot be had."""
    try:
        return ds.get(keyword)
    except Exception:  # a value that cannot be parsed is as good as absent
        return None


def value_at(ds: Dataset, tag: int) -> object:
    """As `value_in`, by tag."""
    try:
        return ds[tag].value if tag in ds else None
    except Exception:  # as above
        return None


def is_of_the_standard(uid: str) -> bool:
    """Whether the standard itself defines a UID: those have names. A text that a library would only trim is none."""
    return _UID.fullmatch(uid) is not None and UID(uid).name != uid


def code_of(value: str) -> Code:
    """The table's entry for a value, of the standard's own scheme or of SNOMED CT; KeyError for any other."""
    scheme = "DCM" if (value, "DCM") in code_table() else "SCT"
    return code_table()[value, scheme]


def code_item(value: str) -> Dataset:
    """A fresh code item for a value of the table; KeyError as above."""
    return code_of(value).item()


def read_table(table: str) -> list[dict[str, str]]:
    """The rows of one of the package's own tables, "codes" or "views", by column."""
    return read_csv(f"orthodontic_{table}.csv")

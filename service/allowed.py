"""The list of what may stay as the independent check needs it: by place in a finished file of one SOP class.

allowed = allowed_in(sop_class_uid)
allowed.rules[tag]                   # the rule at the top level
allowed.items[path]                  # what may stand in an item there, by tag: a rule, a pattern, or a sequence
coded(elements)                      # the parts of each code item, and whether the code table has it so
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydicom.datadict import tag_for_keyword

from service import provenance
from service.codes import Code, code_table
from service.encoded import Element, values_of
from service.headers import CLASSES, Form, Rule, rules_for

OWN_UID: Final = r"2\.25\.(0|[1-9]\d{0,38})"
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_LOSSY: Final = Code("113040", "DCM", "Lossy Compression")  # what `service.pixels` writes
_EQUIPMENT: Final = ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")
_STORED: Final = r"1\.2\.840\.10008\.5\.1\.4\.1\.1(\.\d{1,5}){1,5}"

Within = Rule | re.Pattern[str] | None  # None: a sequence, or an element of a code


@dataclass(frozen=True)
class Allowed:
    rules: dict[int, Rule]
    items: dict[tuple[int, ...], dict[int, Within]]


def tag_of(keyword: str) -> int:
    return tag_for_keyword(keyword) or 0


CODE_TAGS: Final = {tag_of(keyword): keyword for keyword in _CODE}


def allowed_in(sop_class: str) -> Allowed:
    """For objects of that class; of a class that nobody knows, what all share."""
    return _allowed(sop_class if sop_class in CLASSES else "")


@cache
def _allowed(sop_class: str) -> Allowed:
    rules = rules_for(sop_class)
    items: dict[tuple[int, ...], dict[int, Within]] = _written_here()
    for rule in rules:
        _add(items, (int(rule.tag),), rule)
    return Allowed({int(rule.tag): rule for rule in rules}, items)


def _add(items: dict[tuple[int, ...], dict[int, Within]], path: tuple[int, ...], rule: Rule) -> None:
    within: dict[int, Within] = {int(inner.tag): inner for inner in rule.inside}
    if rule.form is Form.CODES:
        within |= dict.fromkeys(CODE_TAGS)
    elif rule.form in (Form.REFERENCES, Form.SOURCES):
        within |= {tag_of("ReferencedSOPClassUID"): re.compile(_STORED)}
        within |= {tag_of("ReferencedSOPInstanceUID"): re.compile(OWN_UID)}
    elif rule.form is Form.CONTEXT:
        concepts = [tag_of("ConceptNameCodeSequence"), tag_of("ConceptCodeSequence")]
        within |= {tag_of("ValueType"): re.compile("CODE"), **dict.fromkeys(concepts)}
        items |= {(*path, concept): dict.fromkeys(CODE_TAGS) for concept in concepts}
    elif rule.form is not Form.ITEMS:
        return
    items[path] = within
    for inner in rule.inside:
        _add(items, (*path, int(inner.tag)), inner)


def _written_here() -> dict[tuple[int, ...], dict[int, Within]]:
    """Items that `service.provenance` and `service.pixels` write."""
    names = ("DerivationCodeSequence", "DeidentificationMethodCodeSequence", "ContributingEquipmentSequence")
    derivation, method, equipment = map(tag_of, names)
    purpose = tag_of("PurposeOfReferenceCodeSequence")
    own: dict[int, Within] = {tag_of(keyword): Rule(keyword, Form.TEXT) for keyword in _EQUIPMENT}
    code: dict[int, Within] = dict.fromkeys(CODE_TAGS)
    return {(derivation,): code, (method,): code, (equipment,): {**own, purpose: None}, (equipment, purpose): code}


def coded(elements: Iterable[Element]) -> Iterator[tuple[list[Element], bool]]:
    """The parts of each code item, and whether they are, word for word, an entry of the gateway's own table."""
    items: dict[int, list[Element]] = defaultdict(list)
    for element in elements:
        if element.path and element.tag in CODE_TAGS:
            items[element.item].append(element)
    for parts in items.values():
        words = {CODE_TAGS[part.tag]: "\\".join(values_of(part)) for part in parts}
        yield parts, tuple(words.get(keyword, "") for keyword in _CODE) in _entries()


@cache
def _entries() -> frozenset[tuple[str, str, str]]:
    codes = (*code_table().values(), *provenance.CODES, _LOSSY)
    return frozenset((code.value, code.scheme, code.meaning) for code in codes)

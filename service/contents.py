"""The second half of the independent header check: is everything in the finished file on the list, and as claimed?

    findings = review(data, texts)     # places, never values; empty: nothing found

Like `service.leaks` it parses the finished bytes itself. It knows the list of what may stay and the standard's table
as data, and looks at every value with patterns of its own: what is not proven to be a keyed UID, a date, a number, a
listed term or an entry of the code table has no place here. `texts` are the only free texts that may stand.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from service import encoded, provenance
from service.claims import problems_of_claims
from service.codes import Code, code_table
from service.confidentiality import Action, row_for
from service.headers import RULES, Form, Rule
from service.leaks import place_of

_OWN_UID: Final = r"2\.25\.(0|[1-9]\d{0,38})"
_ENOUGH: Final = {
    Form.UID: rf"{_OWN_UID}|[012](\.(0|[1-9]\d*))+",
    Form.PSEUDONYM: r"[0-9A-Z]{12}",
    Form.NAME: r"SUBJ\^[0-9A-Z]{12}",
    Form.NOTHING: r"(?!)",
    Form.DATE: r"\d{8}",
    Form.DATE_TIME: r"\d{8}(\d{2}){0,3}(\.\d{1,6})?([+-]\d{4})?",
    Form.TIME: r"(\d{2}){1,3}(\.\d{1,6})?",
    Form.ZONE: r"[+-]\d{4}",
    Form.NUMBER: r"\d{1,5}",
    Form.DECIMALS: r"\d{1,6}(\.\d{1,6})?",
    Form.AGE: r"0[0-8]\dY|090Y|\d{3}[DWM]",
}
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_EQUIPMENT: Final = ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")
_SAID: Final = {  # what `service.provenance` and `service.pixels` write, and the values it can have
    "SpecificCharacterSet": r"ISO_IR 192",
    "ImageType": r"ORIGINAL|DERIVED|PRIMARY",
    "SyntheticData": r"YES|NO",
    "PatientIdentityRemoved": r"YES",
    "BurnedInAnnotation": r"YES|NO",
    "RecognizableVisualFeatures": r"YES|NO",
    "LongitudinalTemporalInformationModified": r"UNMODIFIED|MODIFIED|REMOVED",
    "PhotometricInterpretation": r"MONOCHROME1|MONOCHROME2|RGB|YBR_FULL|YBR_FULL_422|YBR_RCT|YBR_ICT",
    "NumberOfFrames": r"\d{1,5}",
}
_TEXTS: Final = ("DeidentificationMethod", "DerivationDescription")
_NUMBERS: Final = {
    *("SamplesPerPixel", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "FrameIncrementPointer", "PageNumberVector"),
}
_LOSSY: Final = Code("113040", "DCM", "Lossy Compression")  # what `service.pixels` writes
_SEQUENCES: Final = ("DerivationCodeSequence", "DeidentificationMethodCodeSequence", "ContributingEquipmentSequence")


def _tag(keyword: str) -> int:
    return tag_for_keyword(keyword) or 0


_RULES: Final = {int(rule.tag): rule for rule in RULES}
_PATTERNS: Final = {_tag(keyword): re.compile(pattern) for keyword, pattern in _SAID.items()}
_FORMS: Final = {form: re.compile(pattern, re.ASCII) for form, pattern in _ENOUGH.items()}
_CODE_TAGS: Final = {_tag(keyword): keyword for keyword in _CODE}
_BARE: Final = {_tag(keyword) for keyword in _NUMBERS} | {_tag("PixelData")}
_FREE: Final = {_tag(keyword) for keyword in _TEXTS}


_DERIVATION: Final = _tag("DerivationDescription")
_PROVEN: Final = re.compile(rf"; {re.escape(provenance.PRESERVED)} [0-9a-f]{{64}}$", re.ASCII)


def review(data: bytes, texts: Iterable[str] = ()) -> list[str]:
    """The places in a finished file where something stands that is not on the list, and claims that do not hold."""
    try:
        elements = [element for element in encoded.elements(data) if element.tag >> 16 != 2]
    except encoded.MalformedError as error:
        return [f"the file cannot be parsed: {error}"]
    listed = {text.casefold() for text in (*provenance.TEXTS, *texts)}
    findings = [
        f"{place_of(element)}: {problem}" for element in elements for problem in _problems(element, listed) if problem
    ]
    findings += _codes(elements)
    return list(dict.fromkeys([*findings, *problems_of_claims(elements)]))


def _problems(element: encoded.Element, listed: set[str]) -> Iterator[str | None]:
    if element.path:
        yield _inside(element, listed)
    elif element.tag in _RULES:
        yield _by_rule(_RULES[element.tag], element, listed)
    elif element.tag in _PATTERNS:
        yield _by_pattern(_PATTERNS[element.tag], element)
    elif element.tag == _DERIVATION and _PROVEN.search(values_of(element)[0] if values_of(element) else ""):
        yield None if _PROVEN.sub("", values_of(element)[0]).casefold() in listed else "a text that is not listed"
    elif element.tag in _FREE:
        yield _by_text(element, listed)
    elif element.vr == "SQ" and element.tag in {path[0] for path in _PATHS}:
        return
    elif element.tag not in _BARE:
        yield _unlisted(element.tag)


def _unlisted(tag: int) -> str:
    row = row_for(tag)
    if row is not None and Action.REMOVE in row.basic.split("/"):
        return "an element that the standard's profile removes"
    return "an element that is not on the list" if row is None else "an element that the standard's profile changes"


def _by_rule(rule: Rule, element: encoded.Element, listed: set[str]) -> str | None:
    values = values_of(element)
    if rule.form in (Form.CODES, Form.CONTEXT, Form.REFERENCES):
        return None if element.vr == "SQ" else "no sequence"
    if not values:
        return None
    if rule.form is Form.TERMS:
        return None if rule.terms.union({rule.otherwise}).issuperset(values) else "a term that is not listed"
    if rule.form is Form.TEXT:
        return _by_text(element, listed)
    if rule.form is Form.FRAME and all(UID(value).name != value for value in values):
        return None
    return _by_pattern(_FORMS[Form.UID if rule.form is Form.FRAME else rule.form], element)


def _by_pattern(pattern: re.Pattern[str], element: encoded.Element) -> str | None:
    return None if all(pattern.fullmatch(value) for value in values_of(element)) else "a value not of its form"


def _by_text(element: encoded.Element, listed: set[str]) -> str | None:
    return None if listed.issuperset(value.casefold() for value in values_of(element)) else "a text that is not listed"


def _inside(element: encoded.Element, listed: set[str]) -> str | None:
    allowed = _PATHS.get(element.path, frozenset())
    if element.tag not in allowed:
        return "an element that is not on the list for its item"
    if element.vr == "SQ" or element.tag in _CODE_TAGS:
        return None
    if element.tag in (_tag(keyword) for keyword in _EQUIPMENT):
        return _by_text(element, listed)
    pattern = _INSIDE[element.tag]
    return _by_pattern(pattern, element)


def _codes(elements: list[encoded.Element]) -> Iterator[str]:
    """Code items that are not, word for word, an entry of the gateway's own table."""
    known = {(code.value, code.scheme, code.meaning) for code in (*code_table().values(), *provenance.CODES, _LOSSY)}
    items: dict[int, dict[str, str]] = defaultdict(dict)
    places: dict[int, encoded.Element] = {}
    for element in elements:
        if element.path and element.tag in _CODE_TAGS:
            items[element.item][_CODE_TAGS[element.tag]] = "\\".join(values_of(element))
            places[element.item] = element
    for item, words in items.items():
        if tuple(words.get(keyword, "") for keyword in _CODE) not in known:
            yield f"{place_of(places[item])}: a code that is not in the table"


def values_of(element: encoded.Element) -> list[str]:
    """The values as text, without padding; none for an empty element."""
    text = element.value.decode("utf-8", "replace").strip("\0 ")
    return [part.strip(" ") for part in text.split("\\")] if text else []


def _paths() -> dict[tuple[int, ...], frozenset[int]]:
    """What may stand in an item, by the sequences around it."""
    code = frozenset(_CODE_TAGS)
    paths: dict[tuple[int, ...], frozenset[int]] = {}
    for rule in RULES:
        at = (int(rule.tag),)
        if rule.form is Form.CODES:
            inner = _tag(rule.modifiers) if rule.modifiers else 0
            paths |= {at: code | ({inner} if inner else set())} | ({(*at, inner): code} if inner else {})
        elif rule.form is Form.CONTEXT:
            concepts = [_tag("ConceptNameCodeSequence"), _tag("ConceptCodeSequence")]
            paths |= {at: frozenset([_tag("ValueType"), *concepts])} | {(*at, concept): code for concept in concepts}
        elif rule.form is Form.REFERENCES:
            paths[at] = frozenset([_tag("ReferencedSOPClassUID"), _tag("ReferencedSOPInstanceUID")])
    derivation, method, equipment = (_tag(keyword) for keyword in _SEQUENCES)
    purpose = _tag("PurposeOfReferenceCodeSequence")
    own = frozenset([purpose, *(_tag(keyword) for keyword in _EQUIPMENT)])
    return {**paths, (derivation,): code, (method,): code, (equipment,): own, (equipment, purpose): code}


_PATHS: Final = _paths()
_INSIDE: Final = {
    _tag("ValueType"): re.compile("CODE"),
    _tag("ReferencedSOPClassUID"): re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1(\.\d{1,5}){1,5}"),
    _tag("ReferencedSOPInstanceUID"): re.compile(_OWN_UID),
}

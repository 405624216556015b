"""The second half of the independent header check: is everything in the finished file on the list, and as claimed?

    findings = review(data, texts)     # places, never values; empty: nothing found

Like `service.leaks` it parses the finished bytes itself. It knows the list of what may stay and the standard's table
as data, and looks at every value with patterns of its own: what is not proven to be a keyed UID, a date, a number, a
listed term or an entry of the code table has no place here. `texts` are the only free texts that may stand.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from service import encoded, icc, provenance
from service.allowed import OWN_UID, Allowed, allowed_in, coded, tag_of
from service.claims import problems_of_claims
from service.codes import is_of_the_standard
from service.confidentiality import Action, row_for
from service.encoded import values_of
from service.headers import Form, Rule
from service.leaks import place_of

_ENOUGH: Final = {
    Form.UID: rf"{OWN_UID}|[012](\.(0|[1-9]\d*))+",
    Form.TRACKING: OWN_UID,
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
_SAID: Final = {  # what `service.provenance` and `service.pixels` write, and the values it can have
    "SpecificCharacterSet": r"ISO_IR 192",
    "ImageType": "|".join(sorted(provenance.IMAGE_TYPES)),
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
_BINARY: Final = {"FL": "<f", "FD": "<d", "US": "<H"}
_SEQUENCES: Final = frozenset({Form.CODES, Form.CONTEXT, Form.ITEMS, Form.REFERENCES, Form.SOURCES})

_PATTERNS: Final = {tag_of(keyword): re.compile(pattern) for keyword, pattern in _SAID.items()}
_FORMS: Final = {form: re.compile(pattern, re.ASCII) for form, pattern in _ENOUGH.items()}
_BARE: Final = {tag_of(keyword) for keyword in _NUMBERS} | {tag_of("PixelData")}
_FREE: Final = {tag_of(keyword) for keyword in _TEXTS}
_PROFILE: Final = tag_of("ICCProfile")
_DERIVATION: Final = tag_of("DerivationDescription")
_PROVEN: Final = re.compile(rf"; {re.escape(provenance.PRESERVED)} [0-9a-f]{{64}}$", re.ASCII)


def review(data: bytes, texts: Iterable[str] = ()) -> list[str]:
    """The places in a finished file where something stands that is not on the list, and claims that do not hold."""
    try:
        elements = [element for element in encoded.elements(data) if element.tag >> 16 != 2]
    except encoded.MalformedError as error:
        return [f"the file cannot be parsed: {error}"]
    listed = {text.casefold() for text in (*provenance.TEXTS, *texts)}
    allowed = allowed_in(encoded.sop_class_of(elements))
    findings = [
        f"{place_of(element)}: {problem}"
        for element in elements
        for problem in _problems(element, allowed, listed)
        if problem
    ]
    unknown = (parts[-1] for parts, is_known in coded(elements) if not is_known)
    findings += [f"{place_of(element)}: a code that is not in the table" for element in unknown]
    return list(dict.fromkeys([*findings, *problems_of_claims(elements)]))


def _problems(element: encoded.Element, allowed: Allowed, listed: set[str]) -> Iterator[str | None]:
    if element.path:
        yield _inside(element, allowed, listed)
    elif element.tag in allowed.rules:
        yield _by_rule(allowed.rules[element.tag], element, listed)
    elif element.tag in _PATTERNS:
        yield _by_pattern(_PATTERNS[element.tag], element)
    elif element.tag == _DERIVATION and _PROVEN.search(values_of(element)[0] if values_of(element) else ""):
        yield None if _PROVEN.sub("", values_of(element)[0]).casefold() in listed else "a text that is not listed"
    elif element.tag == _PROFILE:
        yield from (f"a colour profile with {problem}" for problem in icc.problems(element.value))
    elif element.tag in _FREE:
        yield _by_text(element, listed)
    elif element.vr == "SQ" and (element.tag,) in allowed.items:
        return
    elif element.tag not in _BARE:
        yield _unlisted(element.tag)


def _unlisted(tag: int) -> str:
    row = row_for(tag)
    if row is not None and Action.REMOVE in row.basic.split("/"):
        return "an element that the standard's profile removes"
    return "an element that is not on the list" if row is None else "an element that the standard's profile changes"


def _by_rule(rule: Rule, element: encoded.Element, listed: set[str]) -> str | None:
    if rule.form in _SEQUENCES:
        return None if element.vr == "SQ" else "no sequence"
    if rule.form is Form.MEASURES:
        return _by_number(element)
    values = values_of(element)
    if not values or values == [rule.otherwise]:
        return None
    if rule.form is Form.TERMS:
        return None if rule.terms.issuperset(values) else "a term that is not listed"
    if rule.form is Form.TEXT:
        return _by_text(element, listed)
    if rule.form is Form.FRAME and all(map(is_of_the_standard, values)):
        return None
    return _by_pattern(_FORMS[Form.UID if rule.form is Form.FRAME else rule.form], element)


def _by_pattern(pattern: re.Pattern[str], element: encoded.Element) -> str | None:
    return None if all(pattern.fullmatch(value) for value in values_of(element)) else "a value not of its form"


def _by_text(element: encoded.Element, listed: set[str]) -> str | None:
    return None if listed.issuperset(value.casefold() for value in values_of(element)) else "a text that is not listed"


def _by_number(element: encoded.Element) -> str | None:
    """Binary numbers of a size that instruments state; letters read as one are far from it, most of them.

    The bounds leave room for what rounding to single precision does to a number that the cleaner kept.
    """
    packed = _BINARY.get(element.vr)
    if packed is None or len(element.value) % struct.calcsize(packed):
        return "no binary number"
    numbers = [number for (number,) in struct.iter_unpack(packed, element.value)]
    return None if all(each == 0 or 9e-6 < abs(each) <= 100_000 for each in numbers) else "a number beyond measure"


def _inside(element: encoded.Element, allowed: Allowed, listed: set[str]) -> str | None:
    within = allowed.items.get(element.path, {})
    if element.tag not in within:
        return "an element that is not on the list for its item"
    expected = within[element.tag]
    if expected is None:
        return None  # a sequence has items of its own, a code is compared as a whole
    return _by_rule(expected, element, listed) if isinstance(expected, Rule) else _by_pattern(expected, element)

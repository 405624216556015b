"""Builds a clean header from nothing, element by element, as `service.headers.plan` says."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from service.codes import OPTION_CODES, context_item, context_of, items_in, known_code, value_at, value_in
from service.confidentiality import Action, Need, Option
from service.errors import Quarantined
from service.headers import values
from service.headers.plan import Step, plan
from service.headers.table import Form
from service.states import Cause

_STANDARD_ROOT: Final = "1.2.840.10008."
_FULL: Final = {Option.FULL_DATES: "UNMODIFIED", Option.MODIFIED_DATES: "MODIFIED"}


class KeyedUids(Protocol):
    """What the cleaner needs of `service.pseudonyms.Pseudonyms`."""

    def uid(self, original: str) -> str: ...


class Subject(Protocol):
    """What the cleaner needs of `service.tables.Patient`."""

    @property
    def pseudonym(self) -> str: ...
    @property
    def date_offset_days(self) -> int: ...


@dataclass(frozen=True)
class Profile:
    """What a route lets stay beyond the Basic Profile.

    `texts` are the only texts that may leave; `is_released` says of the original UID of another object whether a
    cleaned copy of it, of the same study, is on record.
    """

    options: frozenset[Option] = frozenset({Option.MODIFIED_DATES, Option.STRUCTURED_CONTENT})
    texts: frozenset[str] = frozenset()
    is_released: Callable[[str], bool] = lambda uid: False


USUAL: Final = Profile()
"""What a route lets stay that says nothing about it."""


def outside_uid(uids: KeyedUids, original: str) -> str:
    """The UID of an object, series or study outside.

    No instance is defined by the standard: under its root an identifier could pass for one of its UIDs.
    """
    return uids.uid(f"instance {original}" if original.startswith(_STANDARD_ROOT) else original)


class Cleaner:
    """Cleans the headers of one patient's photographs."""

    def __init__(self, uids: KeyedUids, subject: Subject, profile: Profile = USUAL) -> None:
        self._profile = profile
        self._steps = plan(self._profile.options)
        self._uids = uids
        self._pseudonym = subject.pseudonym
        self._offset = timedelta(days=subject.date_offset_days)
        self._beyond_ascii = not all(text.isascii() for text in self._profile.texts)
        self._texts = {_spelling(text): text for text in self._profile.texts}

    def clean(self, ds: Dataset) -> Dataset:
        """A new data set with only what the plan lets stay, no pixels yet.

        Plain ASCII throughout, unless a text of the route needs more. It names the options that let something stay.
        Raises Quarantined (UNREADABLE) where a UID that every object has is missing, (UNSUPPORTED) for
        another SOP class.
        """
        elements: dict[BaseTag, DataElement | RawDataElement] = {}
        done, present = set[Option](), set(map(int, ds.keys()))
        for step in self._steps:
            value = self._value(step, ds) if step.number in present or step.is_made else None
            if value:
                done |= step.options
            else:
                value = _missing(step, ds, value)
            if value is not None:
                elements[step.tag] = DataElement(step.tag, step.vr, value)
        clean = Dataset(elements)
        _say(clean, done)
        if self._beyond_ascii and not all(str(element.value).isascii() for element in clean if element.VR != "SQ"):
            clean.SpecificCharacterSet = "ISO_IR 192"
        return clean

    def _value(self, step: Step, ds: Dataset) -> object:
        """What stays of an element; None or nothing where nothing does."""
        form, action = step.rule.form, step.action
        if form in (Form.NAME, Form.PSEUDONYM):
            return f"SUBJ^{self._pseudonym}" if form is Form.NAME else self._pseudonym
        if action in (Action.REMOVE, Action.EMPTY, Action.DUMMY) or form is Form.NOTHING:
            return None
        if form is Form.AGE:
            return values.age(*(_strings(ds, name) for name in ("PatientAge", "PatientBirthDate", "StudyDate")))
        if form in (Form.CODES, Form.CONTEXT, Form.REFERENCES):
            return self._items(step, ds)
        return self._text(step, _texts(value_at(ds, step.tag)))

    def _items(self, step: Step, ds: Dataset) -> Sequence:
        if step.rule.form is Form.CONTEXT:
            return Sequence([context_item(*pair) for pair in context_of(ds)])
        if step.rule.form is Form.CODES:
            return _codes(step.rule.keyword, step.rule.modifiers, ds)
        return Sequence(list(self._references(items_in(ds, step.rule.keyword), _strings(ds, "SOPInstanceUID"))))

    def _text(self, step: Step, found: list[str]) -> object:
        form = step.rule.form
        if step.action is Action.UID:
            return found[0] if form is Form.FRAME and _is_defined(found) else self._keyed(found)
        if step.action is Action.CLEAN and form in (Form.DATE, Form.DATE_TIME):
            return values.moved(found, self._offset)
        if step.action is Action.CLEAN and form in (Form.TIME, Form.ZONE):
            return None
        if form is Form.TERMS:
            return values.terms(found, step.rule.terms)
        if form is Form.TEXT:
            return self._listed(found, 16 if step.vr == "SH" else 64)
        return _KEPT[form](found)

    def _keyed(self, found: list[str]) -> str | None:
        return outside_uid(self._uids, found[0]) if len(found) == 1 else None

    def _listed(self, found: list[str], most: int) -> list[str] | str | None:
        """The route's own spelling of each value, where it lists them all and they fit."""
        listed = [text for value in found if (text := self._texts.get(_spelling(value))) and len(text) <= most]
        if not listed or len(listed) < len(found):
            return None
        return listed[0] if len(listed) == 1 else listed

    def _references(self, items: list[Dataset], own: list[str]) -> Iterable[Dataset]:
        """References to what left too; one to the object itself would point from the result to the result."""
        for source in items:
            classes, instances = _strings(source, "ReferencedSOPClassUID"), _strings(source, "ReferencedSOPInstanceUID")
            if len(instances) != 1 or instances == own or not _is_defined(classes):
                continue
            if self._profile.is_released(instances[0]):
                item = Dataset()
                item.ReferencedSOPClassUID = classes[0]
                item.ReferencedSOPInstanceUID = outside_uid(self._uids, instances[0])
                yield item


_KEPT: Final[dict[Form, Callable[[list[str]], object]]] = {
    Form.UID: values.uid,
    Form.DATE: values.plain_date,
    Form.DATE_TIME: values.date_time,
    Form.TIME: values.time,
    Form.ZONE: values.zone,
    Form.NUMBER: values.number,
    Form.DECIMALS: values.decimals,
}


def _missing(step: Step, ds: Dataset, value: object) -> object:
    """What stands where nothing stays: by the Type, another value, an empty one, or no element."""
    rule = step.rule
    if rule.otherwise is not None:
        return rule.otherwise
    if rule.need is Need.VALUE:
        cause = Cause.UNSUPPORTED if rule.keyword == "SOPClassUID" else Cause.UNREADABLE
        raise Quarantined(cause, rule.keyword)
    if rule.need is Need.NOTHING or (rule.need is Need.EMPTY_WHERE_IT_WAS and step.tag not in ds):
        return None
    return Sequence() if step.vr == "SQ" else ""


def _say(clean: Dataset, done: set[Option]) -> None:
    """Which options let something stay (PS3.15 E.3)."""
    codes = sorted((OPTION_CODES[option] for option in done), key=lambda code: code.value)
    clean.DeidentificationMethodCodeSequence = Sequence([code.item() for code in codes])
    said = next((_FULL[option] for option in _FULL if option in done), "REMOVED")
    clean.LongitudinalTemporalInformationModified = said


def _codes(keyword: str, modifiers: str | None, ds: Dataset) -> Sequence:
    """Fresh code items with the table's own meaning; empty where no item is in the table."""
    items = []
    for source in items_in(ds, keyword):
        if (code := known_code(source)) is None:
            continue
        item = code.item()
        if modifiers and (inner := _codes(modifiers, None, source)):
            item[modifiers] = DataElement(Tag(modifiers), "SQ", inner)
        items.append(item)
    return Sequence(items)


def _is_defined(found: list[str]) -> bool:
    """Whether it is a UID that the standard itself defines: those have names."""
    return len(found) == 1 and UID(found[0]).name != found[0]


def _spelling(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _strings(ds: Dataset, keyword: str) -> list[str]:
    """The values as stripped text, whatever the sender's value representation; empty ones left out."""
    return _texts(value_in(ds, keyword))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [text] if (text := value.strip(" \0")) else []
    found = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [text for item in found if item is not None and (text := str(item).strip(" \0"))]

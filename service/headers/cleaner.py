"""Builds a clean header from nothing, element by element, as `service.headers.plan` says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from service.codes import OPTION_CODES, code_item, context_item, context_of, items_in, known_code, value_at
from service.confidentiality import Action, Need, Option
from service.errors import Quarantined
from service.headers import values
from service.headers.plan import Step, plan
from service.headers.reading import is_defined, spelling, strings, texts
from service.headers.table import Form
from service.states import Cause

_STANDARD_ROOT: Final = "1.2.840.10008."
_SOURCE_IMAGE: Final = "121322"  # CID 7202: source image for image processing operation
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
        self._uids = uids
        self._pseudonym = subject.pseudonym
        self._offset = timedelta(days=subject.date_offset_days)
        self._beyond_ascii = not all(text.isascii() for text in self._profile.texts)
        self._texts = {spelling(text): text for text in self._profile.texts}

    def clean(self, ds: Dataset) -> Dataset:
        """A new data set with only what the plan for its class lets stay, no pixels yet.

        Plain ASCII throughout, unless a text of the route needs more. It names the options that let something stay.
        Raises Quarantined (UNREADABLE) where a UID that every object has is missing, (UNSUPPORTED) for
        another SOP class.
        """
        elements: dict[BaseTag, DataElement | RawDataElement] = {}
        done, present = set[Option](), set(map(int, ds.keys()))
        for step in plan(self._profile.options, next(iter(strings(ds, "SOPClassUID")), "")):
            value = self._value(step, ds) if step.number in present or step.is_made else None
            if value and value != step.rule.otherwise:
                done |= step.options
            elif not value:
                value = _missing(step, step.number in present)
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
            return values.age(*(strings(ds, name) for name in ("PatientAge", "PatientBirthDate", "StudyDate")))
        if form is Form.TRACKING:
            return self._keyed(strings(ds, "TrackingUID"))
        if form is Form.CONTEXT:
            return Sequence([context_item(*pair) for pair in context_of(ds, self._profile.options)])
        if form in (Form.REFERENCES, Form.SOURCES):
            return Sequence(list(self._references(step, ds)))
        if form in (Form.CODES, Form.ITEMS):
            return Sequence(list(self._items(step, ds)))
        return self._text(step, texts(value_at(ds, step.tag)))

    def _text(self, step: Step, found: list[str]) -> object:
        form = step.rule.form
        if step.action is Action.UID:
            return found[0] if form is Form.FRAME and is_defined(found) else self._keyed(found)
        if step.action is Action.CLEAN and form in (Form.DATE, Form.DATE_TIME):
            return values.moved(found, self._offset)
        if step.action is Action.CLEAN and form in (Form.TIME, Form.ZONE):
            return None
        if form is Form.TERMS:
            return values.terms(found, step.rule.terms)
        if form is Form.TEXT:
            return self._listed(found, 16 if step.vr == "SH" else 64)
        if form is Form.MEASURES:
            return values.measures(found, is_whole=step.vr == "US")
        return _KEPT[form](found)

    def _keyed(self, found: list[str]) -> str | None:
        return outside_uid(self._uids, found[0]) if len(found) == 1 else None

    def _listed(self, found: list[str], most: int) -> list[str] | str | None:
        """The route's own spelling of each value, where it lists them all and they fit."""
        listed = [text for value in found if (text := self._texts.get(spelling(value))) and len(text) <= most]
        if not listed or len(listed) < len(found):
            return None
        return listed[0] if len(listed) == 1 else listed

    def _items(self, step: Step, ds: Dataset) -> Iterator[Dataset]:
        """Fresh items: codes with the table's own meaning, and around or without a code what the list names inside."""
        for source in items_in(ds, step.rule.keyword):
            code = known_code(source) if step.rule.form is Form.CODES else None
            if code is None and step.rule.form is Form.CODES:
                continue
            item = Dataset() if code is None else code.item()
            if self._fill(item, step, source):
                yield item

    def _fill(self, item: Dataset, step: Step, source: Dataset) -> bool:
        """Add what an item may hold; False where something that it needs is missing."""
        for inner in step.inside:
            value = self._value(inner, source) if inner.tag in source else None
            if not value and inner.rule.need is Need.VALUE:
                return False
            value = value or _missing(inner, inner.tag in source)
            if value is not None:
                item[inner.tag] = DataElement(inner.tag, inner.vr, value)
        return bool(len(item))

    def _references(self, step: Step, ds: Dataset) -> Iterator[Dataset]:
        """References to what left too; one to the object itself would point from the result to the result."""
        own, some = strings(ds, "SOPInstanceUID"), False
        for source in items_in(ds, step.rule.keyword):
            classes, instances = strings(source, "ReferencedSOPClassUID"), strings(source, "ReferencedSOPInstanceUID")
            if len(instances) != 1 or instances == own or not is_defined(classes):
                continue
            item = _reference(classes[0], outside_uid(self._uids, instances[0]))
            if self._profile.is_released(instances[0]) and self._fill(item, step, source):
                some = True
                yield item
        if step.rule.form is Form.SOURCES and not some and own:
            item = _reference(strings(ds, "SOPClassUID")[0], self._uids.uid(f"source {own[0]}"))
            item.PurposeOfReferenceCodeSequence = Sequence([code_item(_SOURCE_IMAGE)])
            yield item


def _reference(sop_class: str, instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
    return item


_KEPT: Final[dict[Form, Callable[[list[str]], object]]] = {
    Form.UID: values.uid,
    Form.DATE: values.plain_date,
    Form.DATE_TIME: values.date_time,
    Form.TIME: values.time,
    Form.ZONE: values.zone,
    Form.NUMBER: values.number,
    Form.DECIMALS: values.decimals,
}


def _missing(step: Step, was_there: bool) -> object:
    """What stands where nothing stays: by the Type, another value, an empty one, or no element."""
    rule = step.rule
    if rule.need in (Need.EMPTY_WHERE_IT_WAS, Need.VALUE_WHERE_IT_WAS) and not was_there:
        return None
    if rule.otherwise is not None:
        return rule.otherwise
    if rule.need is Need.VALUE:
        cause = Cause.UNSUPPORTED if rule.keyword == "SOPClassUID" else Cause.UNREADABLE
        raise Quarantined(cause, rule.keyword)
    if rule.need is Need.NOTHING:
        return None
    return Sequence() if step.vr == "SQ" else ""


def _say(clean: Dataset, done: set[Option]) -> None:
    """Which options let something stay (PS3.15 E.3)."""
    codes = sorted((OPTION_CODES[option] for option in done), key=lambda code: code.value)
    clean.DeidentificationMethodCodeSequence = Sequence([code.item() for code in codes])
    said = next((_FULL[option] for option in _FULL if option in done), "REMOVED")
    clean.LongitudinalTemporalInformationModified = said

"""Builds a clean header from nothing, element by element, as `service.headers.table` says."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Protocol

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from service.codes import context_item, context_of, items_in, known_code, value_in
from service.errors import Quarantined
from service.headers.table import RULES, Action, Rule
from service.states import Cause

_DATE: Final = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,5}", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_STANDARD_ROOT: Final = "1.2.840.10008."


class KeyedUids(Protocol):
    """What the cleaner needs of `service.pseudonyms.Pseudonyms`."""

    def uid(self, original: str) -> str: ...


class Subject(Protocol):
    """What the cleaner needs of `service.tables.Patient`."""

    @property
    def pseudonym(self) -> str: ...
    @property
    def date_offset_days(self) -> int: ...


def outside_uid(uids: KeyedUids, original: str) -> str:
    """The UID of an object, series or study outside.

    No instance is defined by the standard: under its root an identifier could pass for one of its UIDs.
    """
    return uids.uid(f"instance {original}" if original.startswith(_STANDARD_ROOT) else original)


class Cleaner:
    """Cleans the headers of one patient's photographs."""

    def __init__(self, uids: KeyedUids, subject: Subject) -> None:
        self._uids = uids
        self._pseudonym = subject.pseudonym
        self._offset = timedelta(days=subject.date_offset_days)
        self._do: dict[Action, Callable[[Rule, list[str]], object]] = {
            Action.UID: self._uid,
            Action.PSEUDONYM: lambda rule, values: self._pseudonym,
            Action.NAME: lambda rule, values: f"SUBJ^{self._pseudonym}",
            Action.EMPTY: lambda rule, values: "",
            Action.DATE: lambda rule, values: self._date(values) or "",
            Action.OPTIONAL_DATE: lambda rule, values: self._date(values),
            Action.TERMS: _terms,
            Action.NUMBER: lambda rule, values: values[0] if _all(_NUMBER, values[:1]) else "",
            Action.DECIMALS: lambda rule, values: values if _all(_DECIMAL, values) else None,
        }

    def clean(self, ds: Dataset) -> Dataset:
        """A new data set with only what the rules let stay, no pixels yet, plain ASCII throughout.

        Raises Quarantined (UNREADABLE) where a UID that every object has is missing, (UNSUPPORTED) for
        another SOP class.
        """
        clean = Dataset()
        for rule in RULES:
            value = self._value(rule, ds)
            if value is None and rule.stays_empty and rule.keyword in ds:
                value = ""
            if value is not None:
                setattr(clean, rule.keyword, value)
            elif rule.required:
                cause = Cause.UNSUPPORTED if rule.keyword == "SOPClassUID" else Cause.UNREADABLE
                raise Quarantined(cause, rule.keyword)
        return clean

    def _value(self, rule: Rule, ds: Dataset) -> object:
        if rule.action is Action.CONTEXT:
            return Sequence([context_item(*pair) for pair in context_of(ds)])
        if rule.action is Action.CODES:
            return _codes(rule, ds)
        return self._do[rule.action](rule, _strings(ds, rule.keyword))

    def _uid(self, rule: Rule, values: list[str]) -> str | None:
        if len(values) != 1:
            return None
        return outside_uid(self._uids, values[0])

    def _date(self, values: list[str]) -> str | None:
        match = _DATE.match(values[0]) if values else None
        try:
            moved = date(*(int(part) for part in match.groups())) + self._offset if match else None
        except (ValueError, OverflowError):
            return None
        return f"{moved:%Y%m%d}" if moved and moved.year >= 1000 else None


def _terms(rule: Rule, values: list[str]) -> list[str] | str | None:
    if values and rule.terms.issuperset(values):
        return values[0] if len(values) == 1 else values
    return rule.otherwise


def _codes(rule: Rule, ds: Dataset) -> Sequence | None:
    """Fresh code items with the table's own meaning; None where no item is in the table."""
    items = []
    for source in items_in(ds, rule.keyword):
        if (code := known_code(source)) is None:
            continue
        item = code.item()
        if rule.modifiers and (inner := _codes(Rule(rule.modifiers, Action.CODES), source)):
            setattr(item, rule.modifiers, inner)
        items.append(item)
    return Sequence(items) if items else None


def _strings(ds: Dataset, keyword: str) -> list[str]:
    """The values as stripped text, whatever the sender's value representation; empty ones left out."""
    value = value_in(ds, keyword)
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [text for item in values if item is not None and (text := str(item).strip(" \0"))]


def _all(pattern: re.Pattern[str], values: list[str]) -> bool:
    return bool(values) and all(pattern.fullmatch(value) for value in values)

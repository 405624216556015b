"""Whether a finished file claims exactly what was done to it (PS3.15 E.2, E.3; PS3.3 C.12.1.1.1)."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from pydicom.datadict import tag_for_keyword

from service.codes import OPTION_CODES
from service.confidentiality import Action, Option
from service.encoded import Element, sop_class_of, values_of
from service.headers import Form, Rule, rules_for

_METHODS: Final = tag_for_keyword("DeidentificationMethodCodeSequence")
_CODE_VALUE: Final = tag_for_keyword("CodeValue")
_OF_FLAGS: Final = {  # (attribute, value) that goes with a code
    "113101": ("BurnedInAnnotation", "NO"),
    "113102": ("RecognizableVisualFeatures", "NO"),
    "113106": ("LongitudinalTemporalInformationModified", "UNMODIFIED"),
    "113107": ("LongitudinalTemporalInformationModified", "MODIFIED"),
}
_KEYED: Final = "2.25."
_GONE: Final = frozenset({Action.REMOVE, Action.EMPTY, Action.DUMMY})
_TIMES: Final = frozenset({Form.TIME, Form.ZONE})


def problems_of_claims(elements: Iterable[Element]) -> Iterator[str]:
    """Method codes that nothing stands behind, and what stands there without its code; names, never values."""
    elements = [each for each in elements if each.vr not in ("OB", "OW")]
    rules = rules_for(sop_class_of(elements))
    claimed = {_text(each) for each in elements if each.path == (_METHODS,) and each.tag == _CODE_VALUE}
    flags = {each.tag: _text(each) for each in elements if not each.path}
    if "113100" not in claimed or flags.get(_tag("PatientIdentityRemoved")) != "YES":
        yield "the profile itself is not claimed"
    for code, (keyword, value) in _OF_FLAGS.items():
        if (code in claimed) != (flags.get(_tag(keyword)) == value):
            yield f"{keyword} and the method code {code} do not agree"
    options = frozenset(option for option, code in OPTION_CODES.items() if code.value in claimed)
    filled = _filled(elements, rules)
    yield from _unclaimed(rules, options, filled)
    yield from _empty(rules, options, filled)
    yield from (f"{rule.keyword}: a UID that is not keyed" for rule in rules if _is_foreign(rule, options, flags))
    if Option.MODIFIED_DATES in options:
        times = [rule for rule in rules if int(rule.tag) in filled and _is_time(rule, flags)]
        yield from (f"{rule.keyword}: a time of day beside moved dates" for rule in times)


def _filled(elements: Iterable[Element], rules: tuple[Rule, ...]) -> set[int]:
    """What has content at the top level; a value that stands for none is none."""
    nothing = {int(rule.tag): [rule.otherwise] for rule in rules}
    return {
        each.path[0] if each.path else each.tag
        for each in elements
        if each.path or (values_of(each) and values_of(each) != nothing.get(each.tag))
    }


def _unclaimed(rules: tuple[Rule, ...], options: frozenset[Option], filled: set[int]) -> Iterator[str]:
    for rule in rules:
        if rule.action(options) in _GONE and int(rule.tag) in filled and rule.form not in (Form.NAME, Form.PSEUDONYM):
            yield f"{rule.keyword}: kept without the method code of an option that lets it stay"


def _empty(rules: tuple[Rule, ...], options: frozenset[Option], filled: set[int]) -> Iterator[str]:
    for option in options:
        if not filled & _kept_under(rules, option):
            yield f"the method code {OPTION_CODES[option].value} is claimed and nothing was kept under it"


@cache
def _kept_under(rules: tuple[Rule, ...], option: Option) -> frozenset[int]:
    """What stands there because of this option and would not without it."""
    only = frozenset({option})
    return frozenset(int(r.tag) for r in rules if r.action(frozenset()) in _GONE and r.action(only) not in _GONE)


def _is_foreign(rule: Rule, options: frozenset[Option], flags: dict[int, str]) -> bool:
    value = flags.get(int(rule.tag), _KEYED)
    return rule.form is Form.UID and rule.action(options) is Action.UID and not value.startswith(_KEYED)


def _is_time(rule: Rule, flags: dict[int, str]) -> bool:
    value = flags.get(int(rule.tag), "")
    return bool(value) and (rule.form in _TIMES or (rule.form is Form.DATE_TIME and len(value) > 8))


def _tag(keyword: str) -> int:
    return tag_for_keyword(keyword) or 0


def _text(element: Element) -> str:
    return element.value.decode("utf-8", "replace").strip("\0 ")

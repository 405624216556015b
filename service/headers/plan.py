"""What is done to each attribute under the options of a route: the rules, in order, each with its one letter."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from pydicom.datadict import dictionary_VR
from pydicom.tag import BaseTag

from service.confidentiality import Action, Need, Option
from service.headers.classes import CLASSES, rules_for
from service.headers.table import Form, Rule

_MADE: Final = frozenset({Form.NAME, Form.PSEUDONYM})
_MADE_OF_OTHERS: Final = frozenset({Form.AGE, Form.TRACKING, Form.SOURCES})
_REBUILT: Final = frozenset({Form.FRAME, Form.REFERENCES, Form.SOURCES})
_DATES: Final = frozenset({Form.DATE, Form.DATE_TIME})


@dataclass(frozen=True)
class Step:
    """One rule with what is done; `options` are those that let a value stay."""

    rule: Rule
    action: Action
    options: frozenset[Option]
    tag: BaseTag
    vr: str
    inside: tuple["Step", ...] = ()

    @cached_property
    def number(self) -> int:
        return int(self.tag)

    @cached_property
    def is_made(self) -> bool:
        """Whether a value can stand there that the source does not have."""
        return self.rule.form in _MADE or self.rule.form in _MADE_OF_OTHERS

    def __str__(self) -> str:
        """For people: "moved by the patient's date offset, otherwise written without a value"."""
        if self.rule.form in _MADE:
            return self.rule.form.value
        done = self._done()
        other = self._otherwise()
        return f"{done}, otherwise {other}" if done and done != other else other

    def _done(self) -> str | None:
        form = self.rule.form
        if self.action in (Action.REMOVE, Action.EMPTY, Action.DUMMY) or form is Form.NOTHING:
            return None
        if self.action is Action.UID:
            return form.value if form in _REBUILT else Form.UID.value
        if self.action is Action.CLEAN and form in _DATES:
            return "moved by the patient's date offset, a time of day cut off"
        if self.action is Action.CLEAN and form in (Form.TIME, Form.ZONE):
            return None
        return "kept where it is a UID" if form is Form.UID else form.value

    def _otherwise(self) -> str:
        if self.rule.need is Need.VALUE_WHERE_IT_WAS:
            return f"{self.rule.otherwise} where the source has it"
        if self.rule.otherwise is not None:
            return self.rule.otherwise
        return {
            Need.VALUE: "no object is made",
            Need.EMPTY_OR_VALUE: "written without a value",
            Need.EMPTY_WHERE_IT_WAS: "written without a value where the source has it",
            Need.NOTHING: "removed",
        }[self.rule.need]


@cache
def _plan(options: frozenset[Option], sop_class: str) -> tuple[Step, ...]:
    return make_plan(rules_for(sop_class), options)


def plan(options: frozenset[Option], sop_class: str = "") -> tuple[Step, ...]:
    """The steps for these options and objects of a class; without one, those for what all classes share."""
    return _plan(options, sop_class if sop_class in CLASSES else "")


def verbatim(options: frozenset[Option]) -> frozenset[str]:
    """Keywords whose values stay as the sender wrote them: dates, times and device UIDs that an option keeps."""
    forms = (Form.DATE, Form.DATE_TIME, Form.TIME, Form.ZONE, Form.UID)
    steps = (step for sop_class in ("", *CLASSES) for step in plan(options, sop_class))
    return frozenset(s.rule.keyword for s in steps if s.action is Action.KEEP and s.rule.form in forms)


def make_plan(rules: tuple[Rule, ...], options: frozenset[Option]) -> tuple[Step, ...]:
    return tuple(
        Step(
            rule,
            rule.action(options),
            _because(rule, options),
            rule.tag,
            dictionary_VR(rule.tag),
            make_plan(rule.inside, options),
        )
        for rule in rules
    )


def _because(rule: Rule, options: frozenset[Option]) -> frozenset[Option]:
    """The options without which nothing of it would stay."""
    named = frozenset(rule.row.options) if rule.row else frozenset()
    return options & (named | ({rule.only} if rule.only else set()))

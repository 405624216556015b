"""Cleaned headers (PS3.15 E): only what a list names stays, everything else is gone.

    clean = Cleaner(pseudonyms, patient, profile).clean(ds)      # a new Dataset; `ds` is untouched
    rules(options)                                               # (keyword, what is done to it), in order
    changes(ds, clean)                                           # what became of each attribute, by name

Private elements, overlays, curves, group lengths, unknown sequences, free text and whatever lies inside them
never enter the new data set, so no step has to find and remove them. What is done to an element of the list is
what the standard's own table says under the options of the route. Codes are rebuilt from the gateway's own table
and texts from the route's own list, so that no sender's text comes along.
"""

from service.confidentiality import Option
from service.headers.changes import changes
from service.headers.classes import CLASSES, NO_DATE, NO_TEXT, NO_TIME, rules_for
from service.headers.cleaner import USUAL, Cleaner, KeyedUids, Profile, Subject, outside_uid
from service.headers.plan import plan, verbatim
from service.headers.table import RULES, Form, Rule

__all__ = [
    "CLASSES",
    "NO_DATE",
    "NO_TEXT",
    "NO_TIME",
    "RULES",
    "USUAL",
    "Cleaner",
    "Form",
    "KeyedUids",
    "Profile",
    "Rule",
    "Subject",
    "changes",
    "outside_uid",
    "rules",
    "rules_for",
    "verbatim",
]


def rules(options: frozenset[Option] = USUAL.options) -> list[tuple[str, str]]:
    """What stays and what is done to it, for people; whatever is not named is removed.

    What all classes share comes first, then what single ones have of their own.
    """
    shared = {step.rule.keyword: str(step) for step in plan(options)}
    own = {step.rule.keyword: str(step) for sop_class in CLASSES for step in plan(options, sop_class)}
    return [*shared.items(), *((word, text) for word, text in own.items() if word not in shared)]

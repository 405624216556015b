"""Cleaned headers (PS3.15 E): only what a list names stays, everything else is gone.

    clean = Cleaner(pseudonyms, patient).clean(ds)      # a new Dataset; `ds` is untouched
    rules()                                             # (keyword, what is done to it), in order
    changes(ds, clean)                                  # what became of each attribute, by name

Private elements, overlays, curves, group lengths, unknown sequences, free text and whatever lies inside them
never enter the new data set, so no step has to find and remove them. The codes of the view are rebuilt from
the gateway's own table. The table is data: an engine for the standard's full table takes the same shape.
"""

from service.headers.changes import changes
from service.headers.cleaner import Cleaner, KeyedUids, Subject, outside_uid
from service.headers.table import RULES, Action, Rule

__all__ = ["Action", "Cleaner", "KeyedUids", "Rule", "Subject", "changes", "outside_uid", "rules"]


def rules() -> list[tuple[str, str]]:
    """What stays and what is done to it, for people; whatever is not named is removed."""
    return [(rule.keyword, rule.action.value) for rule in RULES]

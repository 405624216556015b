"""What became of a source's header, by attribute: names only, never a value."""

from typing import Any, Final

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence

from service.codes import value_in

_MOST_NAMES: Final = 2400  # characters of names of what was removed; the rest is counted


def changes(source: Dataset, clean: Dataset) -> dict[str, Any]:
    """Keywords of the source's top level that were kept, replaced, emptied or removed, and those that were added.

    Sequences count as replaced, because their items are rebuilt. Private elements and those that the standard does not
    know are counts; so are removed ones beyond what a report should hold (`more`).
    """
    found: dict[str, list[str]] = {name: [] for name in ("kept", "replaced", "emptied", "removed", "added")}
    private = unknown = 0
    for tag in list(source.keys()):  # iterating itself would parse every value
        keyword = keyword_for_tag(tag)
        if tag.is_private:
            private += 1
        elif not keyword:
            unknown += 1
        else:
            became = _became(keyword, source, clean) if tag in clean else "removed"
            found[became].append(keyword)
    found["added"] = [word for tag in list(clean.keys()) if tag not in source and (word := keyword_for_tag(tag))]
    found["removed"], more = _shortened(found["removed"])
    counts = {"private": private, "unknown": unknown, "more": more}
    return {name: value for name, value in (found | counts).items() if value}


def _became(keyword: str, source: Dataset, clean: Dataset) -> str:
    if keyword == "PixelData":
        return "replaced"
    before, after = value_in(source, keyword), value_in(clean, keyword)
    if isinstance(after, Sequence):
        return "replaced"
    if _text(before) == _text(after):
        return "kept"
    return "replaced" if _text(after) else "emptied"


def _text(value: object) -> str:
    return "" if value is None else str(value).strip(" \0")


def _shortened(keywords: list[str]) -> tuple[list[str], int]:
    total = 0
    for number, keyword in enumerate(keywords):
        total += len(keyword) + 4
        if total > _MOST_NAMES:
            return keywords[:number], len(keywords) - number
    return keywords, 0

"""Values of a source as stripped texts, whatever the sender's value representation."""

import unicodedata

from pydicom import Dataset
from pydicom.multival import MultiValue

from service.codes import is_of_the_standard, value_in


def strings(ds: Dataset, keyword: str) -> list[str]:
    """The values of an element; empty ones left out."""
    return texts(value_in(ds, keyword))


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [text] if (text := value.strip(" \0")) else []
    found = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [text for item in found if item is not None and (text := str(item).strip(" \0"))]


def is_defined(found: list[str]) -> bool:
    """Whether it is one UID that the standard itself defines."""
    return len(found) == 1 and is_of_the_standard(found[0])


def spelling(text: str) -> str:
    """What two spellings of the same text have in common."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())

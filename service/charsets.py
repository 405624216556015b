"""Text of senders whose character set is declared, not declared, or declared wrongly (PS3.5 6.1).

Nothing here raises, and nothing that a sender wrote is copied: readings serve to recognise a text, never to write it.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from pydicom import Dataset, charset
from pydicom.dataelem import RawDataElement

_LIKELY: Final = ("utf-8", "cp1252", "gb18030", "shift_jis", "euc_kr", "iso8859_5", "koi8_r", "iso8859_2", "cp1250")
_TWO_BYTES: Final = frozenset({"gb18030", "gbk", "gb2312", "shift_jis", "euc_kr"})
_MOST: Final = 4096  # bytes of one value that are read in every likely set


def readings(raw: bytes, declared: Iterable[str] = ()) -> tuple[str, ...]:
    """What the bytes of one value may say, the likeliest first; plain ASCII has one reading.

    Bytes that are valid UTF-8 are read as such where nothing or a set of one-byte characters was declared: their
    letters make it by accident hardly ever. Sets of two-byte characters do, so these are believed.
    """
    raw = raw.strip(b"\0 ")
    if raw.isascii() and b"\x1b" not in raw:
        return (raw.decode("ascii"),)
    names = encodings(declared)
    found = [_decode(raw, "utf-8"), _decode_declared(raw, names)]
    if any(name.lower() in _TWO_BYTES for name in names):
        found.reverse()
    found += [*_escaped(raw), *(_decode(raw[:_MOST], name) for name in _LIKELY)]
    return tuple(dict.fromkeys(text for text in (*found, raw.decode("latin-1")) if text))


def best_reading(raw: bytes, declared: Iterable[str] = ()) -> str:
    """The likeliest of the readings, in the composed form."""
    return unicodedata.normalize("NFC", readings(raw, declared)[0])


def text_beyond_ascii(ds: Dataset, keyword: str) -> str | None:
    """An element that nobody has parsed yet, as its bytes say; None where they are plain ASCII or not to be had."""
    element = ds.get_item(keyword)
    value = element.value if isinstance(element, RawDataElement) else None
    if not isinstance(value, bytes) or (value.isascii() and b"\x1b" not in value):
        return None
    declared = ds.get("SpecificCharacterSet") or []
    return best_reading(value, [declared] if isinstance(declared, str) else [str(part) for part in declared])


def encodings(declared: Iterable[str]) -> list[str]:
    """The codecs for the values of Specific Character Set; those that nobody knows are left out."""
    return list(_codecs(tuple(declared)))


@lru_cache(maxsize=64)
def _codecs(declared: tuple[str, ...]) -> tuple[str, ...]:
    names = []
    for value in declared:
        name = charset.python_encoding.get(value.strip().upper().replace("ISO IR", "ISO_IR"))
        if name is not None:
            names.append(name)
    return tuple(names)


def _decode_declared(raw: bytes, names: list[str]) -> str | None:
    if not names:
        return None
    if len(names) == 1 and b"\x1b" not in raw:
        return _decode(raw, names[0])
    try:
        return str(charset.decode_bytes(raw, names, set()))
    except Exception:  # escape sequences that do not fit what was declared
        return None


def _escaped(raw: bytes) -> list[str | None]:
    """ISO 2022 with its escape sequences, declared or not."""
    if b"\x1b" not in raw:
        return []
    return [_decode(raw, name) for name in ("iso2022_jp_2", "iso2022_kr")]


def _decode(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None

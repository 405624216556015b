"""A data set that this gateway built, as bytes in Explicit VR Little Endian (PS3.5 7.1): what pydicom writes, sooner.

    data = encode(ds)        # byte for byte what `pydicom.dcmwrite` makes of it

It knows the values that occur in cleaned objects and raises UnknownValue for any other, so that pydicom can write it.
"""

import struct
from collections.abc import Iterable
from typing import Any, Final

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue

_LONG_LENGTH: Final = frozenset(["OB", "OW", "SQ", "UC", "UN", "UR", "UT"])
_TEXT: Final = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_UNDEFINED: Final = 0xFFFFFFFF
_SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"
_SHORT, _LONG, _ITEM = struct.Struct("<HH2sH"), struct.Struct("<HH2sHI"), struct.Struct("<HHI")


class UnknownValue(TypeError):
    """Something that does not occur in cleaned objects; the message names a value representation."""


def encode(ds: Dataset) -> bytes:
    """The elements in the order of their tags."""
    return b"".join(_elements(ds, "utf-8" if ds.get("SpecificCharacterSet") == "ISO_IR 192" else "ascii"))


def _elements(ds: Dataset, charset: str) -> Iterable[bytes]:
    for tag in sorted(ds.keys()):
        if tag & 0xFFFF == 0:
            raise UnknownValue("a group length")
        element = ds.get_item(tag)
        if isinstance(element, RawDataElement):
            element = ds[tag]
        yield _element(element, charset)


def _element(element: DataElement, charset: str) -> bytes:
    tag, vr = element.tag, element.VR
    value = _value(vr, element.value, charset)
    head = vr.encode("ascii")
    if element.is_undefined_length and vr == "OB":
        return _LONG.pack(tag >> 16, tag & 0xFFFF, head, 0, _UNDEFINED) + value + _SEQUENCE_END
    if vr in _LONG_LENGTH:
        return _LONG.pack(tag >> 16, tag & 0xFFFF, head, 0, len(value)) + value
    if len(value) > 0xFFFF:
        raise UnknownValue(vr)
    return _SHORT.pack(tag >> 16, tag & 0xFFFF, head, len(value)) + value


def _value(vr: str, value: Any, charset: str) -> bytes:
    if vr == "SQ":
        return b"".join(_item(item, charset) for item in value or ())
    if vr in ("OB", "OW", "UN") and isinstance(value, bytes):
        return value + b"\0" * (len(value) % 2)
    if vr in _TEXT:
        return _text(vr, value, charset)
    if vr in _NUMBERS or vr == "AT":
        numbers = value if isinstance(value, (MultiValue, list)) else [] if value in (None, "") else [value]
        if vr == "AT":
            return b"".join(struct.pack("<HH", int(each) >> 16, int(each) & 0xFFFF) for each in numbers)
        return struct.pack(f"<{len(numbers)}{_NUMBERS[vr]}", *numbers)
    raise UnknownValue(vr)


def _item(item: Dataset, charset: str) -> bytes:
    if item.get_item("SpecificCharacterSet") is not None:
        raise UnknownValue("SQ")
    content = b"".join(_elements(item, charset))
    return _ITEM.pack(0xFFFE, 0xE000, len(content)) + content


def _number(value: Any) -> str:
    """A decimal or integer string as it was written."""
    return str(getattr(value, "original_string", None) or value)


def _text(vr: str, value: Any, charset: str) -> bytes:
    values = value if isinstance(value, (MultiValue, list)) else [] if value is None else [value]
    try:
        data = "\\".join(_number(each) if vr in ("DS", "IS") else str(each) for each in values).encode(charset)
    except (TypeError, UnicodeEncodeError) as error:
        raise UnknownValue(vr) from error
    return data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2)

"""Encapsulated pixel data taken apart into frames (PS3.5 A.4), where offset tables and fragments must agree."""

from typing import Final

from pydicom import Dataset

from service.codes import value_in
from service.errors import Quarantined
from service.states import Cause

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MOST_FRAGMENTS: Final = 100_000
_STARTS: Final = (b"\xff\xd8", b"\xff\x4f")  # of a JPEG or JPEG-LS, and of a JPEG 2000 codestream


def split_frames(ds: Dataset, count: int) -> list[bytes]:
    """The `count` compressed frames, their fragments joined.

    A frame boundary is believed where an offset table names the start of a fragment, where there is one fragment for
    each frame, or where fragments start as codestreams do and as many of them as there are frames. Whatever
    contradicts itself is not guessed at: raises Quarantined (UNDECODABLE_PIXELS).
    """
    table, fragments, starts = _parse(ds.PixelData)
    table = _extended(ds) or table
    if count == 1 and len(table) <= 1:
        return [_joined(fragments)]
    if table:
        firsts = [starts[offset] for offset in table if offset in starts]
        firsts = firsts if len(firsts) == len(table) == count else []
    elif len(fragments) == count:
        firsts = list(range(count))
    else:
        firsts = [number for number, part in enumerate(fragments) if part.startswith(_STARTS)]
    if len(firsts) != count or firsts[0] != 0 or firsts != sorted(set(firsts)):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "frames, fragments and offset table contradict each other")
    return [_joined(fragments[a:b]) for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True)]


def _parse(data: bytes) -> tuple[list[int], list[bytes], dict[int, int]]:
    """The Basic Offset Table, the fragments, and the number of each fragment by its offset."""
    items: list[bytes] = []
    offsets: list[int] = []
    at = 0
    while at < len(data) and data[at : at + 4] != _END:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] != _ITEM or at + 8 + size > len(data) or len(items) > _MOST_FRAGMENTS:
            raise Quarantined(Cause.UNDECODABLE_PIXELS, "the fragments are not well-formed")
        items.append(data[at + 8 : at + 8 + size])
        offsets.append(at)
        at += 8 + size
    if len(items) < 2:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no fragments")
    starts = {offset - offsets[1]: number for number, offset in enumerate(offsets[1:])}
    return _numbers(items[0], 4), items[1:], starts


def _extended(ds: Dataset) -> list[int]:
    value = value_in(ds, "ExtendedOffsetTable")
    return _numbers(value, 8) if isinstance(value, bytes) else []


def _numbers(table: bytes, size: int) -> list[int]:
    if len(table) % size or len(table) // size > _MOST_FRAGMENTS:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "the offset table is not well-formed")
    return [int.from_bytes(table[at : at + size], "little") for at in range(0, len(table), size)]


def _joined(fragments: list[bytes]) -> bytes:
    frame = b"".join(fragments)
    if not frame:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "an empty frame")
    return frame

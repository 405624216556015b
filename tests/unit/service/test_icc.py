"""Colour profiles: the right colours in, the right colours out, and nothing else of what was in them."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.icc import (
    ADOBE_RGB,
    DISPLAY_P3,
    KNOWN,
    ROMM_RGB,
    SRGB,
    Curve,
    Space,
    Steps,
    Unfit,
    is_readable,
    problems,
    read_space,
    to_srgb,
    written,
)
from tests.support import colours
from tests.support.colours import CANARY, SPACES, assembled, curve, embedded, every_colour, seen, tables, text, xyz

D50 = (0.9642, 1.0, 0.8249)
EMBEDDED = [
    (space, kind)
    for space, (_, numbers) in SPACES.items()
    for kind in ("table", "gamma", "formula")
    if kind != "gamma" or len(numbers) == 1
]
NAMED = {"srgb": SRGB, "adobe": ADOBE_RGB, "p3": DISPLAY_P3, "romm": ROMM_RGB}


@pytest.mark.parametrize(("space", "kind"), EMBEDDED)
def test_a_profile_written_anew_shows_the_same_colours(space: str, kind: str) -> None:
    """Whatever version and kind of curve, no colour of any picture differs by more than anybody can see."""
    source, picture = embedded(space, kind), every_colour()
    again = written(read_space(source))

    away = np.abs(seen(picture, source).astype(int) - seen(picture, again))
    assert away.max() <= 2 and away.mean() < 0.3
    if space != "srgb":
        assert np.abs(seen(picture, source).astype(int) - picture).max() > 40  # which is what leaving it out would do


@pytest.mark.parametrize(("space", "kind"), EMBEDDED)
def test_nothing_of_a_source_is_in_what_is_written(space: str, kind: str) -> None:
    """No name, serial, date or private tag stays; a known space gives the same bytes whoever wrote it."""
    source = embedded(space, kind)
    found = read_space(source)
    again = written(found)

    assert CANARY in source and problems(source)
    assert problems(again) == []
    assert not any(part in again for part in (CANARY, b"QAN", b"40711", "QANARY".encode("utf-16-be"), source[24:36]))
    assert space not in NAMED or again == written(NAMED[space])
    assert read_space(again) == found
    assert again[12:24] == b"scnrRGB XYZ "  # PS3.3 C.11.15.1.1


@pytest.mark.parametrize("space", KNOWN, ids=lambda space: space.name)
def test_a_known_space_is_what_its_name_says(space: Space) -> None:
    """White is white, black is black, and littleCMS finds primaries where the definition has them."""
    assert np.allclose(np.sum(space.primaries, axis=0), D50, atol=0.001)
    picture = np.array([[[255, 255, 255], [0, 0, 0], [119, 119, 119]]], np.uint8)
    shown = seen(picture, written(space))[0].astype(int)
    assert shown[0].min() >= 254 and shown[1].max() <= 1
    assert np.ptp(shown[2]) <= 1


def test_a_curve_without_a_formula_becomes_steps() -> None:
    """A curve that somebody measured is written in tenths of lightness, and shows the same tones."""
    codes = np.linspace(0, 1, 777)
    bumpy = np.clip(codes**2.2 + 0.03 * np.sin(6 * codes) * codes, 0, 1)
    source = _with_curves(struct.pack(">4sII", b"curv", 0, 777) + np.rint(bumpy * 65535).astype(">u2").tobytes())

    found = read_space(source)

    assert all(isinstance(each, Steps) for each in found.curves)
    assert problems(written(found)) == [] and read_space(written(found)) == found
    away = np.abs(seen(every_colour(), source).astype(int) - seen(every_colour(), written(found)))
    assert away.max() <= 2 and away.mean() < 0.3


def _with_curves(body: bytes, **more: bytes) -> bytes:
    red, green, blue = (SPACES["adobe"][0][at : at + 3] for at in (0, 3, 6))
    tags = {b"rXYZ": xyz(*red), b"gXYZ": xyz(*green), b"bXYZ": xyz(*blue)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), body) | {name.encode(): tag for name, tag in more.items()}
    return assembled(list(tags.items()))


@pytest.mark.parametrize(
    ("numbers", "gamma"), [((2.2, 1, 0), 1), ((2.2, 1, 0, 0), 2), ((2.2, 1, 0, 1, 0, 0, 0), 4), ((2.2,), 0)]
)
def test_each_type_of_formula_is_understood(numbers: tuple[float, ...], gamma: int) -> None:
    """The five function types of version 4 come out as the curve that they describe."""
    body = struct.pack(">4sIHH", b"para", 0, gamma, 0)
    body += struct.pack(f">{len(numbers)}i", *(round(each * 65536) for each in numbers))
    codes = np.arange(256) / 255
    assert np.allclose(read_space(_with_curves(body)).curves[0].of(codes), codes**2.2, atol=0.002)


FALLING = struct.pack(">4sII", b"curv", 0, 256) + (65535 - 257 * np.arange(256)).astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (b"", "damaged"),
        (b"no profile at all", "damaged"),
        (tables(), "made of tables"),
        (_with_curves(curve((1.8,), "gamma"), A2B0=bytes(40)), "made of tables"),
        (_with_curves(FALLING), "made of tables"),
        (_with_curves(text(b"curve")), "made of tables"),
        (_with_curves(struct.pack(">4sII", b"curv", 0, 1 << 31)), "damaged"),
        (_with_curves(struct.pack(">4sIHH", b"para", 0, 9, 0)), "damaged"),
        (_with_curves(curve((1.8,), "gamma"), rXYZ=xyz(9, 9, 9)), "damaged"),
        (_with_curves(curve((1.8,), "gamma"), rXYZ=text(b"red")), "damaged"),
        (assembled([(b"kTRC", curve((1.8,), "gamma"))], colours=b"GRAY"), "not about RGB"),
        (assembled([], colours=b"CMYK"), "not about RGB"),
        (assembled([]), "damaged"),
    ],
)
def test_what_cannot_be_written_anew_says_why(profile: bytes, reason: str) -> None:
    """Tables, other colours than RGB and damage are refused by one word, without a word of the profile."""
    with pytest.raises(Unfit) as refused:
        read_space(profile)
    assert str(refused.value) == reason


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_profile_never_does_more_than_be_refused(data: st.DataObject) -> None:
    """Whatever bytes are cut off or changed, it is read as numbers or refused, and what is written is ours alone."""
    profile = bytearray(embedded(data.draw(st.sampled_from(sorted(SPACES))), "table", 64))
    for _ in range(data.draw(st.integers(1, 6))):
        profile[data.draw(st.integers(0, len(profile) - 1))] = data.draw(st.integers(0, 255))
    try:
        space = read_space(
            bytes(profile[: data.draw(st.integers(0, len(profile)))] if data.draw(st.booleans()) else profile)
        )
    except Unfit:
        return
    assert problems(written(space)) == []


curves_ = st.one_of(
    st.sampled_from([each for space in KNOWN for each in space.curves]),
    st.floats(1.0, 3.0).map(lambda gamma: Curve(round(gamma, 4))),
    st.lists(st.integers(0, 1000), min_size=256, max_size=256).map(lambda tenths: Steps(tuple(sorted(tenths)))),
)


@settings(max_examples=100, deadline=None)
@given(st.tuples(curves_, curves_, curves_), st.floats(0.3, 0.5), st.floats(0.05, 0.2))
def test_what_is_written_is_read_again(curves: tuple[Curve, Curve, Curve], red: float, blue: float) -> None:
    """The numbers of a space that nobody knows go through a profile and back, and the check has nothing against it."""
    space = Space(
        "RGB",
        (
            (round(red, 4), round(red / 2, 4), 0.01),
            (round(D50[0] - round(red, 4) - round(blue, 4), 4), round(1 - round(red / 2, 4) - 0.06, 4), 0.1149),
            (round(blue, 4), 0.06, 0.7),
        ),
        curves,
    )
    again = read_space(written(space))
    assert problems(written(space)) == []
    assert again.is_like(space) or again.primaries == space.primaries
    assert written(read_space(written(again))) == written(again)


STEPPED = Space("RGB", SRGB.primaries, (Steps(tuple(range(0, 1024, 4))[:250] + (1000,) * 6),) * 3)


@pytest.mark.parametrize("space", [SRGB, STEPPED], ids=["formula", "steps"])
def test_no_byte_but_those_of_numbers_can_change_unseen(space: Space) -> None:
    """Every byte of header, list of tags, texts and padding has one value; only coordinates and curves have others."""
    profile = written(space)
    unseen = {
        at
        for at in range(len(profile))
        for bit in (1, 32)
        if not problems(profile[:at] + bytes([profile[at] ^ bit]) + profile[at + 1 :])
    }
    entries = [profile[at : at + 12] for at in range(132, 132 + 120, 12)]
    where = {entry[:4]: struct.unpack(">II", entry[4:]) for entry in entries}
    numbers: set[int] = set()
    for name, (start, size) in where.items():
        if name not in (b"desc", b"cprt"):
            numbers |= set(range(start + (12 if name.endswith(b"TRC") else 8), start + size))
    assert unseen <= numbers
    if isinstance(space.curves[0], Steps):
        assert len(unseen & set(range(where[b"rTRC"][0], where[b"rTRC"][0] + 524))) < 60


OURS = written(SRGB)
SWAPS = {  # what is put in the place of what, and what that is called
    "header": (b"\x07\xd0\0\1\0\1", b"\x07\xea\0\3\0\1", "a header that is not ours"),
    "reserved": (OURS[96:128], b"Anna".ljust(32, b"\0"), "a header that is not ours"),
    "name": ("sRGB".encode("utf-16-be"), "Anna".encode("utf-16-be"), "a text that is not ours"),
    "tag": (b"cprt", b"Anna", "other tags than ours"),
    "formula": (b"para\0\0\0\0\0\3\0\0", b"para\0\0\0\0\0\3An", "numbers that are none of a colour space"),
    "number": (b"XYZ \0\0\0\0\0\0", b"XYZ \0\0\0\0An", "numbers that are none of a colour space"),
}


@pytest.mark.parametrize("what", SWAPS)
def test_what_else_stands_in_a_profile_is_found(what: str) -> None:
    """Texts, dates, tags and numbers that are none are named, not shown."""
    before, after, problem = SWAPS[what]
    assert before in OURS and len(before) == len(after)
    found = problems(OURS.replace(before, after))
    assert problem in found
    assert "Anna" not in " ".join(found)


def test_bytes_beside_the_tags_are_found() -> None:
    """What hangs on behind, with or without a size that says so, and what is cut off."""
    assert problems(OURS + b"Anna") == ["a wrong size"]
    assert problems((len(OURS) + 4).to_bytes(4, "big") + OURS[4:] + b"Anna") == ["bytes that belong to no tag"]
    assert problems(OURS[:60]) == problems((60).to_bytes(4, "big") + OURS[4:60]) == ["a wrong size"]
    assert problems(b"") == ["cut off"]


def test_colours_of_tables_can_be_converted() -> None:
    """A profile that is not understood still gives right colours; one that nobody can read gives none."""
    picture = every_colour()
    converted = to_srgb(picture, tables())
    assert converted is not None
    assert np.abs(converted.astype(int) - seen(picture, embedded("adobe"))).max() <= 4
    assert np.abs(converted.astype(int) - picture).max() > 40
    assert is_readable(tables()) and not is_readable(b"no profile")
    assert to_srgb(picture, b"no profile") is None
    assert to_srgb(picture, bytes((4 << 20) + 1)) is None
    assert to_srgb(picture, assembled([(b"kTRC", curve((1.8,), "gamma"))], colours=b"GRAY")) is None


def test_profiles_are_small() -> None:
    """A profile adds half a kilobyte to a photograph, one with measured curves two."""
    assert max(len(written(space)) for space in KNOWN) < 640
    assert len(written(read_space(embedded("camera")))) <= 2048
    assert colours.CANARY not in written(read_space(embedded("camera")))

"""Colour profiles as cameras, phones and editors embed them, with names, serials and dates planted in every text.

profile = embedded("adobe", kind="table")     # of version 2 with curves as tables; "gamma" and "formula" are others
tables()                                      # one made of tables alone
seen(rgb, profile)                            # what a colour-managed viewer shows of it, by littleCMS, as sRGB
"""

import struct
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

CANARY = b"QANARY"
Pixels = NDArray[np.uint8]

# Primaries adapted to D50, and the curve: a power, or the five numbers of ICC.1's function type 3
SPACES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "srgb": (
        (0.4361, 0.2225, 0.0139, 0.3851, 0.7169, 0.0971, 0.1431, 0.0606, 0.7139),
        (2.4, 0.947867, 0.052133, 0.077399, 0.04045),
    ),
    "adobe": ((0.6097, 0.3111, 0.0195, 0.2053, 0.6257, 0.0609, 0.1492, 0.0632, 0.7445), (2.19921875,)),
    "p3": (
        (0.5151, 0.2412, -0.0011, 0.2920, 0.6922, 0.0419, 0.1571, 0.0666, 0.7841),
        (2.4, 0.947867, 0.052133, 0.077399, 0.04045),
    ),
    "romm": ((0.7977, 0.2880, 0.0, 0.1352, 0.7119, 0.0, 0.0313, 0.0001, 0.8249), (1.8,)),
    "apple": ((0.4755, 0.2552, 0.0184, 0.3397, 0.6726, 0.1133, 0.1490, 0.0722, 0.6932), (1.8,)),
    "eci": (
        (0.6503, 0.3203, 0.0, 0.1780, 0.6021, 0.0678, 0.1359, 0.0776, 0.7571),
        (3.0, 0.862069, 0.137931, 0.110705, 0.08),
    ),
    "camera": (
        (0.5601, 0.2702, 0.0211, 0.2633, 0.6693, 0.0752, 0.1408, 0.0605, 0.7286),
        (1.95, 0.92, 0.08, 0.21, 0.03),
    ),
}


def embedded(space: str, kind: str = "table", size: int = 1024) -> bytes:
    """`kind`: "table" for curves of `size` entries, "gamma" for a power, "formula" for what ICC.1 version 4 has."""
    primaries, numbers = SPACES[space]
    names = (b"desc", b"cprt", b"dmnd", b"dmdd", b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"Priv")
    said = [b"desc" + bytes(4) + struct.pack(">I", 40) + b"profile of QANARY".ljust(40, b"\0") + bytes(79)]
    said += [text(name) for name in (b"(c) QANARY 2026", b"Dr. QANARY", b"camera SN 40711 QANARY")]
    colours = [xyz(0.9505, 1, 1.089), *(xyz(*primaries[at : at + 3]) for at in (0, 3, 6))]
    bodies = [*said, *colours, *[curve(numbers, kind, size)] * 3, b"data" + bytes(4) + CANARY * 9]
    return assembled(list(zip(names, bodies, strict=True)), version=4 if kind == "formula" else 2)


def text(content: bytes) -> bytes:
    return b"text" + bytes(4) + content + b"\0"


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(numbers: tuple[float, ...], kind: str, size: int = 1024) -> bytes:
    if kind == "formula":
        head = struct.pack(">4sIHH", b"para", 0, 0 if len(numbers) == 1 else 3, 0)
        return head + struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
    if kind == "gamma":
        return struct.pack(">4sIIH", b"curv", 0, 1, round(numbers[0] * 256))
    table = np.rint(65535 * light(np.linspace(0, 1, size), numbers)).astype(">u2")
    return struct.pack(">4sII", b"curv", 0, size) + table.tobytes()


def light(codes: NDArray[np.float64], numbers: tuple[float, ...]) -> NDArray[np.float64]:
    gamma, a, b, c, d = numbers if len(numbers) == 5 else (numbers[0], 1, 0, 0, 0)
    return np.clip(np.where(codes >= d, np.maximum(a * codes + b, 0) ** gamma, c * codes), 0, 1)


def assembled(tags: list[tuple[bytes, bytes]], version: int = 2, colours: bytes = b"RGB ") -> bytes:
    """A profile of a screen, written last December by somebody's computer."""
    at, entries, bodies = 132 + 12 * len(tags), b"", b""
    for name, body in tags:
        entries += struct.pack(">4sII", name, at, len(body))
        bodies += body + bytes(-len(body) % 4)
        at = 132 + 12 * len(tags) + len(bodies)
    header = struct.pack(
        ">I4sI4s4s4s6H", at, b"QAN1", version << 24, b"mntr", colours, b"XYZ ", 2025, 12, 24, 10, 11, 12
    )
    header += b"acsp" + b"QAN2" + bytes(4) + b"QAN3" + b"4071" + bytes(12)
    header += struct.pack(">3i", 63190, 65536, 54061) + b"QAN4" + CANARY.ljust(44, b"\0")
    return header + struct.pack(">I", len(tags)) + entries + bodies


def tables() -> bytes:
    """Adobe RGB by a table between device and connection space (ICC.1 10.10), as scanners have it."""
    primaries, numbers = SPACES["adobe"]
    corners = [
        [sum(primaries[3 * channel + axis] for channel in range(3) if corner >> (2 - channel) & 1) for axis in range(3)]
        for corner in range(8)
    ]
    table = struct.pack(">4sI4B9i2H", b"mft2", 0, 3, 3, 2, 0, *(65536 * (at in (0, 4, 8)) for at in range(9)), 1024, 2)
    table += np.tile(np.rint(65535 * light(np.linspace(0, 1, 1024), numbers)), 3).astype(">u2").tobytes()
    table += np.rint(32768 * np.array(corners)).clip(0, 65535).astype(">u2").tobytes()
    table += np.tile([0, 65535], 3).astype(">u2").tobytes()
    said = [(b"desc", b"desc" + bytes(4) + struct.pack(">I", 40) + b"scanner of QANARY".ljust(40, b"\0") + bytes(79))]
    said += [(b"cprt", text(b"(c) QANARY 2026")), (b"wtpt", xyz(0.9642, 1, 0.8249))]
    return assembled([*said, (b"A2B0", table), (b"Priv", b"data" + bytes(4) + CANARY * 9)])


def seen(rgb: Pixels, profile: bytes | None) -> Pixels:
    """RGB uint8 [H, W, 3] as sRGB, by littleCMS; without a profile the values themselves, which is what viewers do."""
    if not profile:
        return rgb
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(Image.fromarray(rgb), source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    assert shown is not None
    return np.asarray(shown, np.uint8)


def every_colour() -> Pixels:
    """A picture with greys in each step and colours from all corners of the cube."""
    steps = np.linspace(0, 255, 17).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return np.resize(np.concatenate([greys, cube]), (64, 81, 3))

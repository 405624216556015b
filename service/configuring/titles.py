"""AE titles that are easily taken for one another: how associations come to be refused for no visible reason."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

_SAME_TO_THE_EYE: Final = str.maketrans("O0QI1L5S8B2Z-_ ", "OOOIIISSBBZZ___")


def look_alikes(titles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of different titles that differ by case, by blanks, by signs that look alike, or by one character."""
    for first, second in combinations(sorted(set(titles)), 2):
        if _looks_like(first, second):
            yield first, second


def _looks_like(first: str, second: str) -> bool:
    plain = [title.strip().upper().translate(_SAME_TO_THE_EYE) for title in (first, second)]
    if plain[0] == plain[1]:
        return True
    return not _counts_up(first, second) and _one_apart(first.upper(), second.upper())


def _counts_up(first: str, second: str) -> bool:
    """CAMERA1 and CAMERA2, which are meant to differ by their number."""
    bare = [title.rstrip("0123456789") for title in (first, second)]
    return bare[0] == bare[1] and all(len(title) > len(bare[0]) for title in (first, second))


def _one_apart(first: str, second: str) -> bool:
    """One character is other, missing or too much; titles shorter than four are too short to tell."""
    short, long = sorted((first, second), key=len)
    if len(short) < 4 or len(long) - len(short) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at:] == long[at + 1 :] or (len(short) == len(long) and short[at + 1 :] == long[at + 1 :])

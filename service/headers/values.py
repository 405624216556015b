"""What a value must look like to stay, form by form; pure functions from texts to what is written, or None."""

import math
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

_DATE: Final = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?", re.ASCII)
_DATE_TIME: Final = re.compile(r"(\d{8})(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?([+-]\d{4})?", re.ASCII)
_ZONE: Final = re.compile(r"[+-](0\d|1[0-4])[0-5]\d", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,5}", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_LONGER: Final = re.compile(r"\+?\d{0,6}\.?\d{0,14}(E[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)
_LEAST, _MOST = 1e-5, 100_000  # of what an instrument measures
_UID: Final = re.compile(r"[012](\.(0|[1-9]\d*))+", re.ASCII)
_AGE: Final = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_OLDEST: Final = 90  # years; at and above it an age would single people out (45 CFR 164.514)


def moved(values: Sequence[str], offset: timedelta) -> str | None:
    """A date, or the date of a date with time, moved; None for what is no date, before or after moving."""
    found = _date(values[0]) if values else None
    try:
        later = found + offset if found else None
    except OverflowError:
        return None
    return f"{later:%Y%m%d}" if later and later.year >= 1000 else None


def plain_date(values: Sequence[str]) -> str | None:
    return moved(values, timedelta(0)) if values and len(values[0]) <= 10 else None


def date_time(values: Sequence[str]) -> str | None:
    found = _DATE_TIME.fullmatch(values[0]) if values else None
    return values[0] if found and _date(found[1]) else None


def time(values: Sequence[str]) -> str | None:
    return _first(_TIME, values)


def zone(values: Sequence[str]) -> str | None:
    return _first(_ZONE, values)


def number(values: Sequence[str]) -> str | None:
    return _first(_NUMBER, values)


def uid(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 and len(values[0]) <= 64 and _UID.fullmatch(values[0]) else None


def decimals(values: Sequence[str]) -> list[str] | None:
    """Each as it was written, or to six places where it has more."""
    found = [text for value in values if (text := _decimal(value))]
    return found if found and len(found) == len(values) else None


def measures(values: Sequence[str], *, is_whole: bool) -> list[int] | list[float] | None:
    """Numbers for a binary value representation, without a fraction where it is one of integers.

    None where one is of no size that instruments state: letters read as a number are, most of them.
    """
    try:
        found = [float(value) for value in values]
    except ValueError:
        return None
    if not found or not all(number == 0 or _LEAST <= abs(number) < _MOST for number in found):
        return None
    if not is_whole:
        return found
    return [int(number) for number in found] if all(number in range(0x10000) for number in found) else None


def terms(values: Sequence[str], listed: frozenset[str]) -> list[str] | str | None:
    if not values or not listed.issuperset(values):
        return None
    return values[0] if len(values) == 1 else list(values)


def age(values: Sequence[str], birth: Sequence[str], study: Sequence[str]) -> str | None:
    """The age that is stated, else the one between two dates; 090Y for everyone of 90 and above."""
    stated = _AGE.fullmatch(values[0]) if values else None
    if stated:
        return f"{min(int(stated[1]), _OLDEST):03d}Y" if stated[2] == "Y" else values[0]
    born, seen = (_date(each[0]) if each else None for each in (birth, study))
    if born is None or seen is None or seen < born:
        return None
    months = 12 * (seen.year - born.year) + seen.month - born.month - (seen.day < born.day)
    return f"{months:03d}M" if months < 24 else f"{min(months // 12, _OLDEST):03d}Y"


def _decimal(text: str) -> str | None:
    if _DECIMAL.fullmatch(text):
        return text
    try:
        number = float(text) if _LONGER.fullmatch(text) else math.inf
    except ValueError:
        return None
    return f"{number:.6f}".rstrip("0").rstrip(".") if number < 10**6 else None


def _date(text: str) -> date | None:
    match = _DATE.match(text)
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _first(pattern: re.Pattern[str], values: Sequence[str]) -> str | None:
    return values[0] if values and pattern.fullmatch(values[0]) else None

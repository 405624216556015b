"""The ways in which people write a date."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def spellings_of_date(text: str) -> Iterator[str]:
    """1987-12-31, 31.12.1987, 12/31/87, 31 Dec 1987 and their kind, lower case; nothing for what is no date."""
    match = re.match(r"(\d{4})\D?(\d{2})\D?(\d{2})", text, re.ASCII)
    try:
        day = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return
    if day is None:
        return
    for year in (f"{day.year:04d}", f"{day.year % 100:02d}"):
        for mark in ("-", ".", "/", " ", ""):
            for parts in _orders(day, year):
                if len(written := mark.join(parts)) > 5:
                    yield written
        for name in (_MONTHS[day.month - 1][:3], _MONTHS[day.month - 1]):
            yield from (f"{day.day} {name} {year}", f"{day.day:02d} {name} {year}", f"{name} {day.day}, {year}")


def _orders(day: date, year: str) -> Iterator[tuple[str, str, str]]:
    for month, number in ((f"{day.month:02d}", f"{day.day:02d}"), (str(day.month), str(day.day))):
        yield from ((year, month, number), (number, month, year), (month, number, year))

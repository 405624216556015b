"""What a browser asked for, checked: ids, and the fields of the search form."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service.catalogue import Query
from service.codes import read_table
from service.states import Cause, DeliveryState, PhotographState

_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
STATES: Final = (*PhotographState, DeliveryState.PARKED)


def known_id(text: str) -> str:
    """An id as rows have them; anything else names nothing: 404."""
    if not _ID.fullmatch(text):
        raise HTTPException(404)
    return text


_CHOICES: Final[dict[str, frozenset[str]]] = {"state": frozenset(STATES), "cause": frozenset(Cause)}


class SearchForm(BaseModel):
    """The fields of the search form as they come."""

    pseudonym: str = ""
    study: str = ""
    instance: str = ""
    source: str = ""
    destination: str = ""
    state: str = ""
    cause: str = ""
    view: str = ""
    since: str = ""
    until: str = ""


def frame_of(text: str, frames: int) -> int:
    """The frame that is asked for, counted from 1; the first one for anything that there is not."""
    return int(text) if re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII) and int(text) <= frames else 1


@dataclass(frozen=True)
class Asked:
    """The search form as it was filled in: `query` is what can be asked, `wrong` the fields that mean nothing."""

    values: dict[str, str]
    query: Query
    wrong: tuple[str, ...]

    def address(self, **more: str) -> str:
        """The list's address with these values."""
        filled = {key: value for key, value in {**self.values, **more}.items() if value}
        return f"/photographs?{urlencode(filled)}" if filled else "/photographs"


def read_search(values: dict[str, str]) -> Asked:
    """Blank fields ask for nothing; a day means the whole of it, in UTC."""
    given = {name: values.get(name, "").strip() for name in SearchForm.model_fields}
    parsed: dict[str, object] = {}
    wrong = []
    for name, text in given.items():
        if not text:
            continue
        value = _parsed(name, text)
        if value is None:
            wrong.append(name)
        else:
            parsed[name] = value
    return Asked(given, Query(**parsed), tuple(wrong))  # type: ignore[arg-type]


def view_labels() -> list[str]:
    """Every view that a photograph can be found by, as `service.views.describe` says them."""
    return [f"{row['code']} {row['name']}" for row in read_table("views")]


def _parsed(name: str, text: str) -> object:
    if name in ("since", "until"):
        return _day(text, end=name == "until")
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    pattern = _UID if name in ("study", "instance") else _PLAIN
    return text if pattern.fullmatch(text) else None


def _day(text: str, *, end: bool) -> datetime | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if _DAY.fullmatch(text) else None
        return day + timedelta(days=1) if day and end else day
    except (ValueError, OverflowError):
        return None

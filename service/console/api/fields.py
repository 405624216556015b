"""Kinds of values that requests are made of; whatever does not fit is refused with 400 before anything is asked."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, StringConstraints

ID: Final = r"^[0-9a-f]{32}$"


def _on_the_calendar(moment: datetime) -> datetime:
    """Far from both ends of what a datetime can hold, where a change of zone would fall off."""
    if not 1900 <= moment.year <= 9000:
        raise ValueError("the year is not one that anybody can mean")
    return moment.astimezone(UTC)


PhotographId = Annotated[str, Path(pattern=ID, examples=["0123456789abcdef0123456789abcdef"])]
Moment = Annotated[AwareDatetime, AfterValidator(_on_the_calendar)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Uid = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9.]+$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most, the newest first")]
After = Annotated[str | None, Query(max_length=200, description="`after` of the page before; left out for the first")]

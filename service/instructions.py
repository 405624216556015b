"""What a person asks for a photograph that starts over: another route, parts of the picture covered.

    photograph.instructions = Instructions(route="archive", redact=((0, 0, 300, 80),)).stored()
    instructions = read_instructions(photograph.instructions)     # empty ones where nobody asked for anything

They stay with the photograph through every attempt, until a person gives others.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from service.errors import VeraGateError
from service.settings import Backdrop

MOST_BOXES = 50

Edge = Annotated[int, Field(ge=0, le=65535)]


def _has_area(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        raise ValueError("a box has its left edge left of the right one, and its top above its bottom")
    return box


PixelBox = Annotated[tuple[Edge, Edge, Edge, Edge], AfterValidator(_has_area)]


class Instructions(BaseModel):
    """`redact`: boxes to cover, left, top, right, bottom in pixels of the original, the last two exclusive;
    `cover_faces`: cover every head in place of giving it a new face; `backdrop`: what becomes of what lies behind
    people, whatever the route says; `route`: where it goes, by the route's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: str | None = Field(default=None, min_length=1, max_length=64)
    redact: tuple[PixelBox, ...] = Field(default=(), max_length=MOST_BOXES)
    cover_faces: bool = False
    backdrop: Backdrop | None = None

    @property
    def covers(self) -> bool:
        """Whether anything is asked of the picture: parts to cover, or what becomes of what lies behind people."""
        return bool(self.redact) or self.cover_faces or self.backdrop is not None

    def stored(self) -> dict[str, Any] | None:
        """As the row and the audit keep it; None where nothing is asked for."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return values or None


def read_instructions(values: dict[str, Any] | None) -> Instructions:
    """From a row or a form; raises VeraGateError with a sentence that says what is wrong with them."""
    try:
        return Instructions.model_validate(values or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"][:2])
        what = first["msg"].removeprefix("Value error, ")
        raise VeraGateError(f"These instructions cannot be followed: {where}: {what}.") from error

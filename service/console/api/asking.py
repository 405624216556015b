"""What the modules below refuse because of how it was asked for."""

from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException

from service.errors import Retry, VeraGateError

T = TypeVar("T")


def asked_for(read: Callable[[], T]) -> T:
    """What `read` gives; 400 with its sentence when it refuses what was asked."""
    try:
        return read()
    except Retry:
        raise
    except VeraGateError as error:
        raise HTTPException(400, str(error)) from error

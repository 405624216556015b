"""Structured logs that cannot carry patient data: only fields on a list pass (invariant I7).

Three ways in, all closed: a field that is not in `ALLOWED` is dropped; an exception becomes its class
and the places it went through, its message only when it is one of ours; and what libraries
write or warn about becomes the library's name, level and source line, without its text.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, cast

import structlog
from structlog.contextvars import bound_contextvars as bound  # ids on every line of a task, gone at its end
from structlog.typing import FilteringBoundLogger, Processor

from service.errors import VeraGateError

__all__ = ["ALLOWED", "bound", "configure", "get_logger"]

ALLOWED = frozenset(
    {"event", "level", "timestamp", "library", "process", "pid", "where", "error", "reason"}
    | {"photograph_id", "release_id", "delivery_id", "entry_id", "batch", "position"}
    | {"action", "outcome", "state", "cause", "view", "gate", "route", "destination", "actor"}
    | {"calling_ae", "called_ae", "peer", "host", "port", "status", "sop_class_uid", "transfer_syntax_uid"}
    | {"attempt", "attempts", "delay_seconds", "seconds", "duration_ms", "count", "size", "faces", "distance"}
    | {"version", "model_version", "device", "workers", "mode", "signal", "exit_code", "free_megabytes", "setting"}
)

_FRAMES = 6


def _safe_exception(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn exc_info into `error` (class), `where` (innermost frames) and, for our own errors, `reason`."""
    info = line.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if info is True:
        error = sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        line["error"] = type(error).__name__
        line["where"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        if isinstance(error, VeraGateError):
            line["reason"] = str(error)
    return line


def _only_allowed(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in line.items() if key in ALLOWED}


def _configure_structlog(json: bool) -> None:
    renderer: Processor = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _safe_exception,
            _only_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


class _LibraryHandler(logging.Handler):
    """Reports that a library spoke, and where; its text may quote a data set, so it stays out."""

    def emit(self, record: logging.LogRecord) -> None:
        where = f"{Path(record.pathname).name}:{record.lineno}"
        get_logger(library=record.name).log(record.levelno, "library.message", where=where)


def configure(json: bool = False) -> None:
    """Send log lines to stderr, as JSON or for people, and take over the standard library's logging."""
    _configure_structlog(json)
    logging.captureWarnings(True)
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)


def get_logger(**bound_fields: Any) -> FilteringBoundLogger:
    """A logger with fields bound to it; fields outside `ALLOWED` never reach a line."""
    return cast(FilteringBoundLogger, structlog.get_logger(**bound_fields))


_configure_structlog(json=False)

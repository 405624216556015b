"""What became of the files, for scripts: one JSON document."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from service.files.anonymizing import FileOutcome
from service.states import EXPLANATION, Cause

UNREADABLE: Final = frozenset({Cause.UNREADABLE, Cause.UNDECODABLE_PIXELS, Cause.TOO_MANY_PIXELS, Cause.UNSUPPORTED})
"""The file could not be worked on at all; every other cause is a result that was held back."""

EXIT_HELD: Final = 3
EXIT_UNREADABLE: Final = 4


def exit_code(outcomes: Sequence[FileOutcome]) -> int:
    """0: everything was written; 3: something was held back; 4: something could not be read."""
    causes = {outcome.cause for outcome in outcomes} - {None}
    if causes & UNREADABLE:
        return EXIT_UNREADABLE
    return EXIT_HELD if causes else 0


def write_report(outcomes: Sequence[FileOutcome], path: Path, *, generator: str, preserve: Sequence[str]) -> None:
    report = {
        "generator": generator,
        "preserve": sorted(preserve),
        "written": sum(outcome.cause is None for outcome in outcomes),
        "not_written": sum(outcome.cause is not None for outcome in outcomes),
        "files": [_line(outcome) for outcome in outcomes],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _line(outcome: FileOutcome) -> dict[str, Any]:
    written = outcome.cause is None
    return {
        "file": str(outcome.job.source),
        "result": str(outcome.job.target) if written else None,
        "cause": outcome.cause,
        "explanation": None if outcome.cause is None else EXPLANATION[outcome.cause],
        "detail": outcome.detail,
        "faces": [
            {"box": [round(float(side), 1) for side in box], "distance": distance}
            for box, distance in zip(outcome.boxes, outcome.distances, strict=False)
        ],
        "texts_covered": outcome.texts,
        "backdrop": outcome.backdrop,
        "preserved_pixels": outcome.preserved_pixels,
        "preserved_digest": outcome.preserved_digest,
        "seconds": round(outcome.seconds, 3),
    }

"""Options and output that several commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file. Default: $VERAGATE_CONFIG, else veragate.toml.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def print_json(value: Any) -> None:
    """One JSON document on standard output; dates as ISO 8601."""
    typer.echo(json.dumps(value, indent=2, default=str))


def _asked(help_: str) -> Any:
    return typer.Option(help=help_, show_default=False)


Patient = Annotated[str | None, _asked("Only about this patient, by pseudonym.")]
Study = Annotated[str | None, _asked("Only about this study: its UID as received or as sent.")]
SopInstance = Annotated[str | None, _asked("Only about this object: its SOP Instance UID as received or as sent.")]
Photograph = Annotated[str | None, _asked("Only about this photograph id.")]
Actor = Annotated[str | None, _asked("Only what this person, process or AE title did.")]
Ae = Annotated[str | None, _asked("Only where this AE title or destination took part.")]
Action = Annotated[str | None, _asked("Only this action, such as delivery.parked.")]
Outcome = Annotated[str | None, _asked("Only this outcome: success, refused or failure.")]
Since = Annotated[str | None, _asked("From this day or time on, in UTC, such as 2026-11-23T14:05.")]
Until = Annotated[str | None, _asked("Until this day, or before this time.")]

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

"""`demo`: the whole gateway on this machine, with two patients."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Trying it out")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Where the contact sheet and the received objects go.")] = Path(
        "demo-output"
    ),
) -> None:
    """Send two patients' photographs through the gateway to a second DICOM node, and show what came out.

    Nothing of it stays but the folder of results, in which the console can look around. Ends with 0 when every
    promise was kept and with 1 when not.
    """
    from rich.console import Console

    from service.demo.run import run

    raise typer.Exit(1 if run(out, Console()) else 0)

"""`control`: one synthetic person, one thing changed at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from service.cli.options import Json, print_json

if TYPE_CHECKING:
    from models.control import Part


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Files")(control)


def control(
    photo: Annotated[Path, typer.Argument(help="A photograph with a face.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the sheets.", show_default=False)],
    yaw: Annotated[
        str | None, typer.Option(help="Degrees, such as -20:20; positive turns to the picture's right.")
    ] = None,
    pitch: Annotated[str | None, typer.Option(help="Degrees, such as -15:15; positive looks down.")] = None,
    age: Annotated[str | None, typer.Option(help="Years of age, such as 40:75.")] = None,
    expression: Annotated[str, typer.Option(help="Any of smile,mouth,eyes.")] = "",
    regions: Annotated[str, typer.Option(help="Any of skin,brows,eyes,nose,mouth,contour.")] = "",
    identity_seed: Annotated[int, typer.Option(help="Number of the person that takes the patient's place.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Show what can be changed in a face: contact sheets of another person in the photograph's place.

    With --yaw and --pitch the angles that came out are measured: slope, R² and how far the other angle drifted. Ends
    with 0, or with 1 when no face was found that could be changed.
    """
    wishes: dict[str, Any] = {
        "yaw": _range("--yaw", yaw),
        "pitch": _range("--pitch", pitch),
        "years": _range("--age", age),
    }
    from models import FaceAnonymizer
    from models.control import MEASURES, PARTS
    from models.evaluation.portraits import Portrait
    from models.evaluation.strips import Wishes, draw

    wishes["expressions"] = _names("--expression", expression, tuple(MEASURES))
    wishes["regions"] = cast("tuple[Part, ...]", _names("--regions", regions, PARTS))
    if not any(wishes.values()):
        raise typer.BadParameter("say what to change: --yaw, --pitch, --age, --expression or --regions")
    try:
        done = draw(FaceAnonymizer.load(device=device), Portrait(photo).read(), Wishes(**wishes), identity_seed, out)
    except ValueError as error:
        typer.echo(f"{photo.name}: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        print_json({"files": done.files, "turns": done.turns})
        return
    for axis, fit in done.turns.items():
        typer.echo(f"{axis}: R² {fit['r2']:.4f}, slope {fit['slope']:.2f}, the other angle drifts {fit['drift']:.1f}°")
    typer.echo(f"Sheets: {', '.join(str(out / name) for name in done.files)}")


def _range(option: str, text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise typer.BadParameter(f"{option} takes two numbers, such as -20:20, not {text!r}") from error
    return low, high


def _names(option: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := set(names) - set(known):
        raise typer.BadParameter(f"{option} knows {', '.join(known)}, not {', '.join(sorted(unknown))}")
    return names

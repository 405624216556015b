"""`anonymize`: photographs as files, without a running gateway."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from service.cli.options import Config

if TYPE_CHECKING:
    from service.files.anonymizing import FileAnonymizer, FileOutcome
    from service.files.planning import Job
    from service.files.subjects import Subjects
    from service.settings import Backdrop, Hair, OnText, Region, Settings

_REGIONS = ("mouth", "nose", "eyes")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Files")(anonymize)


def anonymize(
    inputs: Annotated[list[Path], typer.Argument(help="Files or folders: JPEG, PNG, TIFF, DICOM.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.", show_default=False)],
    preserve: Annotated[str, typer.Option(help="Any of mouth,nose,eyes that must not change, or none.")] = "none",
    subject: Annotated[
        str | None,
        typer.Option(help="Give every file the lasting identity of this subject, from the gateway's database."),
    ] = None,
    identity_seed: Annotated[
        int | None, typer.Option(help="Give every file the one identity of this number; it is no secret.", min=0)
    ] = None,
    text: Annotated[
        str, typer.Option(help="Writing in the picture: hold (write no result) or blank (cover it with grey).")
    ] = "hold",
    backdrop: Annotated[
        str, typer.Option(help="What lies behind the people: keep, or plain (a plain backdrop in its place).")
    ] = "keep",
    hair: Annotated[
        str, typer.Option(help="The hair: renew (the new person's), keep, or cap (under a drawn surgical cap).")
    ] = "renew",
    report: Annotated[Path | None, typer.Option(help="Write faces, distances, digests and timings as JSON.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    config: Config = None,
) -> None:
    """Give the people in photographs other faces.

    A picture becomes a PNG and a DICOM object a DICOM object, under the same stem. Without --subject or
    --identity-seed each file is a subject of its own. A result is written only when it passed the same gates as in
    the gateway: every face replaced, none still recognised, the preserved region equal, no writing in the picture
    (name labels, rulers with names, screenshots).

    Ends with 0 when every file was written, 3 when at least one was held back, 4 when at least one could not be
    read, 2 when the call is wrong; --report says which and why.
    """
    from service.files.planning import plan
    from service.files.report import exit_code, write_report

    regions = _regions(preserve)
    if subject is not None and identity_seed is not None:
        raise typer.BadParameter("say --subject or --identity-seed, not both")
    if text not in ("hold", "blank"):
        raise typer.BadParameter("--text is hold or blank")
    if backdrop not in ("keep", "plain"):
        raise typer.BadParameter("--backdrop is keep or plain")
    if hair not in ("renew", "keep", "cap"):
        raise typer.BadParameter("--hair is renew, keep or cap")
    settings = _settings(config, device, needed=subject is not None)
    jobs = plan(inputs, out, overwrite=overwrite)
    with _subjects(settings, subject, identity_seed) as subjects:
        from service.files.anonymizing import FileAnonymizer

        anonymizer = FileAnonymizer(
            settings, regions, subjects, cast("OnText", text), cast("Backdrop", backdrop), cast("Hair", hair)
        )
        outcomes = _run(anonymizer, jobs)
    if report is not None:
        write_report(outcomes, report, generator=anonymizer.version, preserve=sorted(regions))
    _tell(outcomes)
    raise typer.Exit(exit_code(outcomes))


def _regions(text: str) -> "frozenset[Region]":
    names = {name.strip() for name in text.split(",") if name.strip()} - {"none"}
    if unknown := names - set(_REGIONS):
        raise typer.BadParameter(f"--preserve knows mouth, nose, eyes and none, not {', '.join(sorted(unknown))}")
    return cast("frozenset[Region]", frozenset(names))


def _settings(config: Path | None, device: str, *, needed: bool) -> "Settings":
    from service.settings import Settings, load_settings

    if device not in ("cpu", "cuda"):
        raise typer.BadParameter("--device is cpu or cuda")
    settings = load_settings(config) if needed or config is not None else Settings()
    return settings.model_copy(update={"work": settings.work.model_copy(update={"device": device})})


@contextmanager
def _subjects(settings: "Settings", subject: str | None, seed: int | None) -> "Iterator[Subjects]":
    from service.files.subjects import OwnSubjects, SeededSubject, stored

    if subject is not None:
        with stored(settings, subject) as known:
            yield known
    else:
        yield OwnSubjects() if seed is None else SeededSubject(seed)


def _run(anonymizer: "FileAnonymizer", jobs: "Sequence[Job]") -> "list[FileOutcome]":
    from rich.console import Console
    from rich.progress import track

    steps = track(jobs, "anonymizing", console=Console(stderr=True))
    return [anonymizer.anonymize(job) for job in steps]


def _tell(outcomes: "Sequence[FileOutcome]") -> None:
    from service.states import EXPLANATION

    for outcome in outcomes:
        if outcome.cause is not None:
            detail = f" ({outcome.detail})" if outcome.detail else ""
            typer.echo(f"not written: {outcome.job.source}: {EXPLANATION[outcome.cause]}{detail}", err=True)
    written = sum(outcome.cause is None for outcome in outcomes)
    typer.echo(f"{written} of {len(outcomes)} files written.")

"""`audit export` and `audit verify-export`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from service.cli.options import (
    Action,
    Actor,
    Ae,
    Config,
    Outcome,
    Patient,
    Photograph,
    Since,
    SopInstance,
    Study,
    Until,
)


def export(
    person: Annotated[str, typer.Option("--by", help="Your name; it goes on record.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; it must not exist.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, or html for printing.")] = "csv",
    patient: Patient = None,
    study: Study = None,
    sop_instance: SopInstance = None,
    photograph: Photograph = None,
    actor: Actor = None,
    ae: Ae = None,
    action: Action = None,
    outcome: Outcome = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
) -> None:
    """Write the entries for which everything asked holds to a file that proves itself; this goes on record."""
    from service import exporting
    from service.gateway import Gateway
    from service.inquiries import Inquiry
    from service.settings import load_settings

    inquiry = Inquiry.of(
        patient=patient, study=study, sop_instance=sop_instance, photograph=photograph, actor=actor, ae=ae,
        action=action, outcome=outcome, since=since, until=until,
    )  # fmt: skip
    gateway = Gateway.open(load_settings(config))
    with _new_file(out) as file:
        for block in exporting.export(gateway, inquiry, person, form):
            file.write(block)
    typer.echo(f"Written to {out}. Anybody can check it: veragate audit verify-export, or docs/verify_export.py.")


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file for the owner alone that is there when all of it is, and not otherwise."""
    from service.durability import sync
    from service.errors import VeraGateError

    if path.exists():
        raise VeraGateError(f"{path} is there already; an export writes over nothing.")
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            yield file
        sync(draft)
        draft.rename(path)
    except OSError as error:
        raise VeraGateError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)


def verify_export(
    file: Annotated[Path, typer.Argument(help="A file that `audit export` or the console wrote.", show_default=False)],
    public_key: Annotated[str | None, typer.Option(help="The key that must have signed it: 64 hex digits.")] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="A kept copy of the checkpoint file.")] = None,
) -> None:
    """Check an exported file and name the first line that does not fit. Needs no gateway and no configuration.

    Ends with 0 when everything fits, with 1 when something does not, with 2 when there is nothing to check.
    """
    from service import verify_export
    from service.sealing import verifier

    raise typer.Exit(verify_export.run(file, public_key, checkpoints, verifier))

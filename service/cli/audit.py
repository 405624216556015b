"""`audit verify`, `query`, `export`, `verify-export` and `public-key`."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.exporting import export, verify_export
from service.cli.options import (
    Action,
    Actor,
    Ae,
    Config,
    Json,
    Outcome,
    Patient,
    Photograph,
    Since,
    SopInstance,
    Study,
    Until,
    print_json,
)

if TYPE_CHECKING:
    from service.tables import AuditEntry


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="The record of everything that was done, and the proof that nobody edited it.")
    for command in (verify, query, export):
        commands.command()(command)
    commands.command("verify-export")(verify_export)
    commands.command("public-key")(public_key)
    app.add_typer(commands, name="audit", rich_help_panel="For the record")


def verify(config: Config = None, as_json: Json = False) -> None:
    """Recompute the whole audit and name the first entry that was edited, removed or cut off.

    Ends with 0 when all is well and with 1 when it is not.
    """
    from dataclasses import asdict

    from service import audit
    from service.database import Database
    from service.secrets import Keys
    from service.settings import load_settings

    settings = load_settings(config)
    database, keys = Database(settings.url), Keys.load(settings)
    found = audit.verify(database, keys, settings.checkpoints, settings.checkpoint_copy)
    if as_json:
        print_json(asdict(found))
    elif found.ok:
        typer.echo(f"The audit is whole: {found.entries} entries, {found.sealed} sealed, {found.unsealed} not yet.")
    else:
        typer.echo(f"THE AUDIT WAS CHANGED: {found.problem}", err=True)
    if found.note and not as_json:
        typer.echo(found.note, err=not found.ok)
    raise typer.Exit(0 if found.ok else 1)


def query(
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
    limit: Annotated[int, typer.Option(help="How many entries at most, the newest.", min=1)] = 50,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the entries for which everything asked holds, the oldest of the chosen ones first."""
    from service.database import Database
    from service.inquiries import Inquiry, search
    from service.sealing import entry_fields
    from service.settings import load_settings

    inquiry = Inquiry.of(
        patient=patient, study=study, sop_instance=sop_instance, photograph=photograph, actor=actor, ae=ae,
        action=action, outcome=outcome, since=since, until=until,
    )  # fmt: skip
    entries: list[AuditEntry] = []
    after: str | None = None
    with Database(load_settings(config).url).read() as session:
        while len(entries) < limit:
            page = search(session, inquiry, after, limit - len(entries))
            entries += page.entries
            if (after := page.after) is None:
                break
    if as_json:
        print_json([entry_fields(entry) for entry in reversed(entries)])
        return
    for entry in reversed(entries):
        typer.echo(_line(entry))


def public_key(config: Config = None, as_json: Json = False) -> None:
    """Print the key that checkpoints and exports are checked with; auditors need it by another way than the files."""
    from service import sealing
    from service.secrets import Keys
    from service.settings import load_settings
    from service.verify_export import fingerprint

    key = sealing.public_key(Keys.load(load_settings(config)))
    if as_json:
        print_json({"public_key": key, "fingerprint": fingerprint(key)})
    else:
        typer.echo(f"Public key (Ed25519): {key}\nFingerprint (SHA-256): {fingerprint(key)}")


def _line(entry: "AuditEntry") -> str:
    details = " ".join(f"{key}={_short(value)}" for key, value in entry.details.items())
    return (
        f"{entry.occurred_at:%Y-%m-%d %H:%M:%S} {entry.action:<24} {entry.outcome:<8} "
        f"{entry.actor:<16} {entry.photograph_id or '-':<32} {details}".rstrip()
    )


def _short(value: object) -> str:
    """Lists of gates as how many passed; `--json` shows them all."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "passed" in item for item in value):
        return f"{sum(bool(item['passed']) for item in value)}/{len(value)} passed"
    return str(value)

"""`audit verify` and `audit show`."""

from typing import Annotated

import typer

from service.cli.options import Config, Json, print_json


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="The record of everything that was done, and the proof that nobody edited it.")
    commands.command()(verify)
    commands.command()(show)
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
    found = audit.verify(Database(settings.url), Keys.load(settings), settings.checkpoints)
    if as_json:
        print_json(asdict(found))
    elif found.ok:
        typer.echo(f"The audit is whole: {found.entries} entries, {found.sealed} sealed, {found.unsealed} not yet.")
    else:
        typer.echo(f"THE AUDIT WAS CHANGED: {found.problem}", err=True)
    raise typer.Exit(0 if found.ok else 1)


def show(
    photograph: Annotated[str | None, typer.Option(help="Only entries about this photograph id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, such as delivery.parked.")] = None,
    limit: Annotated[int, typer.Option(help="How many entries at most, the newest.", min=1)] = 50,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show entries, the oldest of the chosen ones first."""
    from sqlalchemy import select

    from service.database import Database
    from service.settings import load_settings
    from service.tables import AuditEntry

    query = select(AuditEntry).order_by(AuditEntry.occurred_at.desc(), AuditEntry.id).limit(limit)
    if photograph is not None:
        query = query.where(AuditEntry.photograph_id == photograph)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    with Database(load_settings(config).url).read() as session:
        entries = list(reversed(session.scalars(query).all()))
    if as_json:
        fields = ("id", "occurred_at", "action", "outcome", "actor", "photograph_id", "details")
        print_json([{field: getattr(entry, field) for field in fields} for entry in entries])
        return
    for entry in entries:
        details = " ".join(f"{key}={_short(value)}" for key, value in entry.details.items())
        typer.echo(
            f"{entry.occurred_at:%Y-%m-%d %H:%M:%S} {entry.action:<24} {entry.outcome:<8} "
            f"{entry.actor:<16} {entry.photograph_id or '-':<32} {details}".rstrip()
        )


def _short(value: object) -> str:
    """Lists of gates as how many passed; `--json` shows them all."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "passed" in item for item in value):
        return f"{sum(bool(item['passed']) for item in value)}/{len(value)} passed"
    return str(value)

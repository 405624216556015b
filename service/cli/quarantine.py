"""`quarantine list`, `release`, `reject` and `retry`: what waits for a person, and the decisions about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import Config, Json, print_json

if TYPE_CHECKING:
    from service.gateway import Gateway
    from service.quarantine import Decision

    Decide = Callable[[Gateway, str, Decision], str]  # does it, and says what was done

Ids = Annotated[list[str], typer.Argument(help="Photograph ids, as `quarantine list` shows them.", show_default=False)]
Person = Annotated[str, typer.Option("--by", help="Your name; it goes on record.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes on record.", show_default=False)]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="What is held, failed or parked, and what to do about it.")
    commands.command("list")(list_)
    for command in (release, reject, retry):
        commands.command()(command)
    app.add_typer(commands, name="quarantine", rich_help_panel="For the record")


def list_(config: Config = None, as_json: Json = False) -> None:
    """Show what waits for a person, with the cause and what helps."""
    from dataclasses import asdict

    from service.database import Database
    from service.desk import desk
    from service.settings import load_settings

    with Database(load_settings(config).url).read() as session:
        items = desk(session)
    if as_json:
        print_json([asdict(item) for item in items])
        return
    if not items:
        typer.echo("Nothing waits for a decision.")
    for item in items:
        note = " It can be released." if item.releasable else ""
        typer.echo(
            f"{item.photograph_id} {item.state} {item.cause} ({item.view or 'view unknown'})\n  {item.advice}{note}"
        )


def release(ids: Ids, person: Person, reason: Reason, config: Config = None) -> None:
    """Let held photographs leave as they are, on your word; under the four-eyes rule, on yours and another's."""
    from service.proposals import release_or_propose

    def decide(gateway: "Gateway", photograph_id: str, decision: "Decision") -> str:
        left = release_or_propose(gateway, photograph_id, decision)
        return "released" if left else "proposed for release; a second person has to confirm"

    _decide(decide, ids, person, reason, config)


def reject(ids: Ids, person: Person, reason: Reason, config: Config = None) -> None:
    """Close photographs for good; nothing of them leaves."""
    from service.quarantine import reject

    _decide(_saying("rejected", reject), ids, person, reason, config)


def retry(ids: Ids, person: Person, reason: Reason, config: Config = None) -> None:
    """Start over: held and failed photographs from the original, parked deliveries from the release."""
    from service.quarantine import retry

    _decide(_saying("queued again", retry), ids, person, reason, config)


def _saying(done: str, decide: "Callable[[Gateway, str, Decision], None]") -> "Decide":
    def said(gateway: "Gateway", photograph_id: str, decision: "Decision") -> str:
        decide(gateway, photograph_id, decision)
        return done

    return said


def _decide(decide: "Decide", ids: list[str], person: str, reason: str, config: Config) -> None:
    """Decide on each photograph; those that cannot be decided so are named, and the exit code is 1."""
    from service.errors import VeraGateError
    from service.gateway import Gateway
    from service.quarantine import Decision
    from service.settings import load_settings

    gateway = Gateway.open(load_settings(config))
    decision = Decision(person, reason)
    failed = False
    for photograph_id in ids:
        try:
            typer.echo(f"{photograph_id} {decide(gateway, photograph_id, decision)}.")
        except VeraGateError as problem:
            typer.echo(str(problem), err=True)
            failed = True
    raise typer.Exit(1 if failed else 0)

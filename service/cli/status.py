"""`status`: how much is where, and what has waited longest."""

from typing import TYPE_CHECKING, Any

import typer

from service.cli.options import Config, Json, print_json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Running the gateway")(status)


def status(config: Config = None, as_json: Json = False) -> None:
    """Show how many photographs are in each state, what waits, and for how long."""
    from service.database import Database
    from service.settings import load_settings

    settings = load_settings(config)
    with Database(settings.url).read() as session:
        found = _overview(session)
    if as_json:
        print_json(found)
        return
    typer.echo("Photographs: " + (", ".join(f"{n} {state}" for state, n in found["photographs"].items()) or "none"))
    for name, states in found["deliveries"].items():
        typer.echo(f"To {name}: " + ", ".join(f"{n} {state}" for state, n in states.items()))
    if found["oldest_waiting_seconds"] is not None:
        typer.echo(f"Acknowledged and not released: the oldest for {found['oldest_waiting_seconds']} s.")
    if found["last_problem"]:
        typer.echo(f"Last problem of a destination: {found['last_problem']}.")
    typer.echo(f"Audit entries that wait for a seal: {found['audit_unsealed']}.")
    if (age := found["audit_seal_age_seconds"]) is not None and age > settings.audit.stalled_seconds:
        typer.echo(f"THE AUDIT IS NOT BEING SEALED: its oldest entry has waited for {age} s. Does the sweeper run?")


def _overview(session: "Session") -> dict[str, Any]:
    from sqlalchemy import func, select

    from service.sealing import seal_age
    from service.states import DeliveryState, PhotographState
    from service.tables import AuditPending, Delivery, Photograph, utc_now

    photographs = session.execute(select(Photograph.state, func.count()).group_by(Photograph.state)).all()
    pending = select(Delivery.destination, Delivery.state, func.count()).group_by(Delivery.destination, Delivery.state)
    deliveries: dict[str, dict[str, int]] = {}
    for name, state, count in session.execute(pending):
        deliveries.setdefault(name, {})[state] = count
    waiting = select(func.min(Photograph.received_at)).where(Photograph.state == PhotographState.RECEIVED)
    oldest = session.scalar(waiting)
    age = seal_age(session)
    problem = select(Delivery.last_error).where(
        Delivery.state != DeliveryState.DELIVERED, Delivery.last_error.is_not(None)
    )
    return {
        "photographs": dict(photographs),
        "deliveries": deliveries,
        "oldest_waiting_seconds": None if oldest is None else round((utc_now() - oldest).total_seconds()),
        "last_problem": session.scalars(problem.order_by(Delivery.changed_at.desc())).first(),
        "audit_unsealed": session.scalars(select(func.count()).select_from(AuditPending)).one(),
        "audit_seal_age_seconds": None if age is None else round(age),
    }

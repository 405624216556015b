"""`accounts add`, `list`, `disable`, `enable` and `reset`: who may sign in to the console."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import Config, Json, print_json
from service.rights import Role

if TYPE_CHECKING:
    from service.database import Database

Name = Annotated[str, typer.Argument(help="The name that the person signs in with.", show_default=False)]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Who may sign in to the console, and with which role.")
    commands.command("list")(list_)
    for command in (add, disable, enable, reset):
        commands.command()(command)
    app.add_typer(commands, name="accounts", rich_help_panel="Running the gateway")


def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person may do.", show_default=False)],
    config: Config = None,
) -> None:
    """Make an account and print its first password, which is shown this once and must be changed."""
    from service.people import accounts

    password = accounts.add(_database(config), name, role, by=_user())
    typer.echo(f"First password of {accounts.canonical_name(name)}: {password}")


def list_(config: Config = None, as_json: Json = False) -> None:
    """Show the accounts."""
    from service.people import accounts
    from service.people.lockout import is_locked
    from service.tables import utc_now

    with _database(config).read() as session:
        rows = accounts.listed(session)
    now = utc_now()
    shown = [
        {
            "name": row.name,
            "role": row.role,
            "disabled": row.disabled,
            "locked": is_locked(row, now),
            "codes": row.sealed_totp is not None,
            "provider": row.oidc_issuer,
            "created_at": row.created_at,
        }
        for row in rows
    ]
    if as_json:
        print_json(shown)
        return
    if not shown:
        typer.echo("There is no account yet; the console prints a link that makes the first one.")
    for line in shown:
        notes = [word for word in ("disabled", "locked", "codes", "provider") if line[word]]
        typer.echo(f"{line['name']!s:<32} {line['role']!s:<12} {' '.join(notes)}".rstrip())


def disable(name: Name, config: Config = None) -> None:
    """Let nobody sign in with this account, and end its sign-ins."""
    from service.people import accounts

    database = _database(config)
    accounts.disable(database, _id(database, name), by=_user())
    typer.echo(f"{accounts.canonical_name(name)} disabled.")


def enable(name: Name, config: Config = None) -> None:
    """Let this account sign in again; a lock is lifted too."""
    from service.people import accounts

    database = _database(config)
    accounts.enable(database, _id(database, name), by=_user())
    typer.echo(f"{accounts.canonical_name(name)} enabled.")


def reset(name: Name, config: Config = None) -> None:
    """Print a new first password, and take away the one-time codes: for whoever lost a password or a phone."""
    from service.people import accounts

    database = _database(config)
    password = accounts.reset(database, _id(database, name), by=_user())
    typer.echo(f"First password of {accounts.canonical_name(name)}: {password}")


def _database(config: Config) -> "Database":
    """The migrated database, made with this master secret: what is written here can be sealed."""
    from service.gateway import Gateway
    from service.schema import migrate
    from service.settings import load_settings

    settings = load_settings(config)
    migrate(settings.url)
    return Gateway.open(settings).database


def _id(database: "Database", name: str) -> str:
    from service.people import accounts

    with database.read() as session:
        return accounts.id_of(session, name)


def _user() -> str:
    """Who runs this command, as the operating system has it."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"

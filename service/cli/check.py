"""`check`: is everything there that the gateway needs, and do the destinations answer?"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import typer

from service.cli.options import Config, Json, print_json

if TYPE_CHECKING:
    from service.settings import AuditRepository, Destination, Settings


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Running the gateway")(check)


def check(config: Config = None, as_json: Json = False) -> None:
    """Check the database, the secret, the disk, the models' weights, every destination and audit repository.

    Ends with 0 when all is well and with 1 when something is not.
    """
    from service.settings import load_settings

    settings = _with_the_consoles(load_settings(config))
    found = [{"what": what, "problem": _problem(probe)} for what, probe in _probes(settings)]
    if as_json:
        print_json(found)
    else:
        for line in found:
            typer.echo(f"{line['what']:<32} {line['problem'] or 'OK'}")
    raise typer.Exit(1 if any(line["problem"] for line in found) else 0)


def _with_the_consoles(file: "Settings") -> "Settings":
    """The settings as they are now; the file alone while the database does not answer, which is a finding below."""
    from service.configuration import Live
    from service.database import Database
    from service.errors import VeraGateError
    from service.schema import migrate

    try:
        migrate(file.url)
        return Live(file, Database(file.url)).current()
    except VeraGateError:
        return file


def _probes(settings: "Settings") -> Iterator[tuple[str, Callable[[], str | None]]]:
    yield "accepted calling AE titles", lambda: _callers(settings)
    yield "master secret", lambda: _secret(settings)
    yield "database", lambda: _database(settings)
    yield "audit seal", lambda: _seal(settings)
    yield "disk", lambda: _disk(settings)
    yield "models' weights", lambda: _weights(settings)
    for destination in settings.destinations:
        yield f"destination {destination.name}", partial(_echo, settings, destination)
    for repository in settings.audit.repositories:
        yield f"audit repository {repository.name}", partial(_shake_hands, repository)


def _problem(probe: Callable[[], str | None]) -> str | None:
    from service.errors import VeraGateError

    try:
        return probe()
    except VeraGateError as error:
        return str(error)
    except Exception as error:  # a check reports, whatever went wrong
        return type(error).__name__


def _callers(settings: "Settings") -> str | None:
    accepted = settings.listener.accepted_calling_aes
    return None if accepted else "listener.accepted_calling_aes is empty: every sender is refused"


def _secret(settings: "Settings") -> None:
    from service.secrets import Keys

    Keys.load(settings)


def _database(settings: "Settings") -> None:
    from service.database import Database
    from service.schema import migrate

    migrate(settings.url)
    Database(settings.url).ping()


def _seal(settings: "Settings") -> str | None:
    from service.database import Database
    from service.sealing import seal_age

    with Database(settings.url).read() as session:
        age = seal_age(session)
    if age is None or age <= settings.audit.stalled_seconds:
        return None
    return f"the audit's oldest entry has waited for its seal for {age:.0f} s: does `veragate sweep` run?"


def _disk(settings: "Settings") -> str | None:
    import shutil

    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data_folder).free >> 20
    wanted = settings.limits.min_free_disk_megabytes
    return None if free >= wanted else f"{free} MB free, limits.min_free_disk_megabytes asks for {wanted}"


def _weights(settings: "Settings") -> None:
    from service.pixels import Faces

    _ = Faces(settings.work.device).version


def _shake_hands(repository: "AuditRepository") -> str | None:
    from service.messages import transport

    return transport.check(repository)


def _echo(settings: "Settings", destination: "Destination") -> str | None:
    from service.destinations import echo

    return echo(settings, destination)

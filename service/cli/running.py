"""`up` and what it does: `migrate`, then the roles `listen`, `work`, `send`, `sweep`, `console`, `report`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Config

_PANEL = "Running the gateway"
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True)]


def register(app: typer.Typer) -> None:
    for command in (up, migrate, listen, work, send, sweep, console, report):
        app.command(rich_help_panel=_PANEL)(command)


def up(config: Config = None) -> None:
    """Run the whole gateway on this machine until Ctrl-C or SIGTERM."""
    from service.console.serving import address
    from service.runners import stop_on_signals
    from service.settings import config_path, load_settings
    from service.supervisor import Supervisor

    _logs()
    path = config_path(config)
    settings = load_settings(path)
    where = f"{settings.listener.ae_title} at {settings.listener.host}:{settings.listener.port}"

    def announce() -> None:
        typer.echo(f"VeraGate is ready: {where}. Ctrl-C stops it.")
        if settings.console.enabled:
            typer.echo(f"The console: {address(settings.console)}")

    raise typer.Exit(Supervisor(settings, path).run(stop_on_signals(), announce))


def migrate(config: Config = None) -> None:
    """Bring the database to this version; `up` does it by itself."""
    from service.schema import migrate as bring_up_to_date
    from service.settings import load_settings

    bring_up_to_date(load_settings(config).url)


def listen(config: Config = None, supervised: Supervised = False) -> None:
    """Receive photographs over DICOM."""
    from service.runners import listen_loop, stop_on_signals
    from service.settings import load_settings

    _logs()
    settings = load_settings(config)
    stop, ready = stop_on_signals(), _tell(supervised)
    if settings.mode == "scaled":
        from service.broker import Doorbell

        listen_loop(settings, stop, ready, Doorbell(settings).ring)
    else:
        listen_loop(settings, stop, ready)


def work(config: Config = None, supervised: Supervised = False) -> None:
    """De-identify what was received."""
    _run("work", config, supervised)


def send(config: Config = None, supervised: Supervised = False) -> None:
    """Send what was released to its destinations."""
    _run("send", config, supervised)


def sweep(config: Config = None, supervised: Supervised = False) -> None:
    """Move on what stood still, clean up after crashes, seal the audit."""
    _run("sweep", config, supervised)


def console(config: Config = None, supervised: Supervised = False) -> None:
    """Serve the console: pages for operators, reviewers and compliance officers, and the API."""
    from service.console.serving import serve
    from service.runners import stop_on_signals
    from service.settings import load_settings

    _logs()

    def show(link: str) -> None:
        typer.echo(f"Nobody can sign in yet. Make the first account within a day: {link}")

    serve(load_settings(config), stop_on_signals(), _tell(supervised), show)


def report(config: Config = None, supervised: Supervised = False) -> None:
    """Send DICOM audit messages to the audit repositories."""
    from service.runners import report_loop, stop_on_signals
    from service.settings import load_settings

    _logs()
    report_loop(load_settings(config), stop_on_signals(), _tell(supervised))


def _run(role: str, config: Path | None, supervised: bool) -> None:
    """The role's own loop in embedded mode, a Celery worker for its queue in scaled mode."""
    from service import runners
    from service.settings import load_settings

    _logs()
    settings = load_settings(config)
    ready = _tell(supervised)
    if settings.mode == "scaled":
        from service.tasks import run_worker

        run_worker(settings, role, ready)
    else:
        loops = {"work": runners.work_loop, "send": runners.send_loop, "sweep": runners.sweep_loop}
        loops[role](settings, runners.stop_on_signals(), ready)


def _tell(supervised: bool) -> Callable[[], None]:
    """How a role says that it is ready; under a supervisor it also ends with it."""
    if not supervised:
        return lambda: None
    from service.runners import stop_with_parent
    from service.supervisor import READY

    stop_with_parent()
    return lambda: typer.echo(READY.decode())


def _logs() -> None:
    """Lines for people on a terminal, JSON lines for everything that collects them."""
    import sys

    from service import logs

    logs.configure(json=not sys.stderr.isatty())

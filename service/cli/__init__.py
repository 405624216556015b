"""The command line. Each module of this package that has a `register(app)` adds its commands.

Modules import what they work with inside their commands, so that `veragate --help` answers at once.
"""

from importlib import import_module
from pkgutil import iter_modules

import typer

app = typer.Typer(
    name="veragate",
    help="A DICOM gateway that gives patients synthetic faces, and keeps a record of it that can be checked.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print local variables, and those hold patient data
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _assemble() -> None:
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        register = getattr(import_module(f"{__name__}.{module.name}"), "register", None)
        if register is not None:
            register(app)


_assemble()

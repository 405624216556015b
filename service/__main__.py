"""`veragate` and `python -m service`."""

import sys


def main() -> None:
    """Run the command line; what an operator can mend is said in one sentence, without a traceback."""
    from service.cli import app
    from service.errors import ConfigurationError, VeraGateError

    try:
        app(prog_name="veragate")
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(78)
    except VeraGateError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Run all benchmarks and print one table, or JSON with --json."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from benchmarks import audit, console, decoding, faces, headers, ingest, photograph
from benchmarks.figure import Figure
from service import logs

BENCHMARKS = {
    "faces": faces.measure,
    "console": console.measure,
    "headers": headers.measure,
    "decoding": decoding.measure,
    "photograph": photograph.measure,
    "ingest": ingest.measure,
}
BY_NAME = {"audit": audit.measure}  # takes many minutes and gigabytes of PostgreSQL: only where it is asked for


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = f"{', '.join(BENCHMARKS)}, or audit; default: all but audit"
    parser.add_argument("which", nargs="*", help=names)
    parser.add_argument("--entries", type=int, default=audit.ENTRIES, help="how many entries audit has")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    if unknown := set(chosen.which) - set(BENCHMARKS | BY_NAME):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    logs.configure()
    figures = list(_run(chosen.which or list(BENCHMARKS), chosen.entries))
    if chosen.json:
        print(json.dumps({"machine": _machine(), "figures": [vars(figure) for figure in figures]}, indent=1))
    else:
        Console().print(_table(figures))


def _run(names: list[str], entries: int) -> Iterator[Figure]:
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        yield from BENCHMARKS[name]() if name in BENCHMARKS else BY_NAME[name](entries)


def _table(figures: list[Figure]) -> Table:
    table = Table(title=_machine(), title_justify="left")
    for heading in ("what", "median", "range", "unit"):
        table.add_column(heading, justify="left" if heading in ("what", "unit") else "right")
    for figure in figures:
        span = "" if figure.low is None else f"{figure.low:.2f} to {figure.high:.2f}"
        table.add_row(figure.what, "not measured" if figure.value is None else f"{figure.value:.2f}", span, figure.unit)
    return table


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()

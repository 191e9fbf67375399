"""`mailmote devices`: the serial ports, and what runs on each."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from .. import ports, probe
from ..ports import Port
from ..probe import Running
from . import options

EXAMPLE = """\b
Example:
  mailmote devices
  mailmote devices --port COM5 --port rfc2217://bench.example:4000 --json"""

_AT_ONCE = 16
_DONE, _FAILED = 0, 1


@click.command(epilog=EXAMPLE)
@click.option(
    "--port",
    "names",
    multiple=True,
    metavar="PORT",
    help="ask this port, URL or serial number alone, whatever is on it; repeatable (default: each port that "
    "is probably a board)",
)
@click.option("--no-ask", is_flag=True, help="list the ports, and open none")
@options.as_json
def command(names: tuple[str, ...], no_ask: bool, as_json: bool) -> int:
    """List the serial ports, and what runs on each.

    Nothing that runs is stopped. Exit code 1: a port that was named cannot be used.
    """
    found = [_named(name) for name in dict.fromkeys(names)] if names else ports.listed()
    asked = [] if no_ask else [port for port in found if names or port.chip_guess]
    runs = _ask(asked)
    if as_json:
        print(json.dumps([_as_json(port, runs.get(port.device)) for port in found], indent=2))
    elif found:
        Console(highlight=False).print(_table(found, runs))
        for run in runs.values():
            if run.what == "trouble":
                print(run, file=sys.stderr)
    if not any(port.chip_guess for port in found) and not names:
        print(f"No board was found. {ports.there_are()}", file=sys.stderr)
    return _FAILED if names and any(run.what == "trouble" for run in runs.values()) else _DONE


def _named(name: str) -> Port:
    device = ports.choose(name)
    known = (port for port in ports.listed() if device in (port.device, port.by_id))
    return next(known, Port(device))


def _ask(asked: Sequence[Port]) -> dict[str, Running]:
    """Ask all at once; what runs, by the device."""
    if not asked:
        return {}
    runs: dict[str, Running] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    stderr = Console(stderr=True)
    with (
        Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress,
        ThreadPoolExecutor(min(_AT_ONCE, len(asked))) as threads,
    ):
        task = progress.add_task("Asking the boards", total=len(asked))
        waiting = {threads.submit(probe.ask, port.device): port.device for port in asked}
        for done in as_completed(waiting):
            runs[waiting[done]] = done.result()
            progress.advance(task)
    return runs


def _table(found: Sequence[Port], runs: dict[str, Running]) -> Table:
    """Without the columns that would be empty."""
    titles = ("Port", "Board", "USB id", "Serial number", "Runs")
    rows = [_cells(port, runs.get(port.device)) for port in found]
    shown = [at for at in range(len(titles)) if any(row[at] for row in rows)]
    table = Table(*(titles[at] for at in shown), box=box.SIMPLE)
    for port, row in zip(found, rows, strict=True):
        style = "" if port.chip_guess or port.device in runs else "dim"
        table.add_row(*(Text(row[at], overflow="fold") for at in shown), style=style)
    return table


def _cells(port: Port, run: Running | None) -> tuple[str, ...]:
    name = f"{port.device}\n{port.by_id}" if port.by_id else port.device
    board = "\n".join(filter(None, (port.chip_guess, port.description)))
    return name, board, port.usb_id, port.serial_number, _told(port, run)


def _told(port: Port, run: Running | None) -> str:
    if run is None:
        return "" if port.chip_guess else "not asked: name it with --port"
    return "cannot be used: see below" if run.what == "trouble" else str(run)


def _as_json(port: Port, run: Running | None) -> dict[str, Any]:
    described = port._asdict() | {"usb_id": port.usb_id}
    return described | {"runs": run._asdict() if run else None}
